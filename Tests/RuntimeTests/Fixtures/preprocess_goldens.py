"""Writes preprocess.tsv and preprocess.bin beside this script: RGB images and what Pillow,
torchvision, timm and transformers make of them.

Needs numpy, pillow, torchvision, timm, transformers, scikit-image. The photograph is scikit-image's
astronaut (NASA, public domain), made smaller.
"""

import pathlib

import numpy as np
import skimage.data
import timm.data.transforms as timm_transforms
import torchvision.transforms.functional as F
from PIL import Image
from transformers.image_transforms import center_crop

FOLDER = pathlib.Path(__file__).parent
NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX, HAMMING = range(6)

rng = np.random.default_rng(1)
photo = np.asarray(Image.fromarray(skimage.data.astronaut()).resize((71, 45), Image.Resampling.BOX))
images = {
    "photo": photo,
    "noise": rng.integers(0, 256, (53, 37, 3), dtype=np.uint8),
    "edges": (rng.integers(0, 2, (19, 23, 3)) * 255).astype(np.uint8),
    "dot": rng.integers(0, 256, (1, 1, 3), dtype=np.uint8),
    "stripe": rng.integers(0, 256, (3, 211, 3), dtype=np.uint8),
}
blob = bytearray()
lines = []


def put(array):
    start = len(blob)
    blob.extend(np.ascontiguousarray(array, dtype=np.uint8).tobytes())
    return start


def case(name, mode, size, filter, size_rounding, crop_rounding, padding, result):
    image = images[name]
    height, width = result.shape[:2]
    lines.append("\t".join(map(str, [
        name, image.shape[1], image.shape[0], places[name], mode, size[0], size[1], filter,
        size_rounding, crop_rounding, padding, width, height, put(result)])))


places = {name: put(image) for name, image in images.items()}

# Pillow: every filter, smaller, larger, one direction only, unchanged.
for name, image in images.items():
    height, width = image.shape[:2]
    for filter in range(6):
        for size in [(24, 16), (7, 31), (29, 58), (width, 20), (width, height)]:
            if name not in ("photo", "noise") and size[0] * size[1] > 500:
                continue
            if size == (width, height) and filter != BICUBIC:
                continue
            result = Image.fromarray(image).resize(size, filter)
            case(name, 1, size, filter, 0, 0, 0, np.asarray(result))

# torchvision: Resize(shortest edge), CenterCrop, which pads where the image is smaller.
for name in ("photo", "noise", "edges", "stripe"):
    for edge, crop in [(25, (20, 20)), (22, (21, 24)), (19, (16, 16)), (15, (18, 15))]:
        image = Image.fromarray(images[name])
        result = F.center_crop(F.resize(image, edge, F.InterpolationMode.BICUBIC), crop)
        case(name, 2, (0, edge), BICUBIC, 0, 0, 0, np.asarray(result))

# transformers 5 (floor) and 4 (numpy: pads to ceiling), without a resize.
for name in ("photo", "edges"):
    for crop in [(16, 16), (17, 18), (24, 20), (26, 30)]:
        array = images[name]
        result = center_crop(array, crop, input_data_format="channels_last")
        case(name, 0, (0, 0), BICUBIC, 0, 2, 0, result)
        excess = [array.shape[i] - crop[i] for i in range(2)]
        if min(excess) >= 0:
            top, left = (int(e / 2.0) for e in excess)
            result = array[top:top + crop[0], left:left + crop[1]]
            case(name, 0, (0, 0), BICUBIC, 0, 1, 0, result)

# timm, crop_mode "border": longest edge, then padded.
for name in ("photo", "noise", "edges"):
    for edge in (20, 23, 28):
        image = Image.fromarray(images[name])
        resize = timm_transforms.ResizeKeepRatio(edge, longest=1.0, interpolation="bicubic")
        crop = timm_transforms.CenterCropOrPad(edge, fill=124)
        case(name, 3, (0, edge), BICUBIC, 1, 0, 124, np.asarray(crop(resize(image))))

header = ["image", "width", "height", "at", "mode", "resize_width", "resize_height", "filter",
          "size_rounding", "crop_rounding", "padding", "out_width", "out_height", "out_at"]
(FOLDER / "preprocess.tsv").write_text("\n".join(["\t".join(header)] + lines) + "\n")
(FOLDER / "preprocess.bin").write_bytes(bytes(blob))
print(len(lines), "cases,", len(blob), "bytes")
