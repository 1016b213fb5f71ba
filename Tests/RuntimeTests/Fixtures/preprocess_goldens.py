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
from transformers.image_transforms import center_crop, get_size_with_aspect_ratio
from transformers.image_utils import get_image_size_for_max_height_width
from transformers.models.sam.image_processing_sam import SamImageProcessor

FOLDER = pathlib.Path(__file__).parent
NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX, HAMMING = range(6)
# As in vit_abi.h.
NONE, EXACT, SHORTEST, COVER, FIT, LONGEST, WITHIN = range(7)
CENTERED, TOP_LEFT, EQUAL = range(3)

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


def case(name, resize, size, filter, result, limit=0, window=CENTERED, rounding=0, border=0):
    image = images[name]
    height, width = result.shape[:2]
    lines.append("\t".join(map(str, [
        name, image.shape[1], image.shape[0], places[name], resize, size[0], size[1], limit, filter,
        window, rounding, border, width, height, put(result)])))


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
            case(name, EXACT, size, filter, np.asarray(result))

# torchvision: Resize(shortest edge), CenterCrop, which pads where the image is smaller.
for name in ("photo", "noise", "edges", "stripe"):
    for edge, crop in [(25, (20, 20)), (22, (21, 24)), (19, (16, 16)), (15, (18, 15))]:
        image = Image.fromarray(images[name])
        result = F.center_crop(F.resize(image, edge, F.InterpolationMode.BICUBIC), crop)
        case(name, SHORTEST, (0, edge), BICUBIC, np.asarray(result))

# transformers 5 (floor) and 4 (numpy: pads to ceiling), without a resize.
for name in ("photo", "edges"):
    for crop in [(16, 16), (17, 18), (24, 20), (26, 30)]:
        array = images[name]
        result = center_crop(array, crop, input_data_format="channels_last")
        case(name, NONE, (0, 0), BICUBIC, result, rounding=2)
        excess = [array.shape[i] - crop[i] for i in range(2)]
        if min(excess) >= 0:
            top, left = (int(e / 2.0) for e in excess)
            result = array[top:top + crop[0], left:left + crop[1]]
            case(name, NONE, (0, 0), BICUBIC, result, rounding=1)

# timm's ResizeKeepRatio: what covers a rectangle, what fits into one and is padded.
# A picture of 64 x 33 has 16.5 rows at a width of 32.
images["tie"] = images["stripe"].reshape(-1)[:64 * 9 * 3].reshape(9, 64, 3)
images["tie"] = np.asarray(Image.fromarray(images["tie"]).resize((64, 33), NEAREST))
places["tie"] = put(images["tie"])
for name in ("photo", "noise", "edges", "tie"):
    for size in [(20, 20), (23, 23), (28, 19), (32, 32), (15, 26)]:
        image = Image.fromarray(images[name])
        resize = timm_transforms.ResizeKeepRatio(size, longest=1.0, interpolation="bicubic")
        crop = timm_transforms.CenterCropOrPad(size, fill=124)
        case(name, FIT, size[::-1], BICUBIC, np.asarray(crop(resize(image))), border=124)
        resize = timm_transforms.ResizeKeepRatio(size, interpolation="bilinear")
        result = F.center_crop(resize(image), [size[0] - 2, size[1] - 3])
        case(name, COVER, size[::-1], BILINEAR, np.asarray(result))

# transformers: the shortest edge with a limit, the longest edge, a box; without a crop, or padded.
for name in ("photo", "noise", "edges", "stripe", "dot"):
    image = images[name]
    height, width = image.shape[:2]

    def resized(size):
        return np.asarray(Image.fromarray(image).resize((max(1, size[1]), max(1, size[0])), BICUBIC))

    for edge, limit in [(16, 20), (14, 40), (11, 13), (12, 12)]:
        size = get_size_with_aspect_ratio((height, width), edge, limit)
        case(name, SHORTEST, (0, edge), BICUBIC, resized(size), limit=limit, window=EQUAL)
    for edge in (17, 24):
        size = SamImageProcessor._get_preprocess_shape(None, (height, width), edge)
        result = np.full((26, 25, 3), 9, np.uint8)
        result[:max(1, size[0]), :max(1, size[1])] = resized(size)
        case(name, LONGEST, (0, edge), BICUBIC, result, window=TOP_LEFT, border=9)
    for box in [(17, 21), (30, 12)]:
        size = get_image_size_for_max_height_width((height, width), *box)
        case(name, WITHIN, box[::-1], BICUBIC, resized(size), window=EQUAL)

header = ["image", "width", "height", "at", "resize", "resize_width", "resize_height",
          "longest_edge", "filter", "window", "crop_rounding", "border", "out_width", "out_height",
          "out_at"]
(FOLDER / "preprocess.tsv").write_text("\n".join(["\t".join(header)] + lines) + "\n")
(FOLDER / "preprocess.bin").write_bytes(bytes(blob))
print(len(lines), "cases,", len(blob), "bytes")
