#!/usr/bin/env python3
"""Tiny Hugging Face checkpoints with random weights, as the hub has them, and their goldens.

Writes Tests/Goldens/hf/NAME/ for each of MODELS: what save_pretrained() writes (config.json,
model.safetensors or shards with an index), a preprocessor_config.json in the form of the family's
hub files, and golden/: SIDE-input.npy with SIDE-logits.npy, SIDE-features.npy (what feeds the
classifier) and SIDE-tokens.npy (last_hidden_state) for the checkpoint's own image size and a
changed one (interpolate_pos_encoding). Tests/Goldens/hf/index.json lists them.

transformers computes in float64 from the stored weights, promoted; only Dinov2's position
embeddings are resized in float32, as transformers always does. Results are rounded to float32.

Made with torch 2.13.0, transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0:
  pip install torch transformers numpy safetensors
  python hf_folders.py
"""

import json

import torch
import transformers
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index
from transformers import (
    DeiTConfig,
    DeiTForImageClassification,
    DeiTForImageClassificationWithTeacher,
    DeiTModel,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    Dinov2WithRegistersModel,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)

transformers.utils.logging.disable_progress_bar()
FOLDER = GOLDENS / "hf"
LABELS = {0: "tabby, tabby cat", 1: "goldfish", 2: 'the "umlaut" ü', 3: "d", 4: "e"}
VIT = {"hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 80}
DINO = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2}
NO_BIAS = {"qkv_bias": False}
REGISTERS = {"num_register_tokens": 3}
SWIGLU = {"use_swiglu_ffn": True}
# Name, class, what its configuration sets, stored type, own and other image size, patch.
MODELS = [
    ("vit", ViTForImageClassification, VIT, torch.float32, 16, 24, 4),
    ("vit-sharded-bf16", ViTForImageClassification, VIT, torch.bfloat16, 24, 16, 4),
    ("vit-no-qkv-bias", ViTForImageClassification, VIT | NO_BIAS, torch.float32, 16, 20, 4),
    ("vit-bare-f16", ViTModel, VIT, torch.float16, 16, 32, 4),
    ("deit-f16", DeiTForImageClassification, VIT, torch.float16, 16, 24, 4),
    ("deit-teacher", DeiTForImageClassificationWithTeacher, VIT, torch.float32, 24, 16, 4),
    ("deit-bare", DeiTModel, VIT, torch.float32, 16, 24, 4),
    ("dinov2-bare", Dinov2Model, DINO, torch.float32, 35, 28, 7),
    ("dinov2-f16", Dinov2ForImageClassification, DINO, torch.float16, 28, 42, 7),
    ("dinov2-swiglu-bf16", Dinov2ForImageClassification, DINO | SWIGLU, torch.bfloat16, 28, 35, 7),
    (
        "dinov2-registers", Dinov2WithRegistersForImageClassification, DINO | REGISTERS,
        torch.float32, 35, 21, 7,
    ),
    (
        "dinov2-registers-swiglu-bare", Dinov2WithRegistersModel, DINO | REGISTERS | SWIGLU,
        torch.float32, 28, 42, 7,
    ),
]
CONFIGURATIONS = {
    "vit": ViTConfig,
    "deit": DeiTConfig,
    "dinov2": Dinov2Config,
    "dinov2-registers": Dinov2WithRegistersConfig,
}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def preprocessor(name: str, side: int) -> dict:
    """As the hub's files of the family say it, old forms and new."""
    if name == "vit":  # the oldest form, without resample
        return {"do_normalize": True, "do_resize": True, "size": side} | HALF
    square = {"height": side, "width": side}
    if name.startswith("vit"):
        return {
            "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_processor_type": "ViTImageProcessor", "resample": 2,
            "rescale_factor": 1 / 255, "size": square,
        } | HALF
    if name.startswith("deit"):  # the form of facebook/deit-base-distilled-patch16-384
        return {
            "crop_size": side, "do_center_crop": True, "do_normalize": True, "do_resize": True,
            "feature_extractor_type": "DeiTFeatureExtractor", "resample": 3,
            "size": side * 438 // 384,
        } | IMAGENET
    return {
        "crop_size": square, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
        "do_rescale": True, "do_resize": True, "image_processor_type": "BitImageProcessor",
        "resample": 3, "rescale_factor": 1 / 255, "size": {"shortest_edge": side * 256 // 224},
    } | IMAGENET


def outputs(model: torch.nn.Module, images: torch.Tensor, resized: bool) -> dict:
    """Logits and what feeds the classifier, where there is one classifier, and the final tokens."""
    captured = {}
    bare = model.base_model
    hooks = [
        bare.register_forward_hook(
            lambda module, _, result: captured.update(tokens=result.last_hidden_state)
        )
    ]
    if hasattr(model, "classifier"):
        hooks.append(
            model.classifier.register_forward_pre_hook(
                lambda module, arguments: captured.update(features=arguments[0])
            )
        )
    # Dinov2 interpolates by itself and takes no such argument.
    dino = model.config.model_type.startswith("dinov2")
    arguments = {} if dino or not resized else {"interpolate_pos_encoding": True}
    with torch.inference_mode():
        result = model(pixel_values=images.double(), **arguments)
    for hook in hooks:
        hook.remove()
    if hasattr(result, "logits"):
        captured["logits"] = result.logits
    elif bare is model:
        captured["tokens"] = result.last_hidden_state
        captured["features"] = result.last_hidden_state[:, 0]
    return captured


def make(name, cls, arguments, dtype, side, other, patch) -> dict:
    """Writes one model's folder; its entry of the index."""
    family = next(f for f in sorted(CONFIGURATIONS, key=len, reverse=True) if name.startswith(f))
    config = CONFIGURATIONS[family](image_size=side, patch_size=patch, **arguments)
    if "ForImageClassification" in cls.__name__:
        config.id2label = LABELS
        config.label2id = {label: index for index, label in LABELS.items()}
    model = cls(config)
    randomize(model, name)
    folder = fresh(FOLDER / name)
    shards = {"max_shard_size": "20KB"} if "sharded" in name else {}
    model.to(dtype).save_pretrained(folder, **shards)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(preprocessor(name, side), indent=2) + "\n"
    )
    model = cls.from_pretrained(folder, dtype=torch.float64).eval()
    entries = []
    for size in (side, other):
        images = input_images(name, size)
        entries += write_goldens(folder, size, images, outputs(model, images, size != side))
    return {
        "name": name,
        "class": cls.__name__,
        "dtype": str(dtype).removeprefix("torch."),
        "image": side,
        "goldens": entries,
    }


def main() -> None:
    fresh(FOLDER)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    write_index(FOLDER, versions, [make(*model) for model in MODELS])


if __name__ == "__main__":
    main()
