#!/usr/bin/env python3
"""Goldens of full-size models: timm's, with `seed:` weights, in float64.

For each variant: the float32 values that Scripts/goldens/seedweights.py defines for weights and
input, promoted to float64, one image through timm's model, the result rounded to float32 into
Tests/Goldens/vit/NAME.npy; and Tests/Goldens/vit/index.json, which says for each file

  variant   timm's name, or the papers'           output   "logits", or "features" without a head
  image     side of the input in pixels           shape    of the file, batch first
  gmacs     multiply-adds of one image / 1e9      params   elements of all tensors
  suite     "fast" or "slow": whether the default tests run it
  rms       root mean square of the file          seed     of weights and input
  file      its name, `.npy` left out

NAME@SIZE is a variant at another image size than its own, for those that have no positions.

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
from torch.utils.flop_counter import FlopCounterMode

import papermodels
from seedweights import fill, seeded

SEED = 1
FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Goldens" / "vit"
VARIANTS = [
    # Big Transfer's ResNets.
    "resnetv2_50x1_bit",
    "resnetv2_50x1_bit@384",
    "resnetv2_50x1_bit@193",
    "R50x2",
    "R50x3",
    "R101x1",
    "R101x3",
    "R152x1",
    "resnetv2_152x2_bit",
    "R152x4",
    "R200x3",
    # Behind a ResNet of another kind.
    "vit_tiny_r_s16_p8_224",
    "vit_tiny_r_s16_p8_384",
    "vit_small_r26_s32_224",
    "vit_small_r26_s32_384",
    "vit_base_r26_s32_224",
    "R50+ViT-B/32",
    "vit_base_r50_s16_224",
    "vit_base_r50_s16_384",
    "vit_large_r50_s32_224",
    "vit_large_r50_s32_384",
    "R50+ViT-L/16",
    # Everything that the plain architecture has a name for in timm; class token and `head` unless
    # the comment says otherwise.
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
    # Rotary positions.
    "vit_small_patch16_dinov3_qkvb",
    # A learned query pools the patches.
    "vit_base_patch32_siglip_256",
    # Registers without class token, LayerScale, mean before the last norm (`fc_norm`).
    "vit_wee_patch16_reg1_gap_256",
    "vit_base_patch16_reg4_gap_256",
    # No bias of query, key and value.
    "vit_base_patch16_224_miil",
    # LayerScale and a deep stack.
    "vit_small_patch16_36x1_224",
]
# Models of families that came later: always in the slow suite.
LATER = [
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window16_256",
    "resnetv2_50d_evos",
    "resnetv2_50d_frn",
    "vit_base_patch32_clip_quickgelu_224",
    "vit_base_patch16_siglip_224",
    "vit_small_patch16_dinov3",
    "eva02_base_patch14_224",
    "vit_pe_core_tiny_patch16_384",
    "beit_base_patch16_224",
    # Of any grid of patches: at 18 x 18.
    "naflexvit_base_patch16_gap@288",
]
SLOW_GMACS = 60  # a variant of more is in the slow suite, as is one of more than
SLOW_PARAMS = 400e6
# The same for models with convolutions.
SLOW_CONVOLUTION_GMACS = 25
SLOW_CONVOLUTION_PARAMS = 200e6
# Not made unless named: a minute and more each.
ON_REQUEST_GMACS = 300


def lazily_seeded(model: torch.nn.Module, dtype: torch.dtype, seed: int) -> torch.nn.Module:
    """A model from the meta device, changed so that each layer has weights while it runs."""

    def place(owner: torch.nn.Module, path: str) -> None:
        for name, parameter in owner._parameters.items():
            if parameter is not None:
                full = f"{path}.{name}" if path else name
                values = torch.from_numpy(seeded(full, tuple(parameter.shape), seed)).to(dtype)
                owner._parameters[name] = torch.nn.Parameter(values, requires_grad=False)

    for path, owner in model.named_modules():
        if path and owner._parameters:
            owner.register_forward_pre_hook(lambda module, _, path=path: place(module, path))
            owner.register_forward_hook(lambda module, *_: module.to("meta") and None)
    place(model, "")
    return model.eval()


def create(name: str) -> torch.nn.Module:
    """The variant on the meta device; what follows an @ is no part of its name."""
    with torch.device("meta"):
        return papermodels.create(name.split("@")[0]).requires_grad_(False)


def image_side(name: str, model: torch.nn.Module) -> int:
    """Of the input, in pixels."""
    if "@" in name:
        return int(name.split("@")[1])
    if hasattr(model, "patch_embed"):
        return model.patch_embed.img_size[0]
    return 224 if name in papermodels.PAPER else model.pretrained_cfg["input_size"][1]


def evaluate(name: str, dtype: torch.dtype, seed: int = SEED) -> numpy.ndarray:
    """The output of variant `name` for the seeded input, [1, classes or features]."""
    if any(True for _ in create(name).buffers()):
        # Tables that are made with the model, which has no numbers on the meta device.
        model = fill(papermodels.create(name.split("@")[0]).to(dtype), seed).eval()
    else:
        model = lazily_seeded(create(name), dtype, seed)
    side = image_side(name, model)
    image = torch.from_numpy(seeded("input", (1, 3, side, side), seed)).to(dtype)
    with torch.inference_mode():
        output = model(image)
    assert output.dtype == dtype and torch.isfinite(output).all()
    return output.numpy()


def convolutions(model: torch.nn.Module, side: int) -> int:
    """The multiply-adds of a ResNet's layers for one image of this side."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, side, side))
    return counter.get_total_flops() // 2


def name_of(model: torch.nn.Module) -> str:
    """timm's name of a model, without a tag; "" of one that timm has none for."""
    return (getattr(model, "pretrained_cfg", None) or {}).get("architecture", "")


def multiply_adds(model: torch.nn.Module, side: int) -> int:
    """Of one image: patch embedding, linears, query x key, attention x value, head."""
    if not hasattr(model, "blocks") or name_of(model) in {name.split("@")[0] for name in LATER}:
        return convolutions(model, side)
    attention = model.blocks[0].attn
    width, heads, head_width = model.embed_dim, attention.num_heads, attention.head_dim
    patches = model.patch_embed.num_patches
    tokens = patches + model.num_prefix_tokens
    hidden = model.blocks[0].mlp.fc1.out_features
    patch = model.patch_embed.proj.weight[0].numel()
    block = tokens * width * (4 * heads * head_width + 2 * hidden)
    block += 2 * tokens * tokens * heads * head_width
    total = patches * patch * width + len(model.blocks) * block + width * model.num_classes
    backbone = getattr(model.patch_embed, "backbone", None)
    return total + (convolutions(backbone, side) if backbone else 0)


def file_name(name: str) -> str:
    return name.replace("/", "_").replace("@", "-")


def record(name: str) -> dict:
    """Makes one golden; its entry of the index."""
    model = create(name)
    side = image_side(name, model)
    macs, params = multiply_adds(model, side), sum(p.numel() for p in model.parameters())
    started = time.time()
    output = evaluate(name, torch.float64)
    print(f"{name:36} {output.shape[1]:5} values, {time.time() - started:6.1f} s", flush=True)
    numpy.save(FOLDER / f"{file_name(name)}.npy", output.astype(numpy.float32))
    limits = (SLOW_GMACS, SLOW_PARAMS)
    if not hasattr(model, "blocks") or hasattr(getattr(model, "patch_embed", None), "backbone"):
        limits = (SLOW_CONVOLUTION_GMACS, SLOW_CONVOLUTION_PARAMS)
    slow = macs > limits[0] * 1e9 or params > limits[1] or name in LATER
    return {
        "variant": name.split("@")[0],
        "file": file_name(name),
        "output": "logits" if model.num_classes else "features",
        "image": side,
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
    cost = {}
    for name in arguments.names or VARIANTS + LATER:
        model = create(name)
        cost[name] = multiply_adds(model, image_side(name, model))
    names = sorted(cost, key=cost.get)
    if arguments.float32:
        for name in names:
            compare_float32(name)
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "index.json"
    entries = json.loads(path.read_text())["goldens"] if path.exists() else []
    for name in names:
        file = file_name(name)
        made = (FOLDER / f"{file}.npy").exists() and any(e["file"] == file for e in entries)
        if made and not arguments.force:
            continue
        if not arguments.names and cost[name] > ON_REQUEST_GMACS * 1e9:
            print(f"{name:36} skipped: name it to make it")
            continue
        entries = [entry for entry in entries if entry["file"] != file] + [record(name)]
        entries.sort(key=lambda entry: entry["gmacs"])
        versions = {"torch": torch.__version__, "timm": timm.__version__}
        lines = ",\n".join(json.dumps(entry) for entry in entries)
        path.write_text(f'{{"versions": {json.dumps(versions)},\n"goldens": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
