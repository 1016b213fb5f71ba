#!/usr/bin/env python3
"""Tiny Hugging Face checkpoints with random weights, as the hub has them, and their goldens.

Writes Tests/Goldens/hf/NAME/ for each of MODELS: what save_pretrained() writes (config.json,
model.safetensors or shards with an index), a preprocessor_config.json in the form of the family's
hub files, and golden/: SIDE-input.npy with SIDE-logits.npy, SIDE-features.npy (what feeds the
classifier) and SIDE-tokens.npy (last_hidden_state) for the checkpoint's own image size and a
changed one (interpolate_pos_encoding). Tests/Goldens/hf/index.json lists them.

transformers computes in float64 from the stored weights, promoted; only Dinov2's position
embeddings are resized in float32, as transformers always does. Results are rounded to float32.

transformers 5 has no class for vit-hybrid any more: its parts, a BitBackbone and a ViT that reads the
backbone's result as an image, are put together here, and written under the names and in the
configuration of the hub's google/vit-hybrid-base-bit-384.

Made with torch 2.13.0, transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0:
  pip install torch transformers numpy safetensors
  python hf_folders.py
"""

import json

import torch
import transformers
from safetensors.torch import load_file, save_file
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index
from transformers import (
    BitBackbone,
    BitConfig,
    BitForImageClassification,
    BitModel,
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
POOLER = {"pooler_output_size": 20, "pooler_act": "gelu"}
REGISTERS = {"num_register_tokens": 3}
SWIGLU = {"use_swiglu_ffn": True}
BIT = {"embedding_size": 16, "hidden_sizes": [32, 64], "depths": [2, 1], "num_groups": 4}
BOTTLENECK = {
    "layer_type": "bottleneck", "global_padding": "same", "embedding_dynamic_padding": True,
}
# Name, class, what its configuration sets, stored type, own and other image size, patch.
MODELS = [
    ("vit", ViTForImageClassification, VIT, torch.float32, 16, 24, 4),
    ("vit-sharded-bf16", ViTForImageClassification, VIT, torch.bfloat16, 24, 16, 4),
    ("vit-no-qkv-bias", ViTForImageClassification, VIT | NO_BIAS, torch.float32, 16, 20, 4),
    ("vit-bare-f16", ViTModel, VIT, torch.float16, 16, 32, 4),
    ("vit-pooler", ViTModel, VIT | POOLER, torch.float16, 16, 24, 4),
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
    ("bit", BitForImageClassification, BIT, torch.float32, 35, 48, None),
    ("bit-bare-f16", BitModel, BIT, torch.float16, 32, 37, None),
    ("bit-bottleneck", BitForImageClassification, BIT | BOTTLENECK, torch.float32, 35, 48, None),
]
# The same for hybrids: name, the ViT's part, the backbone's, stored type, image sizes, patch.
HYBRIDS = [
    ("vit-hybrid", VIT, BIT | BOTTLENECK, torch.float32, 35, 46, 1),
    ("vit-hybrid-f16", VIT, BIT | BOTTLENECK | {"depths": [1, 2]}, torch.float16, 48, 64, 2),
]
CONFIGURATIONS = {
    "vit": ViTConfig,
    "deit": DeiTConfig,
    "bit": BitConfig,
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
    if name.startswith("vit-hybrid"):
        return {
            "crop_size": square, "do_center_crop": True, "do_convert_rgb": True,
            "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_processor_type": "ViTHybridImageProcessor", "resample": 3,
            "rescale_factor": 1 / 255, "size": {"shortest_edge": side},
        } | HALF
    if name.startswith("bit"):
        return {
            "crop_size": square, "do_center_crop": True, "do_convert_rgb": True,
            "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_processor_type": "BitImageProcessor", "resample": 2,
            "rescale_factor": 1 / 255, "size": {"shortest_edge": side},
        } | HALF
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
    # Dinov2 interpolates by itself, Bit has nothing to interpolate: no such argument.
    free = model.config.model_type.startswith(("dinov2", "bit"))
    arguments = {} if free or not resized else {"interpolate_pos_encoding": True}
    with torch.inference_mode():
        result = model(pixel_values=images.double(), **arguments)
    for hook in hooks:
        hook.remove()
    if hasattr(result, "logits"):
        captured["logits"] = result.logits
    elif bare is model:
        captured["tokens"] = result.last_hidden_state
        captured["features"] = result.last_hidden_state[:, 0]
        if model.config.model_type in ("vit", "deit"):
            captured["pooler"] = result.pooler_output
    if model.config.model_type == "bit":
        # Pixels as rows, channels last.
        if bare is model:
            captured["features"] = result.pooler_output
        captured["features"] = captured["features"].flatten(1)
        captured["tokens"] = captured["tokens"].flatten(2).transpose(1, 2)
    return captured


def make(name, cls, arguments, dtype, side, other, patch) -> dict:
    """Writes one model's folder; its entry of the index."""
    family = next(f for f in sorted(CONFIGURATIONS, key=len, reverse=True) if name.startswith(f))
    geometry = {"image_size": side, "patch_size": patch} if patch else {}
    config = CONFIGURATIONS[family](**geometry, **arguments)
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


def make_hybrid(name, size, layers, dtype, side, other, patch) -> dict:
    """Writes a hybrid's folder; its entry of the index."""
    folder = fresh(FOLDER / name)
    stages = len(layers["depths"])
    backbone = BitBackbone(BitConfig(**layers, out_features=[f"stage{stages}"]))
    stride = 2 << stages
    grid = -(-side // stride)  # SAME padding: rounded up
    config = ViTConfig(
        image_size=grid, patch_size=patch, num_channels=layers["hidden_sizes"][-1], **size
    )
    config.id2label = LABELS
    vit = ViTForImageClassification(config)
    randomize(backbone, f"{name} backbone")
    randomize(vit, name)
    tensors = {}
    for part, prefix in [(backbone, "vit.embeddings.patch_embeddings.backbone."), (vit, "")]:
        part.eval().to(dtype).save_pretrained(folder)
        tensors |= {
            prefix + key: value for key, value in load_file(folder / "model.safetensors").items()
        }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    written = {
        "architectures": ["ViTHybridForImageClassification"],
        "backbone_config": {"model_type": "bit", "out_features": [f"stage{stages}"]} | layers,
        "id2label": LABELS,
        "image_size": side,
        "model_type": "vit-hybrid",
        "patch_size": patch,
    } | size
    (folder / "config.json").write_text(json.dumps(written, indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(
        json.dumps(preprocessor(name, side), indent=2) + "\n"
    )
    backbone, vit = backbone.double(), vit.double()
    entries = []
    for pixels in (side, other):
        images = input_images(name, pixels)
        with torch.inference_mode():
            features = backbone(images.double()).feature_maps[-1]
        golden = outputs(vit, features, pixels != side)
        entries += write_goldens(folder, pixels, images, golden)
    return {
        "name": name,
        "class": "ViTHybridForImageClassification",
        "dtype": str(dtype).removeprefix("torch."),
        "image": side,
        "goldens": entries,
    }


def main() -> None:
    fresh(FOLDER)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    models = [make(*model) for model in MODELS] + [make_hybrid(*model) for model in HYBRIDS]
    write_index(FOLDER, versions, models)


if __name__ == "__main__":
    main()
