"""Makes the folders beside this file from the digits of examples/digits: how many holes a digit has.

Nothing of that was ever told to the model of examples/digits, which knows ten digits; the pictures are
of its test split, which it was not trained on. Fours are left out, since some are open.

Run: python make.py   (needs numpy and Pillow)
"""

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
DIGITS = HERE.parent / "digits"
HOLES = {"none": (1, 2, 3, 5, 7), "one": (0, 6, 9), "two": (8,)}

images = np.load(DIGITS / "test-images.npy")
labels = np.load(DIGITS / "test-labels.npy")
for name, digits in HOLES.items():
    # Of each digit in turn, so that all are there.
    found = [list(np.flatnonzero(labels == digit)) for digit in digits]
    order = [each[i] for i in range(max(map(len, found))) for each in found if i < len(each)]
    for kind, part in (("train", order[:15]), ("test", order[15:30])):
        folder = HERE / kind / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in part:
            Image.fromarray(images[index]).save(
                folder / f"{labels[index]}-{index:03}.png", optimize=True)
