#!/usr/bin/env python3
"""Errors of bf16 on the golden folders: vitc's beside that of the library that the folder is from.

  python precision.py [--vitc VITC] [--precision bf16|int8] [REGULAR EXPRESSION]

For each folder of Tests/Goldens/{hf,timm,encoders} with a golden of `tokens` at its own image size,
prints the largest error of all numbers over their root mean square, and the relative L2 error, of
vitc's library and of PyTorch's model in bf16, both against the library in float64 (the golden); the
worst comes last. The folders are as small as models can be (2 blocks, heads of 8 to 16 features), so
that single roundings show as they do not in models of full size.

Needs torch, timm, transformers, safetensors and numpy. For development.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy

from vitlib import CompiledModel

ROOT = Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "Tests/Goldens"


def errors(found, truth) -> tuple:
    """The largest error over the root mean square, and the relative L2 error."""
    found, truth = found.astype("f8").ravel(), truth.astype("f8").ravel()
    if found.size != truth.size:
        raise ValueError(f"{found.size} values, the golden has {truth.size}")
    distance = abs(found - truth)
    return distance.max() / numpy.sqrt((truth**2).mean()), (
        numpy.linalg.norm(distance) / numpy.linalg.norm(truth)
    )


def of_vitc(vitc, folder, precision, images) -> numpy.ndarray:
    with tempfile.TemporaryDirectory() as place:
        library = Path(place, "libmodel.so")
        subprocess.run(
            [vitc, "compile", folder, "-o", library, "--outputs", "tokens", "--quiet"]
            + ["--precision", precision, "--no-self-test"],
            check=True,
        )
        with CompiledModel(library, 1) as model:
            return model.run(images)["tokens"]


def of_library(library, folder, images) -> numpy.ndarray:
    import torch

    pixels = torch.from_numpy(images).to(torch.bfloat16)
    if library == "timm":
        import timm

        model = timm.create_model(f"local-dir:{folder}", pretrained=True)
        tokens = model.eval().to(torch.bfloat16).forward_features(pixels)
    else:
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        model = transformers.AutoModel.from_pretrained(folder, dtype=torch.bfloat16).eval()
        model = getattr(model, "vision_model", getattr(model, "vision_encoder", model))
        tokens = model(pixel_values=pixels)
        tokens = getattr(tokens, "last_hidden_state", tokens)
    if isinstance(tokens, dict):
        tokens = tokens["patches"]
    tokens = tokens.float()
    if tokens.ndim == 4 and tokens.shape[1] != tokens.shape[2]:
        tokens = tokens.flatten(2).transpose(1, 2)
    return tokens.numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--vitc", type=Path, default=ROOT / ".build/release/vitc")
    parser.add_argument("--precision", choices=["bf16", "int8"], default="bf16")
    settings = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    rows = []
    for library in ("hf", "timm", "encoders"):
        index = json.loads((GOLDENS / library / "index.json").read_text())["models"]
        for entry in index:
            name = f"{library}/{entry['name']}"
            golden = next(
                (g for g in entry["goldens"] if g["output"] == "tokens"
                 and g["image"] == entry["image"] and g.get("width", g["image"]) == g["image"]),
                None)
            if golden is None or not re.search(settings.pattern, name):
                continue
            folder = GOLDENS / library / entry["name"]
            images = numpy.load(folder / "golden" / f"{golden['image']}-input.npy")
            truth = numpy.load(folder / golden["file"])
            found = errors(of_vitc(settings.vitc, folder, settings.precision, images), truth)
            try:
                with torch.inference_mode():
                    own = "%.1e  %.1e" % errors(of_library(library, folder, images), truth)
            except Exception as error:  # a class that has no such output, or fails in bf16
                own = f"{type(error).__name__}: {error}".splitlines()[0][:60]
            rows.append((*found, name, own))
            print(f"{name:36} {found[0]:.1e}  {found[1]:.1e}   {own}", flush=True)
    rows.sort()
    print("\nfolder                               vitc     L2         library  L2")
    for largest, l2, name, own in rows:
        print(f"{name:36} {largest:.1e}  {l2:.1e}   {own}")


if __name__ == "__main__":
    main()
