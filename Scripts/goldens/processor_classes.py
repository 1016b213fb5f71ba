#!/usr/bin/env python3
"""Writes Tests/Goldens/processors.tsv: transformers' image processor classes and what they do where
a file says nothing. Tests hold vitc's own table to it.

    python3 processor_classes.py [FILE]

Needs transformers (5.23.0 made the committed file), torch, torchvision, pillow.
"""

import pathlib
import pkgutil
import re
import sys

import transformers
import transformers.models

FILE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                    else pathlib.Path(__file__).parents[2] / "Tests/Goldens/processors.tsv")
names = set()
for module in pkgutil.iter_modules(transformers.models.__path__):
    folder = pathlib.Path(transformers.models.__path__[0]) / module.name
    for file in folder.glob("image_processing_*.py"):
        if "auto" in file.name or "_pil_" in file.name:
            continue
        for name in re.findall(r"^class (\w+ImageProcessor)\(", file.read_text(), re.M):
            names.add((name, module.name, file.stem))


def text(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) or hasattr(value, "items"):
        return ",".join(f"{k}={v}" for k, v in sorted(value.items()) if v is not None)
    if isinstance(value, (list, tuple)):
        return ",".join(repr(float(v)) for v in value)
    if isinstance(value, float):
        return repr(value)
    return str(int(value))


KEYS = ["size", "default_to_square", "resample", "do_center_crop", "crop_size", "do_rescale",
        "rescale_factor", "do_normalize", "image_mean", "image_std", "do_convert_rgb"]
lines = ["\t".join(["class", *KEYS])]
for name, module, file in sorted(names):
    imported = __import__(f"transformers.models.{module}.{file}", fromlist=[name])
    cls = getattr(imported, name)
    lines.append("\t".join([name.removesuffix("ImageProcessor"),
                            *(text(getattr(cls, key, None)) for key in KEYS)]))
FILE.write_text("\n".join(lines) + "\n")
print(len(lines) - 1, "classes, transformers", transformers.__version__)
