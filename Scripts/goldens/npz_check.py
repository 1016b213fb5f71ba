#!/usr/bin/env python3
"""Compares the goldens of npz_files.py and npz_convolutions.py with the JAX code itself.

  git clone https://github.com/google-research/vision_transformer
  pip install jax flax scipy numpy
  PYTHONPATH=vision_transformer python npz_check.py

The JAX code is run in float64. Big Transfer's ResNets are another repository's and are not compared.
Prints the largest difference over the root mean square of each; the goldens are stored in float32.
"""

import functools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy
import scipy.ndimage
from seedweights import seeded

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_matmul_precision", "highest")

from vit_jax import models_vit  # noqa: E402

# What a block computes in is fixed to float32 otherwise.
models_vit.Encoder1DBlock = functools.partial(models_vit.Encoder1DBlock, dtype="float64")
GOLDENS = Path(__file__).resolve().parents[2] / "Tests" / "Goldens"
NEW = {"MultiHeadDotProductAttention_1": "MultiHeadDotProductAttention_0",
       "LayerNorm_2": "LayerNorm_1", "MlpBlock_3": "MlpBlock_0"}


def tree(flat: dict) -> dict:
    """Nested, under the names that flax gives today."""
    result = {}
    for key, values in flat.items():
        parts = [NEW.get(part, part) for part in key.split("/")]
        place = result
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = values.squeeze() if "gn" in parts[-2:][0] else values
    return result


def run(flat, images, patch, heads, classes, resnet=None):
    """The logits or features of the JAX code, [batch, ...]."""
    dim = flat["embedding/bias"].shape[0]
    depth = sum(1 for key in flat if key.endswith("LayerNorm_0/scale"))
    hidden = next(v.shape[1] for k, v in flat.items() if k.endswith("Dense_0/kernel"))
    model = models_vit.VisionTransformer(
        num_classes=classes, patches=SimpleNamespace(size=(patch, patch)), hidden_size=dim,
        transformer={"num_layers": depth, "mlp_dim": hidden, "num_heads": heads},
        representation_size=dim if "pre_logits/kernel" in flat else None, resnet=resnet,
        classifier="token" if "cls" in flat else "gap",
    )
    channels_last = images.transpose(0, 2, 3, 1).astype("float64")
    parameters = {key: numpy.asarray(value, "float64") for key, value in flat.items()}
    return numpy.asarray(model.apply({"params": tree(parameters)}, channels_last, train=False))


def compare(label, found, wanted) -> None:
    error = numpy.abs(found - wanted).max() / numpy.sqrt((wanted**2).mean())
    print(f"{label}: {error:.1e}")
    if not error < 1e-6:
        sys.exit("they differ")


def main() -> None:
    for name, grids in (("2020", (16, 24)), ("augreg", (24, 16))):
        folder = GOLDENS / "npz" / name
        stored = dict(numpy.load(folder / "weights.npz"))
        own = grids[0] // 4
        for side in grids:
            flat, key = dict(stored), "Transformer/posembed_input/pos_embedding"
            grid = side // 4
            square = stored[key][0, 1:].reshape(own, own, -1).astype("float64")
            zoomed = scipy.ndimage.zoom(square, (grid / own, grid / own, 1), order=1)
            flat[key] = numpy.concatenate([stored[key][:, :1], zoomed.reshape(1, grid**2, -1)], 1)
            images = numpy.load(folder / f"golden/{side}-input.npy")
            found = run(flat, images, 4, 2, 5)
            compare(f"{name} {side}", found, numpy.load(folder / f"golden/{side}-logits.npy"))
    folder = GOLDENS / "npz-convolutions"
    for model in json.loads((folder / "index.json").read_text())["models"]:
        flat = {key: seeded(key, tuple(shape), 1) for key, shape in model["arrays"].items()}
        if "embedding/kernel" not in flat:
            continue
        stages = [sum(f"block{s}/" in k and k.endswith("conv1/kernel") for k in flat) for s in range(1, 5)]
        resnet = SimpleNamespace(width_factor=1, num_layers=[units for units in stages if units])
        images = seeded("input", (1, 3, model["image"], model["image"]), 1)
        heads = flat["Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/bias"].shape[0]
        patch = flat["embedding/kernel"].shape[0]
        found = run(flat, images, patch, heads, model["classes"], resnet)
        compare(model["name"], found, numpy.load(folder / f"{model['name']}-logits.npy"))


if __name__ == "__main__":
    main()
