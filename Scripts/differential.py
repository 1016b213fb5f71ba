#!/usr/bin/env python3
"""Random models: what vitc compiles against timm in float64.

    python3 Scripts/differential.py [--first SEED] [--count N] [--target TARGET] [--seconds S]

Draws timm configurations, writes their folders, compiles them with `seed:` weights, runs them with
1 to 3 threads and images, and compares with timm's own model of the same arguments and weights. A
failing seed is printed; `--first SEED --count 1` replays it. Run `make build` first.

Needs torch, timm and numpy; made with torch 2.13.0, timm 1.0.31.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import numpy
import timm
import torch

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Scripts"), str(ROOT / "Scripts" / "goldens")]
from seedweights import fill, seeded  # noqa: E402
from vitlib import CompiledModel  # noqa: E402

# The largest error over the root mean square of the truth.
TOLERANCE = 5e-5
# Name, no class token, two heads.
ARCHITECTURES = [
    ("vit_tiny_patch16_224", False, False),
    ("vit_base_patch16_gap_224", True, False),
    ("vit_base_patch16_224_miil", False, False),
    ("vit_medium_patch16_reg4_gap_256", True, False),
    ("deit_tiny_patch16_224", False, False),
    ("deit_tiny_distilled_patch16_224", False, True),
    ("deit3_small_patch16_224", False, False),
    ("vit_small_patch14_dinov2", False, False),
    ("vit_small_patch14_reg4_dinov2", False, False),
    ("vit_giant_patch14_dinov2", False, False),
    ("vit_base_patch32_clip_quickgelu_224", False, False),
    ("vit_base_patch32_siglip_gap_256", True, False),
    ("vit_so150m_patch16_reg4_gap_256", True, False),
    ("vit_intern300m_patch14_448", False, False),
]


def draw(seed):
    """(architecture, arguments of timm.create_model, classes) of one seed."""
    r = random.Random(seed)
    name, pooled, distilled = r.choice(ARCHITECTURES)
    patch = r.choice([2, 3, 4, 5, 7, 8])
    heads = r.randint(1, 4)
    width = r.choice([4, 5, 7, 8, 11, 16, 20, 32, 33, 64])
    arguments = {
        "patch_size": patch, "num_heads": heads, "depth": r.randint(1, 3),
        "embed_dim": heads * (max(8, width) if heads == 1 else width),
        "img_size": [patch * r.randint(1, 6), patch * r.randint(1, 6)],
    }
    if r.random() < 0.7:
        arguments["mlp_ratio"] = r.choice([1.0, 1.5, 2.0, 2.5, 4.0])
    if r.random() < 0.3:
        arguments["qkv_bias"] = r.random() < 0.5
    if r.random() < 0.2:
        arguments["init_values"] = 1e-5
    if r.random() < 0.2 and "giant" not in name:  # the gate of its MLP is SiLU
        arguments["act_layer"] = r.choice(["gelu", "gelu_tanh", "quick_gelu", "silu", "relu"])
    if r.random() < 0.15:
        arguments["pre_norm"] = True
    if not distilled:
        if r.random() < 0.3:
            arguments["reg_tokens"] = r.randint(0, 3)
        if r.random() < 0.2:
            arguments["no_embed_class"] = r.random() < 0.5
        if r.random() < 0.3:
            arguments["global_pool"] = "avg"
        if r.random() < 0.2:
            arguments["fc_norm"] = r.random() < 0.5
    classes = 0 if r.random() < 0.15 else r.randint(1, 45)
    return name, arguments, classes


def check(seed, target, folder):
    """Compiles and compares one model; the error, or a text that says what is wrong."""
    name, arguments, classes = draw(seed)
    try:
        model = timm.create_model(
            name, num_classes=classes, **arguments | {"img_size": tuple(arguments["img_size"])}
        )
    except AssertionError:
        return None  # numbers that timm does not take, such as a gated MLP of odd width
    # timm's model of its own f32 weights, in float64.
    model = fill(model.float(), seed).double().eval()
    height, width = arguments["img_size"]
    images = seeded("input", (3, 3, height, width), seed)
    with torch.inference_mode():
        truth = model(torch.from_numpy(images).double()).numpy()
    config = {"architecture": name, "num_classes": classes, "model_args": arguments}
    (folder / "config.json").write_text(json.dumps(config))
    library = folder / f"librandom{seed}.so"
    command = [
        ROOT / ".build/release/vitc", "compile", folder, "--weights", f"seed:{seed}", "-o", library,
        "--target", target,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr
    worst = 0.0
    for threads in (1, 2, 3):
        with CompiledModel(library, threads=threads) as compiled:
            for count in (1, 2, 3):
                found = next(iter(compiled.run(images[:count]).values()))
                error = numpy.abs(found - truth[:count]).max()
                worst = max(worst, error / numpy.sqrt((truth[:count] ** 2).mean()))
    library.unlink()
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--target", default="host")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    start, failures, errors = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first, options.first + options.count):
            if time.monotonic() - start > options.seconds:
                break
            result = check(seed, options.target, pathlib.Path(folder))
            if result is None:
                continue
            if isinstance(result, str) or not result <= TOLERANCE:
                failures += 1
                print(f"seed {seed}: {result}\n  {draw(seed)}")
            else:
                errors.append(result)
    print(
        f"{len(errors) + failures} random models, {failures} failures, "
        f"largest error {max(errors, default=0):.2g}, median {numpy.median(errors or [0]):.2g}"
    )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
