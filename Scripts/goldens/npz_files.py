#!/usr/bin/env python3
"""Tiny checkpoints as Google's JAX code writes them (.npz), and their goldens.

Writes Tests/Goldens/npz/NAME/ for each of MODELS: weights.npz by numpy, under the names of one of
the code's ages; config.json in timm's form, which says the sizes; and golden/: SIDE-input.npy with
SIDE-OUTPUT.npy for each output under JAX's numerics, and SIDE-logits-timm.npy and SIDE-logits-hf.npy
under timm's and transformers'. Tests/Goldens/npz/index.json lists them.

timm loads the files by its own loader of this format and computes in float64. What its model lacks
of JAX's is put into it: GELU by tanh, the epsilon, the layer before the head, and positions resized
as the JAX code does, by scipy. npz_check.py compares with the JAX code itself.

Made with torch 2.13.0, timm 1.0.31, numpy 2.4.6, scipy 1.17.1:
  pip install torch timm numpy scipy
  python npz_files.py
"""

import json
from functools import partial

import numpy
import scipy.ndimage
import timm
import torch
from timm.layers import resample_abs_pos_embed
from tinymodels import GOLDENS, fresh, generator, input_images, write_goldens, write_index
from torch import nn

FOLDER = GOLDENS / "npz"
SIZES = {"patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 1.5}
TOKEN, MEAN = "vit_tiny_patch16_224", "vit_base_patch16_gap_224"
OLD = ("MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3")
NEW = ("MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0")
IN_MODULE = "Transformer/posembed_input/pos_embedding"
# Name, architecture, classes, prefix, names in a block, place of the positions, what is special,
# stored type, own and other image size.
MODELS = [
    ("2020", TOKEN, 5, "", OLD, IN_MODULE, {"pre_logits"}, "<f4", 16, 24),
    ("augreg", TOKEN, 5, "", OLD, IN_MODULE, {"deflated"}, "<f4", 24, 16),
    ("dump", TOKEN, 3, "opt/target/", NEW, IN_MODULE, {"state", "fused"}, "<f2", 16, 20),
    ("big-vision", TOKEN, 5, "params/", NEW, "pos_embedding", set(), "<f4", 16, 24),
    ("two-towers", MEAN, 0, "params/img/", NEW, "pos_embedding", {"stacked", "map"}, "V2", 16, 24),
    ("gap", MEAN, 5, "", NEW, "Transformer/pos_embedding", {"deflated"}, "<f2", 24, 16),
]


def stored(values: numpy.ndarray, kind: str) -> numpy.ndarray:
    """In the type of the file; bfloat16 as NumPy writes JAX's: 2 bytes of no meaning."""
    if kind != "V2":
        return values.astype(kind)
    bits = values.astype("<f4").view("<u4")
    bits = bits + 0x7FFF + (bits >> 16 & 1)  # to the nearest, ties to even
    return (bits >> 16).astype("<u2").view("V2")


def widened(values: numpy.ndarray) -> numpy.ndarray:
    """Back in float32."""
    if values.dtype.kind != "V":
        return values.astype("<f4")
    return (values.view("<u2").astype("<u4") << 16).view("<f4")


def parameters(model, name, classes, prefix, modules, positions, special) -> dict:
    """A JAX parameter tree, flat: random, none zero or one, kernels of the variance of a layer."""
    random = generator(f"npz {name}")
    dim, heads, depth = model.embed_dim, model.blocks[0].attn.num_heads, len(model.blocks)
    hidden, patch = model.blocks[0].mlp.fc1.out_features, model.patch_embed.patch_size[0]
    tree = {}

    def add(key, *shape, fan_in=None):
        values = torch.randn(shape, generator=random).numpy()
        if key.endswith("scale"):
            values = 1 + 0.2 * values
        elif key.endswith("bias"):
            values = 0.1 * values
        else:
            values = values * (1.2 / fan_in**0.5 if fan_in else 0.5)
        tree[prefix + key] = values

    def dense(key, inputs, outputs):
        add(f"{key}/kernel", inputs, outputs, fan_in=inputs)
        add(f"{key}/bias", outputs)

    def attention(key):
        split = [heads, dim // heads] if "fused" not in special else [dim]
        for part in ("query", "key", "value"):
            add(f"{key}/{part}/kernel", dim, *split, fan_in=dim)
            add(f"{key}/{part}/bias", *split)
        add(f"{key}/out/kernel", *split, dim, fan_in=dim)
        add(f"{key}/out/bias", dim)

    def norm(key):
        add(f"{key}/scale", dim)
        add(f"{key}/bias", dim)

    def mlp(key):
        dense(f"{key}/Dense_0", dim, hidden)
        dense(f"{key}/Dense_1", hidden, dim)

    add("embedding/kernel", patch, patch, 3, dim, fan_in=3 * patch * patch)
    add("embedding/bias", dim)
    side = model.patch_embed.grid_size[0]
    has_token = model.cls_token is not None
    if has_token:
        add("cls", 1, 1, dim)
    add(positions, 1, side * side + (has_token and positions != "pos_embedding"), dim)
    for index in range(depth):
        block = f"Transformer/encoderblock_{index}"
        norm(f"{block}/LayerNorm_0")
        attention(f"{block}/{modules[0]}")
        norm(f"{block}/{modules[1]}")
        mlp(f"{block}/{modules[2]}")
    norm("Transformer/encoder_norm")
    if "pre_logits" in special:
        dense("pre_logits", dim, dim)
    if classes:
        dense("head", dim, classes)
    if "map" in special:
        add("MAPHead_0/probe", 1, 1, dim)
        attention("MAPHead_0/MultiHeadDotProductAttention_0")
        norm("MAPHead_0/LayerNorm_0")
        mlp("MAPHead_0/MlpBlock_0")
        tree["params/txt/Embed_0/embedding"] = numpy.zeros((4, dim), "<f4")
    if "stacked" in special:
        first = f"{prefix}Transformer/encoderblock_0/"
        for key in [key for key in tree if key.startswith(first)]:
            parts = [tree.pop(key.replace("block_0", f"block_{i}", 1)) for i in range(depth)]
            tree[key.replace("block_0", "block", 1)] = numpy.stack(parts)
    return tree


def renamed(key: str, prefix: str, modules: tuple) -> str:
    """The old name of a new one that timm's loader does not know."""
    if modules == OLD or prefix.startswith("params/"):
        return key
    for new, old in zip(NEW, OLD):
        key = key.replace(f"/{new}/", f"/{old}/")
    return key.replace("Transformer/pos_embedding", IN_MODULE)


class PreLogits(nn.Module):
    """The layer with tanh before the head of the models of 2020."""

    def __init__(self, tree: dict, prefix: str):
        super().__init__()
        kernel = torch.from_numpy(tree[f"{prefix}pre_logits/kernel"])
        self.fc = nn.Linear(*kernel.shape)
        self.fc.weight.data = kernel.T.contiguous()
        self.fc.bias.data = torch.from_numpy(tree[f"{prefix}pre_logits/bias"])

    def forward(self, x):
        return torch.tanh(self.fc(x))


def timm_model(path, architecture, arguments, tree, prefix, side, own, numerics) -> nn.Module:
    """timm's model with the file's weights, in float64, under these numerics."""
    epsilon = 1e-12 if numerics == "hf" else 1e-6
    settings = {"norm_layer": partial(nn.LayerNorm, eps=epsilon)}
    if numerics == "jax":
        settings["act_layer"] = "gelu_tanh"
    create = partial(timm.create_model, architecture, **arguments, **settings)
    key = next(key for key in tree if key.endswith("pos_embedding"))
    table = torch.from_numpy(widened(tree[key])).double()
    rows = 1 if f"{prefix}cls" in tree and "posembed_input" in key else 0
    # big_vision adds the positions before it prepends the token.
    plain = {"no_embed_class": True} if f"{prefix}cls" in tree and not rows else {}
    # The file's own grid: no resize by the loader, but for timm's own numerics.
    model = create(img_size=side if numerics == "timm" else own, **plain)
    model.load_pretrained(str(path))
    model = model.double().eval()
    if numerics != "timm" and side != own:
        grid = side // arguments["patch_size"]
        if numerics == "hf":
            new = resample_abs_pos_embed(
                table, [grid, grid], num_prefix_tokens=rows, antialias=False
            )
        else:
            old = int((table.shape[1] - rows) ** 0.5)
            square = table[0, rows:].reshape(old, old, -1).numpy()
            zoomed = scipy.ndimage.zoom(square, (grid / old, grid / old, 1), order=1)
            zoomed = torch.from_numpy(zoomed.reshape(1, grid * grid, -1))
            new = torch.cat([table[:, :rows], zoomed], dim=1)
        model.set_input_size(side)
        model.pos_embed.data = new
    if f"{prefix}pre_logits/kernel" in tree:
        model.head_drop = PreLogits(tree, prefix).double()
    return model


def outputs(model: nn.Module, images: torch.Tensor) -> dict:
    """Final tokens, what feeds the head, and logits where there is a head."""
    with torch.inference_mode():
        tokens = model.forward_features(images.double())
        # head_drop, in which the layer before the head may hide, comes before pre_logits returns.
        named = {"tokens": tokens, "features": model.forward_head(tokens, pre_logits=True)}
        if model.num_classes:
            named["logits"] = model.forward_head(tokens)
    return named


def make(name, architecture, classes, prefix, modules, positions, special, kind, own, other):
    """Writes one model's folder; its entry of the index."""
    arguments = {**SIZES, "num_classes": classes}
    # The folder does not say that a query pools the tokens: the file does.
    pooling = {"global_pool": "map"} if "map" in special else {}
    model = timm.create_model(architecture, img_size=own, **arguments, **pooling)
    tree = parameters(model, name, classes, prefix, modules, positions, special)
    tree = {key: stored(values, kind) for key, values in tree.items()}
    folder = fresh(FOLDER / name)
    path = folder / "weights.npz"
    state = {}
    if "state" in special:
        state = {"opt/state/step": numpy.array(7), "opt/state/x": numpy.ones((3, 2), order="F")}
    save = numpy.savez_compressed if "deflated" in special else numpy.savez
    save(path, **tree, **state)
    # For the folder 16 pixels: what the file says counts.
    config = {
        "architecture": architecture, "num_classes": classes or 7,
        "model_args": {"img_size": 16, **arguments, "num_classes": classes or 7},
        "pretrained_cfg": {"input_size": [3, 16, 16], "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    (folder / "config.json").write_text(json.dumps(config) + "\n")
    loadable = path
    # timm's loader wants float32 (or JAX for bfloat16), and knows the numbering of the old names and
    # big_vision's prefixes.
    if kind != "<f4" or (modules == NEW and not prefix.startswith("params/")):
        loadable = folder / "loadable.npz"
        numpy.savez(
            loadable,
            **{renamed(key, prefix, modules): widened(values) for key, values in tree.items()},
        )
    entries = []
    for size in (own, other):
        images = input_images(f"npz {name}", size)
        for numerics in ("jax", "timm", "hf"):
            model = timm_model(
                loadable, architecture, arguments | pooling, tree, prefix, size, own, numerics
            )
            found = outputs(model, images)
            if numerics != "jax":
                output = "logits" if classes else "features"
                found = {f"{output}-{numerics}": found[output]}
            entries += write_goldens(folder, size, images, found)
    if loadable != path:
        loadable.unlink()
    return {"name": name, "architecture": architecture, "image": own, "goldens": entries}


def main() -> None:
    fresh(FOLDER)
    versions = {"torch": torch.__version__, "timm": timm.__version__, "numpy": numpy.__version__}
    write_index(FOLDER, versions, [make(*model) for model in MODELS])


if __name__ == "__main__":
    main()
