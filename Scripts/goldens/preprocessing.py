#!/usr/bin/env python3
"""Writes Tests/Goldens/preprocessing: photos, configuration files, and what the transforms of timm and
open_clip and the image processors of transformers make of the photos.

    python3 preprocessing.py                       the committed cases
    python3 preprocessing.py --random SEED FOLDER  others; then, with them,
    VITC_PREPROCESSING=FOLDER swift test --filter ProcessorGoldenTests

cases.json has a case a line: the files of a model folder, the photo, the size of the model's images,
and where in values.bin every STEP-th value of the result is. Needs numpy, pillow, scikit-image, torch,
torchvision, timm, transformers and open_clip_torch (1.0.31, 5.23.0 and 3.3.0 made the committed ones).
The photograph is scikit-image's astronaut (NASA, public domain), made smaller.

Of transformers' two back ends PIL's is asked, whose resize is PIL's. Processors that have only
torchvision's resize 8-bit tensors otherwise than PIL, by up to 2 levels: their cases say so by
`levels`. DINOv3's is torchvision's by design, in floats.
"""

import argparse
import json
import pathlib

import numpy as np
import skimage.data
import timm.data
import transformers
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from transformers.models.auto.image_processing_auto import get_image_processor_class_from_name

parser = argparse.ArgumentParser()
parser.add_argument("--random", type=int, metavar="SEED")
parser.add_argument("folder", nargs="?", type=pathlib.Path,
                    default=pathlib.Path(__file__).parents[2] / "Tests/Goldens/preprocessing")
options = parser.parse_args()
FOLDER = options.folder
values = bytearray()
cases = []
# No multiple of a row's length, so that all columns come up.
STEP = 7


def put(array, type):
    start = len(values)
    values.extend(np.ascontiguousarray(array, dtype=type).tobytes())
    return start


astronaut = Image.fromarray(skimage.data.astronaut())
photos = {
    "landscape": astronaut.resize((71, 45), Image.Resampling.BOX),
    "portrait": astronaut.crop((150, 0, 400, 400)).resize((37, 60), Image.Resampling.BOX),
    "square": astronaut.crop((100, 0, 300, 200)).resize((52, 52), Image.Resampling.BOX),
    "tiny": astronaut.crop((200, 50, 300, 150)).resize((5, 3), Image.Resampling.BOX),
}
places = {name: put(np.asarray(image), np.uint8) for name, image in photos.items()}


def case(what, photo, files, result, size=None, levels=0.0):
    result = np.asarray(result)
    cases.append({
        "what": what, "photo": [photos[photo].width, photos[photo].height, places[photo]],
        "files": files, "size": size, "shape": list(result.shape[1:]), "levels": levels,
        "at": put(result.reshape(-1)[::STEP], np.float32)})


# timm: each crop mode, square and not, and other sizes than the folder's.
MEAN, STD = [0.5, 0.4, 0.3], [0.5, 0.6, 0.7]


def timm_case(photo, mode, size, crop, interpolation, other=None):
    cfg = {"input_size": [3, *size], "interpolation": interpolation, "crop_pct": crop,
           "crop_mode": mode, "mean": MEAN, "std": STD}
    config = {
        "architecture": "vit_tiny_patch16_224", "num_classes": 5, "pretrained_cfg": cfg,
        "model_args": {"img_size": size, "patch_size": 1, "embed_dim": 24, "depth": 2,
                       "num_heads": 3}}
    transform = timm.data.create_transform(**timm.data.resolve_data_config(
        {"input_size": (3, *(other or size))}, pretrained_cfg=cfg))
    case(f"timm {mode} {size} {crop} {interpolation} {other}", photo, {"config.json": config},
         transform(photos[photo]), other)


# open_clip: each resize mode.
def open_clip_case(photo, mode, size, interpolation, fill=0):
    cfg = {"mean": MEAN, "std": STD, "interpolation": interpolation, "resize_mode": mode,
           "fill_color": fill}
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": {
        "image_size": size, "layers": 1, "width": 64, "patch_size": 1}}, "preprocess_cfg": cfg}
    transform = image_transform_v2(PreprocessCfg(size=tuple(size), **cfg), is_train=False)
    case(f"open_clip {mode} {size} {interpolation} {fill}", photo, {"open_clip_config.json": config},
         transform(photos[photo]))


# transformers: each class that makes one image of a fixed size.
def processor_case(photo, name, config, levels=None, pil=True):
    cls = pil and get_image_processor_class_from_name(name + "ImageProcessorPil")
    if not cls:
        cls = get_image_processor_class_from_name(name + "ImageProcessor")
        levels = 2.0 if levels is None else levels
    assert cls, name
    processor = cls.from_dict(dict(config))
    result = processor(photos[photo], return_tensors="np")
    if name == "Siglip2":
        # Rows of patches, padded, to the image that they are of.
        rows, columns = (int(n) for n in result["spatial_shapes"][0])
        side = processor.patch_size
        patches = np.asarray(result["pixel_values"])[0][:rows * columns]
        result = patches.reshape(rows, columns, side, side, 3).transpose(4, 0, 2, 1, 3).reshape(
            1, 3, rows * side, columns * side)
    else:
        # IDEFICS's returns the array itself.
        result = result if name == "Idefics" else result["pixel_values"]
    result = np.asarray(result)[0]
    height, width = result.shape[1:]
    model = {"model_type": "vit", "image_size": [height, width], "patch_size": 1}
    file = {"image_processor_type": name + "ImageProcessor", **config}
    case(f"{name} {config}", photo, {"config.json": model, "preprocessor_config.json": file}, result,
         levels=levels or 0.0)


def square(n):
    return {"height": n, "width": n}


NORM = {"image_mean": MEAN, "image_std": STD}
CASES = [
    ("ViT", {"size": square(24)}), ("ViT", {"size": {"height": 18, "width": 25}, **NORM}),
    ("ViT", {"size": 20, "resample": 3, "do_normalize": False}),
    ("ViT", {"size": [16, 22], "do_rescale": False, "image_mean": [0.1] * 3}),
    ("DeiT", {"size": square(28), "crop_size": square(23)}),
    ("CLIP", {"size": {"shortest_edge": 24}, "crop_size": square(24)}),
    ("CLIP", {"size": 25, "crop_size": 20, **NORM}),
    ("CLIP", {"size": {"shortest_edge": 24, "longest_edge": 30}, "crop_size": square(18)}),
    ("CLIP", {"size": {"shortest_edge": 25}, "crop_size": {"height": 17, "width": 22}}),
    ("Bit", {"size": {"shortest_edge": 28}, "crop_size": square(21)}),
    ("ChineseCLIP", {"size": {"shortest_edge": 22}, "crop_size": square(22)}),
    ("Siglip", {"size": square(24)}), ("Siglip", {"size": square(17), "resample": 2}),
    ("Beit", {"size": square(26)}),
    ("Beit", {"size": square(26), "do_center_crop": True, "crop_size": square(21)}),
    ("Blip", {"size": square(24)}),
    ("Chameleon", {"size": {"shortest_edge": 24}, "crop_size": square(24)}),
    ("ConvNext", {"size": {"shortest_edge": 24}}),
    ("ConvNext", {"size": 26, "crop_pct": 0.9, "resample": 2}),
    ("ConvNext", {"size": {"shortest_edge": 28}, "do_center_crop": True, "crop_size": square(24)}),
    ("ConvNext", {"size": {"shortest_edge": 384}, "do_center_crop": True, "crop_size": square(24)}),
    ("EfficientNet", {"size": square(24)}),
    ("EfficientNet", {"size": square(24), "rescale_offset": True, "rescale_factor": 1 / 127.5, **NORM}),
    ("EfficientNet", {"size": square(24), "include_top": False, "do_center_crop": True,
                      "crop_size": square(20)}),
    ("EfficientNet", {"size": square(22), "do_normalize": False, **NORM}),
    ("MobileViT", {"size": {"shortest_edge": 24}, "crop_size": square(20)}),
    ("MobileViT", {"size": {"shortest_edge": 24}, "crop_size": square(20),
                   "do_flip_channel_order": False}),
    ("MobileNetV1", {"size": {"shortest_edge": 24}, "crop_size": square(21)}),
    ("MobileNetV2", {"size": {"shortest_edge": 24}, "crop_size": square(21)}),
    ("Levit", {"size": {"shortest_edge": 22}, "crop_size": square(22)}),
    ("PoolFormer", {"size": {"shortest_edge": 22}, "crop_size": square(22)}),
    ("PoolFormer", {"size": square(22), "crop_size": square(22), "crop_pct": 0.95}),
    ("Pvt", {"size": square(24)}), ("Segformer", {"size": square(24)}),
    ("OwlViT", {"size": square(24)}), ("Idefics", {"size": square(24)}),
    ("LayoutLMv2", {"size": square(24), "apply_ocr": False}),
    ("LayoutLMv3", {"size": square(24), "apply_ocr": False}),
    ("DPT", {"size": square(40), "ensure_multiple_of": 7, "keep_aspect_ratio": True}),
    ("DPT", {"size": {"height": 33, "width": 50}, "keep_aspect_ratio": True, **NORM}),
    ("Siglip2", {"max_num_patches": 60, "patch_size": 4}),
    ("Siglip2", {"max_num_patches": 17, "patch_size": 7, "resample": 3, **NORM}),
    ("DPT", {"size": square(25), "ensure_multiple_of": 7}), ("DPT", {"size": square(24)}),
    ("RTDetr", {"size": square(24)}), ("Gemma3", {"size": square(24)}),
    ("Ovis2", {"size": square(24)}), ("Flava", {"size": square(24), "crop_size": square(24)}),
    ("Llava", {"size": {"shortest_edge": 24}, "crop_size": square(20)}),
    ("PPChart2Table", {"size": square(24)}),
    ("Sam", {"size": {"longest_edge": 24}, "pad_size": square(24)}),
    ("Sam", {"size": {"longest_edge": 21}, "pad_size": {"height": 26, "width": 24}}),
    ("Sam2", {"size": square(24)}), ("Sam3", {"size": square(24)}),
    ("Sapiens2", {"size": {"height": 26, "width": 20}}),
    ("Sapiens2", {"size": {"height": 26, "width": 20}, "do_pad": True}),
    ("Tipsv2", {"size": square(24)}), ("Tipsv2Dpt", {"size": square(24)}),
    ("PI0", {"size": {"max_height": 24, "max_width": 22}, "pad_size": {"height": 24, "width": 22}}),
]


def fixed_cases():
    """The committed cases."""
    for photo in photos:
        for mode in ("center", "squash", "border"):
            for size, crop, interpolation in [
                    ([24, 24], 0.9, "bicubic"), ([24, 16], 0.9, "bicubic"), ([15, 26], 1.0, "bilinear"),
                    ([19, 20], 0.875, "bicubic")]:
                timm_case(photo, mode, size, crop, interpolation)
    for mode in ("center", "squash", "border"):
        timm_case("portrait", mode, [24, 24], 0.9, "bicubic", [28, 28])
        timm_case("landscape", mode, [24, 24], 0.95, "bicubic", [18, 26])
        timm_case("landscape", mode, [26, 18], 0.9, "bilinear", [22, 22])
    for photo in ("landscape", "portrait", "tiny"):
        for size in ([24, 24], [24, 17]):
            open_clip_case(photo, "shortest", size, "bilinear")
            open_clip_case(photo, "squash", size, "bicubic")
            open_clip_case(photo, "longest", size, "bicubic", 90)
    for name, config in CASES:
        for photo in ("landscape", "portrait"):
            processor_case(photo, name, config)
    for photo in photos:
        # In floats, as DINOv3's processor has it: off by the rounding of 32-bit floats only.
        for config in [{"size": square(24)}, {"size": {"height": 40, "width": 33}},
                       {"size": square(22), "resample": 3, **NORM}, {"size": square(70), "resample": 3},
                       {"size": square(30), "do_center_crop": True, "crop_size": square(25)}]:
            processor_case(photo, "DINOv3ViT", config, levels=0.001)
    for name, config in [
            ("CLIP", {"size": {"shortest_edge": 24}, "crop_size": square(24)}), ("ViT", {"size": square(24)}),
            ("Sam", {"size": {"longest_edge": 24}, "pad_size": square(24)}),
            ("ConvNext", {"size": {"shortest_edge": 24}})]:
        for photo in ("square", "tiny"):
            processor_case(photo, name, config)

    # The two back ends pad otherwise where an odd number of pixels lacks: torchvision's is the default.
    for photo in ("landscape", "portrait"):
        processor_case(photo, "CLIP", {"do_resize": False, "crop_size": {"height": 52, "width": 76}},
                       levels=0.0, pil=False)


def random_cases(seed, count=700):
    """Cases of any shape; what the library refuses (pictures that become nothing) is left out."""
    random = np.random.default_rng(seed)

    def side(low=6, high=48):
        return int(random.integers(low, high))

    def pick(*choices):
        return choices[random.integers(len(choices))]

    for number in range(40):
        width, height = side(1, 100), side(1, 100)
        if number % 5 == 0:
            height = side(1, 4)
        if number % 5 == 1:
            width = side(1, 4)
        x, y = side(0, 300), side(0, 300)
        name = f"random {number}"
        photos[name] = astronaut.crop((x, y, x + 200, y + 200)).resize((width, height))
        places[name] = put(np.asarray(photos[name]), np.uint8)
    for _ in range(count):
        photo = pick(*photos)
        edge = side(12)
        crop = int(random.integers(4, edge + 1))
        cap = {"longest_edge": int(edge * random.uniform(1, 2))} if random.random() < 0.4 else {}
        fraction = {"crop_pct": pick(0.8, 0.875, 0.95)}
        shapes = {
            "CLIP": {"size": {"shortest_edge": edge, **cap},
                     "crop_size": {"height": crop, "width": int(random.integers(4, edge + 1))}},
            "ViT": {"size": {"height": side(), "width": side()}},
            "Beit": {"size": {"height": side(), "width": side()}},
            "ConvNext": {"size": {"shortest_edge": edge}, **fraction},
            "Levit": {"size": {"shortest_edge": edge}, "crop_size": crop},
            "PoolFormer": {"size": {"shortest_edge": edge}, "crop_size": crop, **fraction},
            "MobileViT": {"size": {"shortest_edge": edge}, "crop_size": crop},
            "Sam": {"size": {"longest_edge": crop}, "pad_size": square(edge)},
            "EfficientNet": {"size": square(edge), "do_center_crop": True, "crop_size": crop,
                             "rescale_offset": bool(random.random() < 0.5)},
        }
        name = pick(*shapes)
        kind = random.integers(4)
        try:
            if kind == 0:
                size = [side(), side()] if random.random() < 0.6 else [side()] * 2
                other = [side(), side()] if random.random() < 0.3 else None
                timm_case(photo, pick("center", "squash", "border"), size,
                          pick(0.8, 0.875, 0.9, 0.95, 1.0, 1.1),
                          pick("bicubic", "bilinear", "lanczos", "nearest"), other)
            elif kind == 1:
                open_clip_case(photo, pick("shortest", "squash", "longest"), [side(), side()],
                               pick("bicubic", "bilinear"), side(0, 255))
            elif kind == 2:
                config = {"size": {"height": side(), "width": side()}, "resample": pick(2, 3)}
                processor_case(photo, "DINOv3ViT", config, levels=0.001)
            elif name == "CLIP" and cap:
                # A crop may lack an odd number of pixels, which PIL's back end pads otherwise.
                config = {**shapes[name], "resample": pick(2, 3)}
                processor_case(photo, name, config, levels=2.0, pil=False)
            else:
                processor_case(photo, name, {**shapes[name], "resample": side(0, 6)})
        except (ValueError, RuntimeError) as error:
            # An edge became 0 pixels long, which each library says in its own way.
            ways = ("must be > 0", "=0,", "greater than 0")
            assert any(way in str(error) for way in ways), error


if options.random is None:
    fixed_cases()
else:
    random_cases(options.random)
FOLDER.mkdir(parents=True, exist_ok=True)
(FOLDER / "values.bin").write_bytes(values)
lines = [json.dumps(c) for c in cases]
(FOLDER / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(len(cases), "cases,", len(values), "bytes, transformers", transformers.__version__, "timm", timm.__version__)
