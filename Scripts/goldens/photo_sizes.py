#!/usr/bin/env python3
"""Writes Tests/Goldens/photo_sizes.tsv: what transformers' image processors that keep a photo's aspect
make of photos' extents.

    python3 photo_sizes.py [FILE]

A line is: the rule, its numbers, height and width of a photo, height and width of the image. `patches`
has the most patches and the side of one (SigLIP 2's NaFlex); `multiples` the nominal height and width
and what edges are multiples of (DPT with keep_aspect_ratio). Then, for each rule, all sizes that photos
of an aspect up to A become (`grids`): found by trying photos, not by thought.

Needs torch, torchvision and transformers (5.23.0 made the committed file).
"""

import pathlib
import random
import sys

import torch
import transformers
from transformers.models.dpt.image_processing_dpt import get_resize_output_image_size
from transformers.models.siglip2.image_processing_siglip2 import get_image_size_for_max_num_patches

FILE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                    else pathlib.Path(__file__).parents[2] / "Tests/Goldens/photo_sizes.tsv")
random.seed(5)


def patches(height, width, most, side):
    return get_image_size_for_max_num_patches(height, width, side, most)


def multiples(height, width, nominal_height, nominal_width, multiple):
    image = torch.empty(3, height, width, device="meta")
    size = get_resize_output_image_size(image, (nominal_height, nominal_width), True, multiple)
    return size.height, size.width


RULES = {"patches": patches, "multiples": multiples}
PARAMETERS = [("patches", (256, 16)), ("patches", (729, 14)), ("patches", (17, 4)), ("patches", (1, 16)),
              ("patches", (1024, 16)), ("multiples", (518, 518, 14)), ("multiples", (384, 512, 32)),
              ("multiples", (97, 64, 1))]
lines = []
for rule, numbers in PARAMETERS:
    photos = [(1, 1), (2, 3), (480, 640), (640, 480), (512, 512), (1080, 1920), (4000, 6000), (333, 1000),
              (16384, 512), (99, 7)]
    while len(photos) < 70:
        height = int(2 ** random.uniform(4, 13))
        width = int(height * 2 ** random.uniform(-4, 4))
        photos.append((height, max(1, width)))
    for height, width in photos:
        found = RULES[rule](height, width, *numbers)
        lines.append([rule, ",".join(map(str, numbers)), height, width, *found])
# Every aspect that numbers up to 360 have, and random ones of larger photos.
for rule, numbers, aspects in [("patches", (256, 16), (1.5, 2, 4, 16)), ("patches", (17, 4), (1, 2, 3)),
                               ("patches", (64, 8), (1.25, 3))]:
    found = {}
    photos = {(height * 8, width * 8) for height in range(1, 181) for width in range(1, 181)}
    photos |= {(int(2 ** random.uniform(9, 13)), int(2 ** random.uniform(9, 13))) for _ in range(20000)}
    for height, width in photos:
        if min(height, width) < 64:
            continue
        aspect = max(height, width) / min(height, width)
        size = RULES[rule](height, width, *numbers)
        found[size] = min(found.get(size, 1e9), aspect)
    for aspect in aspects:
        sizes = sorted(size for size, least in found.items() if least <= aspect)
        lines.append(["grids", f"{rule},{','.join(map(str, numbers))},{aspect}",
                      " ".join(f"{height}x{width}" for height, width in sizes)])
FILE.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
print(len(lines), "lines, transformers", transformers.__version__)
for line in lines:
    if line[0] == "grids":
        print(line[1], len(line[2].split()))
