#!/usr/bin/env python3
"""Goldens of full-size Vision Transformers: timm's, with `seed:` weights, in float64.

For each variant: the float32 values that Scripts/goldens/seedweights.py defines for weights and
input, promoted to float64, one image through timm's model, the result rounded to float32 into
Tests/Goldens/vit/NAME.npy; and Tests/Goldens/vit/index.json, which says for each file

  variant   timm's name                           output   "logits", or "features" without a head
  image     side of the input in pixels           shape    of the file, batch first
  gmacs     multiply-adds of one image / 1e9      params   elements of all tensors
  suite     "fast" or "slow": whether the default tests run it
  rms       root mean square of the file          seed     of weights and input

A module's weights exist only while it runs, so that 1.8e9 parameters need no 15 GB.

Made with torch 2.13.0, timm 1.0.31, numpy 2.4.6:
  pip install torch timm numpy
  python vit_goldens.py                     all of VARIANTS that have no file yet
  python vit_goldens.py --force NAME...     these, again
  python vit_goldens.py --float32 NAME...   writes nothing; prints the error of PyTorch's float32
"""

import argparse
import json
import time
from pathlib import Path

import numpy
import timm
import torch

from seedweights import seeded

SEED = 1
FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Goldens" / "vit"
# Everything that the plain architecture has a name for in timm; class token and `head` unless the
# comment says otherwise.
VARIANTS = [
    "vit_tiny_patch16_224",
    "vit_tiny_patch16_384",
    "vit_small_patch32_224",
    "vit_small_patch32_384",
    "vit_small_patch16_224",
    "vit_small_patch16_384",
    "vit_small_patch8_224",
    "vit_base_patch32_224",
    "vit_base_patch32_384",
    "vit_base_patch16_224",
    "vit_base_patch16_384",
    "vit_base_patch8_224",
    "vit_large_patch32_224",
    "vit_large_patch32_384",
    "vit_large_patch16_224",
    "vit_large_patch16_384",
    "vit_large_patch14_224",
    "vit_huge_patch14_224",
    "vit_giant_patch14_224",
    "vit_gigantic_patch14_224",
    "deit_tiny_patch16_224",
    "deit_small_patch16_224",
    "deit_base_patch16_224",
    "deit_base_patch16_384",
    # Distillation token; logits are the mean of two heads'.
    "deit_tiny_distilled_patch16_224",
    "deit_small_distilled_patch16_224",
    "deit_base_distilled_patch16_224",
    "deit_base_distilled_patch16_384",
    # LayerScale, class token without position.
    "deit3_small_patch16_224",
    "deit3_small_patch16_384",
    "deit3_medium_patch16_224",
    "deit3_base_patch16_224",
    "deit3_base_patch16_384",
    "deit3_large_patch16_224",
    "deit3_large_patch16_384",
    "deit3_huge_patch14_224",
    # LayerScale, 518 pixels; with four registers.
    "vit_small_patch14_dinov2",
    "vit_base_patch14_dinov2",
    "vit_large_patch14_dinov2",
    "vit_small_patch14_reg4_dinov2",
    "vit_base_patch14_reg4_dinov2",
    "vit_large_patch14_reg4_dinov2",
    # No class token, mean after the last norm (16 heads of 48).
    "vit_base_patch16_gap_224",
    # Registers without class token, LayerScale, mean before the last norm (`fc_norm`).
    "vit_wee_patch16_reg1_gap_256",
    "vit_base_patch16_reg4_gap_256",
    # No bias of query, key and value.
    "vit_base_patch16_224_miil",
    # LayerScale and a deep stack.
    "vit_small_patch16_36x1_224",
]
SLOW_GMACS = 60  # a variant of more is in the slow suite, as is one of more than
SLOW_PARAMS = 400e6
# Not made unless named: a minute and more each.
ON_REQUEST_GMACS = 300


def place(module: torch.nn.Module, prefix: str, dtype: torch.dtype, seed: int) -> None:
    """Gives every parameter directly or indirectly in `module` its seeded values."""
    for path, owner in module.named_modules(prefix=prefix):
        for name, parameter in owner._parameters.items():
            if parameter is None:
                continue
            full = f"{path}.{name}" if path else name
            values = torch.from_numpy(seeded(full, tuple(parameter.shape), seed)).to(dtype)
            owner._parameters[name] = torch.nn.Parameter(values, requires_grad=False)


def lazily_seeded(model: torch.nn.Module, dtype: torch.dtype, seed: int) -> torch.nn.Module:
    """A model from the meta device, changed so that each part has weights while it runs."""
    parts = [(name, child) for name, child in model.named_children() if name != "blocks"]
    parts += [(f"blocks.{i}", block) for i, block in enumerate(model.blocks)]
    for name, part in parts:
        part.register_forward_pre_hook(
            lambda module, _, name=name: place(module, name, dtype, seed)
        )
        part.register_forward_hook(lambda module, *_: module.to("meta") and None)
    for name, parameter in model._parameters.items():
        if parameter is not None:
            values = torch.from_numpy(seeded(name, tuple(parameter.shape), seed)).to(dtype)
            model._parameters[name] = torch.nn.Parameter(values, requires_grad=False)
    return model.eval()


def create(name: str) -> torch.nn.Module:
    with torch.device("meta"):
        return timm.create_model(name)


def evaluate(name: str, dtype: torch.dtype, seed: int = SEED) -> numpy.ndarray:
    """The output of variant `name` for the seeded input, [1, classes or features]."""
    model = lazily_seeded(create(name), dtype, seed)
    height, width = model.patch_embed.img_size
    image = torch.from_numpy(seeded("input", (1, 3, height, width), seed)).to(dtype)
    with torch.inference_mode():
        output = model(image)
    assert output.dtype == dtype and torch.isfinite(output).all()
    return output.numpy()


def multiply_adds(model: torch.nn.Module) -> int:
    """Of one image: patch embedding, linears, query x key, attention x value, head."""
    attention = model.blocks[0].attn
    width, heads, head_width = model.embed_dim, attention.num_heads, attention.head_dim
    patches = model.patch_embed.num_patches
    tokens = patches + model.num_prefix_tokens
    hidden = model.blocks[0].mlp.fc1.out_features
    patch = model.patch_embed.proj.weight[0].numel()
    block = tokens * width * (4 * heads * head_width + 2 * hidden)
    block += 2 * tokens * tokens * heads * head_width
    return patches * patch * width + len(model.blocks) * block + width * model.num_classes


def record(name: str) -> dict:
    """Makes one golden; its entry of the index."""
    model = create(name)
    macs, params = multiply_adds(model), sum(p.numel() for p in model.parameters())
    started = time.time()
    output = evaluate(name, torch.float64)
    print(f"{name:36} {output.shape[1]:5} values, {time.time() - started:6.1f} s", flush=True)
    numpy.save(FOLDER / f"{name}.npy", output.astype(numpy.float32))
    slow = macs > SLOW_GMACS * 1e9 or params > SLOW_PARAMS
    return {
        "variant": name,
        "output": "logits" if model.num_classes else "features",
        "image": model.patch_embed.img_size[0],
        "shape": list(output.shape),
        "gmacs": round(macs / 1e9, 3),
        "params": params,
        "suite": "slow" if slow else "fast",
        "rms": float(numpy.sqrt(numpy.mean(output**2))),
        "seed": SEED,
    }


def compare_float32(name: str) -> None:
    """Prints |float32 - float64|∞ / rms(float64): what float32 itself costs."""
    exact, rounded = evaluate(name, torch.float64), evaluate(name, torch.float32)
    error = numpy.abs(rounded - exact).max() / numpy.sqrt(numpy.mean(exact**2))
    print(f"{name:36} {error:.2e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="variants; all when none is given")
    parser.add_argument("--force", action="store_true", help="make files again that are there")
    parser.add_argument(
        "--float32", action="store_true", help="print float32's error; write nothing"
    )
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cost = {name: multiply_adds(create(name)) for name in arguments.names or VARIANTS}
    names = sorted(cost, key=cost.get)
    if arguments.float32:
        for name in names:
            compare_float32(name)
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "index.json"
    entries = json.loads(path.read_text())["goldens"] if path.exists() else []
    for name in names:
        made = (FOLDER / f"{name}.npy").exists() and any(e["variant"] == name for e in entries)
        if made and not arguments.force:
            continue
        if not arguments.names and cost[name] > ON_REQUEST_GMACS * 1e9:
            print(f"{name:36} skipped: name it to make it")
            continue
        entries = [entry for entry in entries if entry["variant"] != name] + [record(name)]
        entries.sort(key=lambda entry: entry["gmacs"])
        versions = {"torch": torch.__version__, "timm": timm.__version__}
        lines = ",\n".join(json.dumps(entry) for entry in entries)
        path.write_text(f'{{"versions": {json.dumps(versions)},\n"goldens": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
