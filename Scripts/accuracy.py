#!/usr/bin/env python3
"""Measures what bf16 and int8 cost in accuracy, on photos; for development.

  python accuracy.py photos OUT
    writes photos that scikit-image and scikit-learn ship: OUT/calibration, 8 whole photos for
    `vitc compile --calibrate`, and OUT/test, 12 others and 24 crops of them, 2 of each
  python accuracy.py table OUT F32.so LIB.so ...
    prints for each library how far its outputs for OUT/test are from those of the first one

The libraries return `tokens`:
  vitc compile FOLDER --outputs tokens [--precision P] [--calibrate OUT/calibration] -o LIB

Columns: of the images' relative L2 errors of all tokens the geometric mean, which no single image
decides, and the largest; cosines of the class token: mean and smallest; cosines of the other
tokens, each image's mean: mean and smallest.

Photos need: pip install scikit-image scikit-learn Pillow numpy
"""

import argparse
import random
from pathlib import Path

import numpy
from PIL import Image

from vitlib import CompiledModel

# No photo is on both sides.
CALIBRATION = ["astronaut", "flower", "coffee", "clock_motion", "grass", "moon", "cell", "page"]
TEST = [
    "chelsea", "camera", "rocket", "china", "coins", "brick", "gravel", "hubble_deep_field", "ihc",
    "retina", "motorcycle_left", "text",
]  # fmt: skip
# Of each photo of the test, beside the whole.
CROPS = 2
SEED = 1
# The part of the area that a crop keeps.
LEAST_PART, LARGEST_PART = 0.2, 0.7


def find(name: str) -> Path:
    import skimage
    import sklearn

    folders = [Path(skimage.__file__).parent / "data"]
    folders.append(Path(sklearn.__file__).parent / "datasets/images")
    for folder in folders:
        for kind in ("png", "jpg"):
            if (folder / f"{name}.{kind}").exists():
                return folder / f"{name}.{kind}"
    raise SystemExit(f"neither scikit-image nor scikit-learn ships '{name}'")


def crop(photo: Image.Image, chance: random.Random) -> Image.Image:
    width, height = photo.size
    side = chance.uniform(LEAST_PART, LARGEST_PART) ** 0.5
    (w, h) = (max(1, round(width * side)), max(1, round(height * side)))
    (x, y) = (chance.randint(0, width - w), chance.randint(0, height - h))
    return photo.crop((x, y, x + w, y + h))


def photos(out: Path) -> None:
    for folder, names in (("calibration", CALIBRATION), ("test", TEST)):
        (out / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            photo = Image.open(find(name)).convert("RGB")
            chance = random.Random(f"{SEED} {name}")
            views = [photo] + [crop(photo, chance) for _ in range(CROPS)]
            for number, view in enumerate(views if folder == "test" else views[:1]):
                view.save(out / folder / f"{name}-{number}.png")


def cosines(y: numpy.ndarray, y0: numpy.ndarray) -> numpy.ndarray:
    """Of the last axis."""
    lengths = numpy.linalg.norm(y, axis=-1) * numpy.linalg.norm(y0, axis=-1)
    return (y * y0).sum(-1) / lengths


def outputs(library: str, images) -> numpy.ndarray:
    """The class token and the others, [images, tokens, dim] in float64."""
    with CompiledModel(library) as model:
        pixels = numpy.stack([model.preprocess(image) for image in images])
        return model.run(pixels)["tokens"].astype(numpy.float64)


def table(out: Path, libraries: list) -> None:
    files = sorted((out / "test").glob("*.png"))
    images = [numpy.asarray(Image.open(file).convert("RGB")) for file in files]
    truth = outputs(libraries[0], images)
    crops = len(images) - len(TEST)
    print(f"{len(TEST)} photos and {crops} crops of them, truth: {libraries[0]}\n")
    print(
        "| library | error, geometric mean | worst "
        "| class cosine, mean | min | patches, mean | worst image |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for library in libraries[1:]:
        found = outputs(library, images)
        difference = (found - truth).reshape(len(images), -1)
        norms = numpy.linalg.norm(truth.reshape(len(images), -1), axis=1)
        errors = numpy.linalg.norm(difference, axis=1) / norms
        token = cosines(found, truth)
        patches = token[:, 1:].mean(1)
        worst = files[int(errors.argmax())].stem
        mean = numpy.exp(numpy.log(errors).mean())
        print(
            f"| {Path(library).stem} | {mean:.5f} | {errors.max():.4f} ({worst}) "
            f"| {token[:, 0].mean():.5f} | {token[:, 0].min():.5f} "
            f"| {patches.mean():.5f} | {patches.min():.5f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser("photos")
    writer.add_argument("out", type=Path)
    measure = commands.add_parser("table")
    measure.add_argument("out", type=Path)
    measure.add_argument("libraries", nargs="+")
    settings = parser.parse_args()
    if settings.command == "photos":
        photos(settings.out)
    else:
        table(settings.out, settings.libraries)


if __name__ == "__main__":
    main()
