#!/usr/bin/env python3
"""Tiny OpenCLIP folders with random weights, as the hub has them, and their goldens.

Writes Tests/Goldens/open-clip/NAME/ for each of MODELS: open_clip_config.json, the weights of both
encoders, and golden/: SIZE-input.npy with SIZE-features.npy (encode_image, not normalized) and
SIZE-tokens.npy (all tokens, where they are the last norm's) for the checkpoint's own image size, a
larger and a non-square one (position embeddings resized by OpenCLIP's loader).
Tests/Goldens/open-clip/index.json lists them.

OpenCLIP computes in float64 from the stored weights, promoted; position embeddings are resized in
float32, as its loader does. Results are rounded to float32.

Made with torch 2.13.0, open_clip_torch 3.3.0, numpy 2.4.6, safetensors 0.8.0:
  pip install torch open_clip_torch numpy safetensors
  python open_clip_folders.py             all of MODELS
  python open_clip_folders.py NAME...     these, beside those that are there
"""

import copy
import json
import sys

import open_clip
import torch
from open_clip.model import CLIP, resize_pos_embed
from safetensors.torch import load_file, save_file
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index

FOLDER = GOLDENS / "open-clip"
OWN = {
    "image_size": 16, "layers": 2, "width": 32, "patch_size": 4, "head_width": 8, "mlp_ratio": 1.5,
}
TEXT = {"context_length": 6, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1}
COCA = {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 3}
TOWER = {"timm_model_name": "test_vit", "timm_pool": "token", "timm_proj": "mlp", "image_size": 160}
CLIPA = {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True}
SQUASH = {"resize_mode": "squash", "interpolation": "bilinear", "mean": [0.5] * 3, "std": [0.5] * 3}
# Name: vision_cfg, what else model_cfg has, preprocess_cfg, stored type.
MODELS = {
    "quick": (OWN, {"quick_gelu": True}, {}, torch.float32),
    "scaled-f16": (OWN | {"ls_init_value": 1e-4}, {}, SQUASH, torch.float16),
    "clipa": (OWN | CLIPA, {}, SQUASH, torch.float16),
    # CoCa's: learned queries of another width gather from the tokens.
    "coca": (OWN | COCA, {}, {}, torch.float16),
    "coca-same-width": (OWN | COCA | {"width": 24, "head_width": 6}, {}, {}, torch.float16),
    # A model of timm's with an MLP behind it; its size is its own.
    "tower-mlp": (TOWER, {}, {}, torch.float16),
}


def build(vision: dict, whole: dict, image=None) -> torch.nn.Module:
    """The model of a configuration, for images of another size if one is given."""
    vision = vision | ({"image_size": list(image)} if image else {})
    arguments = copy.deepcopy({"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT} | whole)
    return CLIP(**arguments).eval()


def outputs(model: torch.nn.Module, images: torch.Tensor) -> dict:
    """What encode_image gives, and the tokens that it is made of."""
    captured = {}
    visual = model.visual
    if hasattr(visual, "trunk"):
        last = visual.trunk.norm
    elif visual.final_ln_after_pool or visual.attn_pool is not None:
        last = visual.transformer
    else:
        last = visual.ln_post
    hook = last.register_forward_hook(
        lambda module, _, result: captured.update(tokens=result)
    )
    with torch.inference_mode():
        features = model.encode_image(images.double())
    hook.remove()
    return {"tokens": captured["tokens"], "features": features}


def make(name: str) -> dict:
    """Writes one model's folder; its entry of the index."""
    vision, whole, preprocess, dtype = MODELS[name]
    model = build(vision, whole)
    randomize(model, f"open_clip {name}")
    folder = fresh(FOLDER / name)
    config = {"embed_dim": 24} | whole | {"vision_cfg": vision, "text_cfg": TEXT}
    written = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(written, indent=2) + "\n")
    file = folder / "open_clip_model.safetensors"
    state = {key: value.contiguous() for key, value in model.to(dtype).state_dict().items()}
    save_file(state, file)
    file.chmod(0o644)
    stored = {key: value.float() for key, value in load_file(file).items()}
    side, patch = vision["image_size"], vision.get("patch_size")
    sizes = [(side, None)]
    if patch:
        sizes += [(side + 2 * patch, None), (side - patch, side + patch)]
    entries = []
    for size in sizes:
        image = (size[0], size[1] or size[0])
        model = build(vision, whole, image)
        state = dict(stored)
        if patch:
            resize_pos_embed(state, model)
        model.load_state_dict(state)
        images = input_images(name, *size)
        golden = outputs(model.double(), images)
        entries += write_goldens(folder, size[0], images, golden, size[1])
    return {
        "name": name,
        "dtype": str(dtype).removeprefix("torch."),
        "image": side,
        "goldens": entries,
    }


def main() -> None:
    versions = {"torch": torch.__version__, "open_clip": open_clip.__version__}
    index = FOLDER / "index.json"
    known = {}
    if sys.argv[1:] and index.exists():
        known = {model["name"]: model for model in json.loads(index.read_text())["models"]}
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        known[name] = make(name)
    write_index(FOLDER, versions, [known[name] for name in MODELS if name in known])


if __name__ == "__main__":
    main()
