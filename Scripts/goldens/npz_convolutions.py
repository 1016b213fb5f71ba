#!/usr/bin/env python3
"""Goldens of hybrids and ResNets whose weights come from Google's .npz files.

The models have their full size, so the files would be large; instead every array is the seeded
tensor of its own name in the file (seedweights.py), and the tests write the same file. Writes
Tests/Goldens/npz-convolutions/index.json, which lists names and shapes of each file's arrays, and
NAME-logits.npy under JAX's numerics with NAME-logits-timm.npy under timm's, for the seeded input.

timm loads the file by its own loader of this format and computes in float64. For JAX's numerics the
standardized weights, the epsilons and the GELU of its model are replaced. npz_check.py compares with
the JAX code itself.

Made with torch 2.13.0, timm 1.0.31, numpy 2.4.6:
  pip install torch timm numpy
  python npz_convolutions.py
"""

import json
import tempfile

import numpy
import timm
import torch
from seedweights import seeded
from timm.layers import GroupNormAct, StdConv2d, StdConv2dSame, pad_same
from tinymodels import GOLDENS, fresh
from torch import nn
from torch.nn import functional

FOLDER = GOLDENS / "npz-convolutions"
CLASSES = 10
# Name, the family of names, whether group norms are stored [1, 1, 1, C].
MODELS = [
    ("vit_tiny_r_s16_p8_224", "vit", True),
    ("vit_small_r26_s32_224", "vit", False),
    ("resnetv2_50x1_bit", "bit", False),
]


def vit_key(name: str) -> tuple:
    """The key of one of timm's tensors in a JAX file, and which part of it, of how many."""
    parts = name.split(".")
    leaf = {"weight": "kernel", "bias": "bias"}[parts[-1]] if parts[-1] in ("weight", "bias") else ""
    norm = {"kernel": "scale", "bias": "bias"}.get(leaf)
    if name == "cls_token":
        return "cls", None
    if name == "pos_embed":
        return "Transformer/posembed_input/pos_embedding", None
    if parts[0] == "blocks":
        block = f"Transformer/encoderblock_{parts[1]}"
        inner = ".".join(parts[2:-1])
        attention = f"{block}/MultiHeadDotProductAttention_1"
        return {
            "norm1": (f"{block}/LayerNorm_0/{norm}", None),
            "norm2": (f"{block}/LayerNorm_2/{norm}", None),
            "attn.qkv": (f"{attention}/{{}}/{leaf}", ("query", "key", "value")),
            "attn.proj": (f"{attention}/out/{leaf}", None),
            "mlp.fc1": (f"{block}/MlpBlock_3/Dense_0/{leaf}", None),
            "mlp.fc2": (f"{block}/MlpBlock_3/Dense_1/{leaf}", None),
        }[inner]
    if parts[0] == "norm":
        return f"Transformer/encoder_norm/{norm}", None
    if parts[0] == "head":
        return f"head/{leaf}", None
    if name.startswith("patch_embed.proj"):
        return f"embedding/{leaf}", None
    inner = parts[2:]
    if inner[0] == "stem":
        inner = inner[1:]
    if inner[0] == "stages":
        unit = f"block{int(inner[1]) + 1}/unit{int(inner[3]) + 1}/"
        inner = inner[4:]
        if inner[0] == "downsample":
            kind = "conv_proj" if inner[1] == "conv" else "gn_proj"
        else:
            kind = inner[0].replace("norm", "gn")
        return f"{unit}{kind}/{leaf if 'conv' in kind else norm}", None
    return f"conv_root/{leaf}" if inner[0] == "conv" else f"gn_root/{norm}", None


def bit_key(name: str) -> tuple:
    """The key of one of timm's tensors in one of Big Transfer's files."""
    parts = name.split(".")
    norm = {"weight": "gamma", "bias": "beta"}[parts[-1]]
    if parts[0] == "stem":
        return "resnet/root_block/standardized_conv2d/kernel", None
    if parts[0] == "norm":
        return f"resnet/group_norm/{norm}", None
    if parts[0] == "head":
        return f"resnet/head/conv2d/{'kernel' if norm == 'gamma' else 'bias'}", None
    unit = f"resnet/block{int(parts[1]) + 1}/unit{int(parts[3]) + 1:02d}"
    if parts[4] == "downsample":
        return f"{unit}/a/proj/standardized_conv2d/kernel", None
    letter = "abc"[int(parts[4][-1]) - 1]
    if parts[4].startswith("conv"):
        return f"{unit}/{letter}/standardized_conv2d/kernel", None
    return f"{unit}/{letter}/group_norm/{norm}", None


def shape_in_file(key: str, shape: tuple, heads: int, wide_norms: bool) -> list:
    """The shape that the JAX code gives what timm stores in this shape."""
    if "DotProduct" in key:
        dim = shape[-1]
        if key.endswith("bias"):
            return [dim] if "/out/" in key else [heads, shape[0] // 3 // heads]
        return [heads, dim // heads, dim] if "/out/" in key else [dim, heads, dim // heads]
    if len(shape) == 4:
        return [shape[2], shape[3], shape[1], shape[0]]
    if len(shape) == 2:
        return [shape[1], shape[0]]
    is_group = any(part.startswith("gn") for part in key.split("/"))
    return [1, 1, 1, *shape] if is_group and wide_norms else list(shape)


def arrays(model: nn.Module, family: str, wide_norms: bool) -> dict:
    """The file's names and shapes."""
    heads = model.blocks[0].attn.num_heads if family == "vit" else 0
    result = {}
    for name, tensor in model.state_dict().items():
        key, parts = (vit_key if family == "vit" else bit_key)(name)
        shape = shape_in_file(key, tuple(tensor.shape), heads, wide_norms)
        for part in parts or ("",):
            result[key.format(part)] = shape
    return result


class Convolution(nn.Module):
    """A convolution with its weights standardized by JAX's formula of its family."""

    def __init__(self, layer: StdConv2d, family: str):
        super().__init__()
        weight = layer.weight.detach()
        mean = weight.mean(dim=(1, 2, 3), keepdim=True)
        variance = ((weight - mean) ** 2).mean(dim=(1, 2, 3), keepdim=True)
        if family == "vit":
            self.weight = (weight - mean) / (variance.sqrt() + 1e-5)
        else:
            self.weight = (weight - mean) / (variance + 1e-10).sqrt()
        self.stride, self.same = layer.stride, family == "vit"
        self.padding = 0 if self.same else layer.padding

    def forward(self, x):
        if self.same:
            x = pad_same(x, self.weight.shape[2:], self.stride)
        return functional.conv2d(x, self.weight, stride=self.stride, padding=self.padding)


def follow_jax(model: nn.Module, family: str) -> None:
    """Replaces what timm does otherwise."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, (StdConv2d, StdConv2dSame)):
                setattr(module, name, Convolution(child, family))
            elif isinstance(child, GroupNormAct) and family == "vit":
                child.eps = 1e-6
            elif isinstance(child, nn.GELU):
                setattr(module, name, nn.GELU(approximate="tanh"))


def make(name: str, family: str, wide_norms: bool) -> dict:
    """Writes one model's goldens; its entry of the index."""
    model = timm.create_model(name, num_classes=CLASSES)
    shapes = arrays(model, family, wide_norms)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        numpy.savez(file, **{key: seeded(key, tuple(shape), 1) for key, shape in shapes.items()})
        file.flush()
        model.load_pretrained(file.name)
    model = model.double().eval()
    images = torch.from_numpy(seeded("input", (1, 3, 224, 224), 1)).double()
    with torch.inference_mode():
        for numerics in ("timm", "jax"):
            if numerics == "jax":
                follow_jax(model, family)
            logits = model(images)
            assert torch.isfinite(logits).all()
            suffix = "" if numerics == "jax" else "-timm"
            numpy.save(FOLDER / f"{name}-logits{suffix}.npy", logits.float().numpy())
            print(name, numerics, logits[0, :4].tolist())
    return {"name": name, "image": 224, "classes": CLASSES, "arrays": shapes}


def main() -> None:
    fresh(FOLDER)
    versions = {"torch": torch.__version__, "timm": timm.__version__, "numpy": numpy.__version__}
    models = ",\n".join(json.dumps(make(*model), separators=(",", ":")) for model in MODELS)
    text = f'{{"versions": {json.dumps(versions)},\n"models": [\n{models}\n]}}\n'
    (FOLDER / "index.json").write_text(text)


if __name__ == "__main__":
    main()
