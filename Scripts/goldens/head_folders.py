#!/usr/bin/env python3
"""What transformers' image-classification pipeline answers for folders with heads of every kind.

Writes Tests/Goldens/heads/: weights/NAME.safetensors (tiny models with every parameter random),
photo.png, and index.json, whose cases name the weights, the config.json to put beside them and the
pipeline's whole answer for the photo, highest score first; what the pipeline refuses is not there.
A folder is loaded as AutoModelForImageClassification does, by model_type, whatever `architectures`
says. A label that is null is written as null. `maps` has a Dinov2Backbone's feature map of the same
photo. The photo has the size of the models' input, so nothing is resized; the pipeline computes in
float64.

Made with torch 2.13.0, transformers 5.23.0, timm 1.0.31, numpy 2.4.6, pillow 13.0.0:
  pip install torch transformers timm numpy pillow
  python head_folders.py
"""

import json
import tempfile
from pathlib import Path

import numpy
import torch
import transformers
from PIL import Image
from tinymodels import GOLDENS, fresh, randomize
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    BitConfig,
    BitForImageClassification,
    DeiTConfig,
    DeiTForImageClassification,
    Dinov2Backbone,
    Dinov2Config,
    Dinov2ForImageClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    pipeline,
)

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
FOLDER = GOLDENS / "heads"
SIDE = 16
VIT = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
    "image_size": SIDE, "patch_size": 8,
}
DINO = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_ratio": 2,
    "image_size": SIDE, "patch_size": 8,
}
BIT = {"embedding_size": 4, "hidden_sizes": [8], "depths": [1], "num_groups": 2}
TIMM = {"img_size": SIDE, "patch_size": 8, "embed_dim": 8, "depth": 1, "num_heads": 2}
PROCESSOR = {
    "do_center_crop": False, "do_normalize": True, "do_rescale": True, "do_resize": True,
    "image_mean": [0.5, 0.4, 0.3], "image_processor_type": "ViTImageProcessor",
    "image_std": [0.5, 0.6, 0.7], "resample": 2, "rescale_factor": 1 / 255,
    "size": {"height": SIDE, "width": SIDE},
}
LABELS = ["ape", "bee", "cat", "dog", "elk"]
# Written by the pipeline for a class without a label of its own.
ABSENT = object()


def weights() -> dict:
    """The configurations of the models, as save_pretrained writes them; their files are written."""
    labelled = {"id2label": dict(enumerate(LABELS)), "label2id": {k: i for i, k in enumerate(LABELS)}}
    timm = TimmWrapperConfig(
        architecture="vit_tiny_patch16_224", model_args=TIMM, num_labels=len(LABELS), **labelled
    )
    models = {
        "vit": ViTForImageClassification(ViTConfig(**VIT, **labelled)),
        "vit-one": ViTForImageClassification(ViTConfig(**VIT, num_labels=1)),
        "deit": DeiTForImageClassification(DeiTConfig(**VIT, **labelled)),
        "dinov2": Dinov2ForImageClassification(Dinov2Config(**DINO, **labelled)),
        "bit": BitForImageClassification(BitConfig(**BIT, **labelled)),
        "timm": TimmWrapperForImageClassification(timm),
        "backbone": Dinov2Backbone(Dinov2Config(**DINO)),
    }
    configurations = {}
    for name, model in models.items():
        randomize(model, f"heads {name}")
        with tempfile.TemporaryDirectory() as folder:
            model.eval().save_pretrained(folder)
            file = Path(folder) / "model.safetensors"
            (FOLDER / "weights").mkdir(exist_ok=True)
            (FOLDER / "weights" / f"{name}.safetensors").write_bytes(file.read_bytes())
            configurations[name] = json.loads((Path(folder) / "config.json").read_text())
    # What PROCESSOR says, as timm's folders have it.
    configurations["timm"]["pretrained_cfg"] = {
        "crop_pct": 1.0, "input_size": [3, SIDE, SIDE], "interpolation": "bilinear",
        "mean": PROCESSOR["image_mean"], "std": PROCESSOR["image_std"],
    }
    return configurations


def cases(configurations: dict) -> list:
    """Name, weights, and what config.json says besides; ABSENT: without the key."""
    by_index = {str(index): label for index, label in enumerate(LABELS)}
    multi = {"problem_type": "multi_label_classification"}
    regression = {"problem_type": "regression"}
    return [
        ("softmax", "vit", {}),
        ("single-label", "vit", {"problem_type": "single_label_classification"}),
        ("multi-label", "vit", multi),
        ("regression", "vit", regression),
        ("one-class", "vit-one", {}),
        ("one-value", "vit-one", regression),
        ("unknown-architecture", "vit", {"architectures": ["CustomModel"]}),
        ("no-architecture", "vit", {"architectures": ABSENT}),
        ("null-architecture", "vit", {"architectures": None}),
        ("empty-architectures", "vit", {"architectures": []}),
        ("bare-architecture", "vit", {"architectures": ["ViTModel"]}),
        ("deit-unknown", "deit", {"architectures": ["MyDeiT"]}),
        ("dinov2-unknown", "dinov2", {"architectures": ["Dinov2Custom"]}),
        ("dinov2-bare", "dinov2", {"architectures": ["Dinov2Model"]} | multi),
        ("bit-unknown", "bit", {"architectures": ABSENT}),
        ("integer-labels", "vit", {"id2label": {str(i): 10 * i for i in range(5)}}),
        ("null-labels", "vit", {"id2label": by_index | {"0": None, "3": None}}),
        ("counted-labels", "vit", {"id2label": ABSENT, "label2id": ABSENT, "num_labels": 5}),
        ("equal-labels", "vit", {"id2label": {str(i): "x" for i in range(5)}}),
        ("not-a-number", "vit", {"initializer_range": float("nan"), "foo": float("inf")}),
        ("timm", "timm", {}),
        ("timm-multi-label", "timm", multi),
        ("timm-null-label", "timm", {"label_names": LABELS[:2] + [None] + LABELS[3:]}),
    ]


def folder_of(path: Path, name: str, config: dict) -> Path:
    """A folder with these weights and this configuration."""
    (path / "config.json").write_text(json.dumps(config, sort_keys=True))
    (path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    (path / "model.safetensors").write_bytes(
        (FOLDER / "weights" / f"{name}.safetensors").read_bytes()
    )
    return path


def answer(config: dict, name: str, photo: Image.Image) -> list:
    """What the pipeline says of the photo."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder_of(Path(folder), name, config)
        model = AutoModelForImageClassification.from_pretrained(path, dtype=torch.float64).eval()
        # The timm wrapper's own processor needs timm's configuration of preprocessing.
        processor = transformers.ViTImageProcessorPil(**PROCESSOR)
        classify = pipeline(
            "image-classification", model=model, image_processor=processor, dtype=torch.float64
        )
        return [dict(entry) for entry in classify(photo, top_k=100)]


def feature_map(config: dict, photo: Image.Image) -> list:
    """The backbone's map of the photo: [dim, rows, columns]."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder_of(Path(folder), "backbone", config)
        model = Dinov2Backbone.from_pretrained(path, dtype=torch.float64).eval()
        pixels = AutoImageProcessor.from_pretrained(path, backend="pil")(photo, return_tensors="pt")
        with torch.inference_mode():
            return model(pixels["pixel_values"].double()).feature_maps[-1][0].tolist()


def main() -> None:
    fresh(FOLDER)
    random = numpy.random.default_rng(7)
    photo = Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=numpy.uint8))
    photo.save(FOLDER / "photo.png")
    configurations = weights()
    entries = []
    for name, file, changes in cases(configurations):
        config = configurations[file] | changes
        config = {key: value for key, value in config.items() if value is not ABSENT}
        entries.append(
            {"name": name, "weights": file, "config": json.dumps(config, sort_keys=True),
             "answer": answer(config, file, photo)}
        )
    backbone = configurations["backbone"]
    index = {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "processor": json.dumps(PROCESSOR, sort_keys=True),
        "backbone": json.dumps(backbone, sort_keys=True),
        "map": feature_map(backbone, photo),
        "cases": entries,
    }
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    total = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{len(entries)} cases, {total / 1024:.0f} KB")
    for entry in entries:
        print(entry["name"], [(e["label"], round(e["score"], 4)) for e in entry["answer"]][:3])


if __name__ == "__main__":
    main()
