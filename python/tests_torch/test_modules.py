"""Modules of timm and transformers through `vitc.compile`, and tensors in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from conftest import randomized

import vitc


def error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())


def reference(module: Any, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return module.double()(images.double())


def test_tensors_give_tensors(vit: Any, images: torch.Tensor) -> None:
    with vitc.compile(vit, threads=2) as model:
        found = model(images)["logits"]
        assert isinstance(found, torch.Tensor) and found.dtype == torch.float32
        assert error(found, reference(vit, images)) < 1e-5
        place = torch.empty(3, 7)
        assert model(images, out={"logits": place})["logits"].data_ptr() == place.data_ptr()
        assert torch.equal(place, found)
        assert torch.equal(model(images.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2))["logits"], found)
        assert isinstance(model(images.numpy())["logits"], numpy.ndarray)
        for wrong, kind, words in (
            (images.double(), TypeError, "float64"),
            (images.bfloat16(), TypeError, "bfloat16"),
            (images.to("meta"), ValueError, "on meta, expected the CPU"),
            (images.to_sparse(), ValueError, "dense"),
            (images.clone().requires_grad_(), ValueError, "requires gradients"),
        ):
            with pytest.raises(kind, match=words):
                model(wrong)
        with torch.inference_mode():
            model(images.clone().requires_grad_())


def test_compiles_timm_once(vit: Any, cache: Path) -> None:
    vit.train()
    first = vitc.compile(vit)
    assert vit.training and vit.blocks[0].training
    second = vitc.compile(vit)
    assert first.path == second.path and len(list(cache.iterdir())) == 1
    assert first.info.input.shape == (3, 48, 48)
    with torch.no_grad():
        vit.head.bias[0] += 1
    assert vitc.compile(vit).path != first.path


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_compiles_in_every_precision(vit: Any, images: torch.Tensor, precision: Any) -> None:
    with vitc.compile(vit, precision=precision) as model:
        found = model(images)["logits"]
    assert error(found, reference(vit, images)) < {"bf16": 0.03, "int8": 0.1}[precision]


def test_finds_what_a_configuration_does_not_say(vit: Any) -> None:
    class Twice(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * torch.nn.functional.gelu(x)

    for block in vit.blocks:
        block.mlp.act = Twice()
    with pytest.raises(vitc.CompileError, match="computes something else than the module"):
        vitc.compile(vit)
    vitc.compile(vit, check=False).close()


def test_compiles_features_of_timm(vit: Any, images: torch.Tensor) -> None:
    with vitc.compile(vit, outputs=["features", "tokens"]) as model:
        found = model(images)
    with torch.inference_mode():
        vit.double()
        tokens = vit.forward_features(images.double())
        features = vit.forward_head(tokens, pre_logits=True)
    assert error(found["tokens"], tokens) < 1e-5
    assert error(found["features"], features) < 1e-5


def test_compiles_transformers(images: torch.Tensor) -> None:
    from transformers import ViTConfig, ViTForImageClassification, ViTModel

    config = ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        image_size=48, patch_size=16, num_labels=4,
    )  # fmt: skip
    head = randomized(ViTForImageClassification(config))
    with vitc.compile(head) as model:
        assert model.labels == ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")
        found = model(images)["logits"]
    assert error(found, reference(head, images).logits) < 1e-5
    body = randomized(ViTModel(config))
    with vitc.compile(body, outputs="tokens,pooler") as model:
        found = model(images)
    wanted = reference(body, images)
    assert error(found["tokens"], wanted.last_hidden_state) < 1e-5
    assert error(found["pooler"], wanted.pooler_output) < 1e-5


def test_takes_a_processor(images: torch.Tensor) -> None:
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    body = randomized(ViTModel(ViTConfig(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=3, intermediate_size=40,
        image_size=48, patch_size=16,
    )))  # fmt: skip
    processor = ViTImageProcessor(
        size={"height": 48, "width": 48}, image_mean=[0.1, 0.2, 0.3], image_std=[0.9, 0.8, 0.7]
    )
    white = numpy.full((60, 50, 3), 255, numpy.uint8)
    with vitc.compile(body, processor=processor) as model:
        found = model.preprocess(white)[:, 0, 0]
    assert numpy.allclose(found, (1 - numpy.array([0.1, 0.2, 0.3])) / [0.9, 0.8, 0.7], atol=1e-5)


def test_refuses_other_modules() -> None:
    with pytest.raises(TypeError, match="torch.nn.modules.linear.Linear, expected a module of timm"):
        vitc.compile(torch.nn.Linear(3, 4))


def test_pretrained_weights_are_timms(monkeypatch: pytest.MonkeyPatch, vit: Any) -> None:
    import timm

    asked = []

    def create(name: str, *, pretrained: bool) -> Any:
        asked.append((name, pretrained))
        return vit

    monkeypatch.setattr(timm, "create_model", create)
    with vitc.load_pretrained("vit_tiny_patch16_224.augreg_in21k", precision="bf16") as model:
        assert model.info.input.shape == (3, 48, 48)
    assert asked == [("vit_tiny_patch16_224.augreg_in21k", True)]
