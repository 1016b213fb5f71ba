"""`torch.compile(model, backend="vitc")`: what it computes, and when it falls back."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import vitc.dynamo
from vitc.dynamo import FallbackWarning


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch._dynamo.reset()


def test_runs_whole_encoders(vit: Any, images: torch.Tensor, monkeypatch: Any) -> None:
    runs = []
    call = vitc.Model.__call__

    def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        runs.append(len(arguments[0]))
        return call(self, *arguments, **options)

    monkeypatch.setattr(vitc.Model, "__call__", counting)
    compiled = torch.compile(vit, backend="vitc", options={"threads": 2})
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        wanted = vit(images)
        found = compiled(images)
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)
        # Once to compare, once to run.
        assert runs == [3, 3]
        for count in (3, 1, 5, 4):
            other = torch.randn(count, 3, 48, 48)
            assert torch.allclose(compiled(other), vit(other), rtol=1e-4, atol=1e-4)
    assert runs[2] == 3 and runs[-2:] == [5, 4]


def test_takes_options(vit: Any, images: torch.Tensor) -> None:
    compiled = torch.compile(vit, backend="vitc", options={"precision": "bf16"})
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        found, wanted = compiled(images), vit(images)
    error = float((found - wanted).norm() / wanted.norm())
    assert 1e-5 < error < 0.05


def reason(compiled: Any, images: torch.Tensor) -> str:
    with pytest.warns(FallbackWarning) as caught:
        compiled(images)
    return str(caught[0].message)


def test_falls_back_with_gradients(vit: Any, images: torch.Tensor) -> None:
    compiled = torch.compile(vit, backend="vitc")
    assert "gradients are enabled" in reason(compiled, images)
    compiled(images).sum().backward()
    assert vit.head.bias.grad is not None


def test_falls_back_in_training_mode(vit: Any, images: torch.Tensor) -> None:
    vit.train()
    with torch.no_grad():
        assert "training mode" in reason(torch.compile(vit, backend="vitc"), images)


def test_falls_back_for_other_modules(images: torch.Tensor) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
    with torch.no_grad():
        compiled = torch.compile(module, backend="vitc")
        assert "not that of a module's forward" in reason(compiled, images)
        assert torch.allclose(compiled(images), module(images))


def test_falls_back_for_changed_modules(vit: Any, images: torch.Tensor) -> None:
    vit.blocks[0].mlp.act = torch.nn.ReLU()
    with torch.no_grad():
        compiled = torch.compile(vit, backend="vitc")
        assert "differ from the graph's" in reason(compiled, images)
        assert torch.allclose(compiled(images), vit(images))


def test_falls_back_where_weights_change(vit: Any, images: torch.Tensor) -> None:
    with torch.no_grad():
        compiled = torch.compile(vit, backend="vitc")
        before = compiled(images)
        vit.head.bias += 1
        assert "weights have changed" in reason(compiled, images)
        assert torch.allclose(compiled(images), before + 1, atol=1e-4)


def test_falls_back_for_other_types(vit: Any, images: torch.Tensor) -> None:
    vit.double()
    with torch.no_grad():
        compiled = torch.compile(vit, backend="vitc")
        assert "torch.float64" in reason(compiled, images.double())
        assert torch.equal(compiled(images.double()), vit(images.double()))
