#!/usr/bin/env python3
"""Logits of images over texts, of the tiny folders with two towers in Tests/Goldens.

Writes Tests/Goldens/zero-shot/NAME-vectors.npy, what the library's text tower makes of random tokens
(projected, not normalized), and NAME-logits.npy, the library's own logits_per_image of the images
that the folder's golden/SIZE-input.npy has, in float64 rounded to float32.

Made with torch 2.13.0, transformers 5.23.0, open_clip_torch 3.3.0, numpy 2.4.6:
  pip install torch transformers open_clip_torch numpy sentencepiece protobuf
  python zero_shot.py
"""

import json
import pathlib

import numpy as np
import open_clip.factory
import torch
import transformers

GOLDENS = pathlib.Path(__file__).resolve().parents[2] / "Tests/Goldens"
OUTPUT = GOLDENS / "zero-shot"
FOLDERS = [
    "encoders/clip", "encoders/metaclip2", "encoders/altclip", "encoders/chinese-clip",
    "encoders/siglip", "encoders/siglip2", "encoders/aimv2", "open-clip/quick",
    "open-clip/scaled-f16", "open-clip/clipa", "open-clip/tower-mlp",
]
CLASSES = 5


def ids(vocabulary: int, length: int, end: int | None) -> torch.Tensor:
    """Random tokens; the end is at another place in each text."""
    generator = torch.Generator().manual_seed(6)
    rows = torch.randint(1, max(2, vocabulary - 2), (CLASSES, length), generator=generator)
    if end is not None:
        for row in range(CLASSES):
            place = 1 + row % max(1, length - 1)
            rows[row] = torch.where(rows[row] == end, rows[row] - 1, rows[row])
            rows[row, place:] = end
    return rows


def transformers_logits(folder: pathlib.Path, images: torch.Tensor):
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
    text = model.config.text_config
    length = min(text.max_position_embeddings, 12)
    if model.config.model_type.startswith("siglip"):
        length = text.max_position_embeddings
    if model.config.model_type in ("altclip", "chinese_clip"):
        length = 4
    end = getattr(text, "eos_token_id", None)
    if end is not None and not 0 <= end < text.vocab_size:
        end = text.vocab_size - 1
    arguments = {"input_ids": ids(text.vocab_size, length, end)}
    if model.config.model_type in ("altclip", "chinese_clip"):
        arguments["attention_mask"] = torch.ones_like(arguments["input_ids"])
    vectors = model.get_text_features(**arguments)
    vectors = getattr(vectors, "pooler_output", vectors)
    if model.config.model_type == "siglip2":
        patch = model.config.vision_config.patch_size
        batch, channels, height, width = images.shape
        grid = (height // patch, width // patch)
        cut = images.reshape(batch, channels, grid[0], patch, grid[1], patch)
        cut = cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, grid[0] * grid[1], -1)
        arguments |= {
            "pixel_values": cut,
            "pixel_attention_mask": torch.ones(cut.shape[:2], dtype=torch.long),
            "spatial_shapes": torch.tensor([grid] * batch),
        }
    else:
        arguments["pixel_values"] = images
    return vectors, model(**arguments).logits_per_image


def open_clip_logits(folder: pathlib.Path, images: torch.Tensor):
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model = model.double().eval()
    rows = ids(model.vocab_size, model.context_length, model.vocab_size - 1)
    logits, _ = model.get_logits(images, rows)
    return model.encode_text(rows), logits


@torch.no_grad()
def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    for name in FOLDERS:
        folder = GOLDENS / name
        index = json.loads((folder.parent / "index.json").read_text())["models"]
        size = next(model["image"] for model in index if model["name"] == folder.name)
        images = torch.from_numpy(np.load(folder / f"golden/{size}-input.npy")).double()
        function = transformers_logits if name.startswith("encoders") else open_clip_logits
        vectors, logits = function(folder, images)
        base = name.replace("/", "-")
        np.save(OUTPUT / f"{base}-vectors.npy", np.ascontiguousarray(vectors.numpy(), "<f4"))
        np.save(OUTPUT / f"{base}-logits.npy", np.ascontiguousarray(logits.numpy(), "<f4"))
        print(name, tuple(vectors.shape), logits[0].numpy().round(4))


main()
