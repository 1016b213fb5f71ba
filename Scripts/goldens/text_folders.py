#!/usr/bin/env python3
"""Tiny folders of two towers with random weights, and what their text towers make of some texts.

Writes Tests/Goldens/text/NAME/ for each of MODELS: the folder as transformers or OpenCLIP writes it
(config.json or open_clip_config.json, weights of both towers), and golden.npz: ids [texts, length]
of int32, features [texts, width] (get_text_features, encode_text: not normalized), tokens [texts,
length, dim] (after the last norm), images [images, width] (random image features) and logits
[images, texts] as the library compares the two. Tests/Goldens/text/index.json lists them.

Texts end in end-of-text at different places; what follows it is padding. The libraries compute in
float64 from the stored weights, promoted. Results are rounded to float32.

Made with torch 2.13.0, transformers 5.23.0, open_clip_torch 3.3.0, numpy 2.4.6, safetensors 0.8.0:
  pip install torch transformers open_clip_torch numpy safetensors
  python text_folders.py             all of MODELS
  python text_folders.py NAME...     these, beside those that are there
"""

import copy
import json
import sys

import numpy
import open_clip
import torch
import transformers
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import load_file, save_file
from tinymodels import GOLDENS, fresh, generator, randomize, write_index
from transformers import *  # the classes by the names in MODELS

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
FOLDER = GOLDENS / "text"
SIZE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
}
# What the image towers are does not matter.
VISION = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24,
    "image_size": 8, "patch_size": 4,
}
F16, F32, BF16 = torch.float16, torch.float32, torch.bfloat16


def whole(config: str, positions: int, text: dict, vision: dict = {}, **arguments):
    """A configuration of transformers with both towers."""
    text = SIZE | {"vocab_size": 40, "max_position_embeddings": positions} | text
    return globals()[config](text_config=text, vision_config=VISION | vision, **arguments)


END = {"bos_token_id": 38, "eos_token_id": 39, "pad_token_id": 1}
# Name: class, its configuration, stored type.
HF = {
    "clip": ("CLIPModel", whole("CLIPConfig", 77, END, projection_dim=24), F32),
    # The largest token is meant by 2.
    "clip-old-gelu": (
        "CLIPModel",
        whole(
            "CLIPConfig", 9, END | {"eos_token_id": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-4},
            projection_dim=20,
        ), F16,
    ),
    # The first 2 is meant.
    "metaclip2": (
        "MetaClip2Model",
        whole(
            "MetaClip2Config", 9, {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1},
            projection_dim=24,
        ), BF16,
    ),
    "siglip": (
        "SiglipModel",
        whole("SiglipConfig", 64, END | {"projection_size": 16, "hidden_size": 32}), F32,
    ),
    "siglip2-naflex": (
        "Siglip2Model",
        whole(
            "Siglip2Config", 9, END | {"projection_size": 16},
            {"num_patches": 4, "image_size": None} | {"hidden_size": 16},
        ), F16,
    ),
    "aimv2": ("Aimv2Model", whole("Aimv2Config", 40, END, projection_dim=24), F32),
    # A scale beyond what it is kept to.
    "aimv2-biases": (
        "Aimv2Model",
        whole(
            "Aimv2Config", 9, END | {"qkv_bias": True, "mlp_bias": True}, projection_dim=24,
            max_logit_scale=2.0,
        ), F16,
    ),
}
OWN = {"image_size": 8, "layers": 1, "width": 16, "patch_size": 4, "head_width": 8}
TEXT = {"context_length": 9, "vocab_size": 40, "width": 32, "heads": 4, "layers": 2}
SIGLIP = {
    "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
    "act_kwargs": {"approximate": "tanh"}, "norm_kwargs": {"eps": 1e-6},
    "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
}
# Name: text_cfg, what else model_cfg has, stored type.
OPEN_CLIP = {
    "open-clip-quick": (TEXT, {"quick_gelu": True}, F32),
    "open-clip-custom": (
        TEXT | {"ls_init_value": 1e-4, "mlp_ratio": 1.5, "pool_type": "eos", "eos_id": 39},
        {"custom_text": True}, F16,
    ),
    "open-clip-siglip": (TEXT | SIGLIP, {"custom_text": True, "init_logit_bias": -10}, F32),
    "open-clip-first": (
        TEXT | {"pool_type": "first", "no_causal_mask": True, "proj_type": "none"},
        {"custom_text": True, "embed_dim": 32}, F16,
    ),
}
MODELS = list(HF) + list(OPEN_CLIP)


def texts(name: str, length: int, vocabulary: int, end: int, padding: int) -> torch.Tensor:
    """Four texts: of one token and its end, of some, of more, and of all places."""
    random = generator(f"texts {name}")
    rows = []
    for place in (1, length // 3, length - 2, length - 1):
        row = torch.randint(3, vocabulary - 2, (length,), generator=random)
        row[place] = end
        row[place + 1:] = padding
        rows.append(row)
    return torch.stack(rows)


def by_cosine(images: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    unit = torch.nn.functional.normalize
    return unit(images, dim=-1) @ unit(features, dim=-1).T


def hf(name: str, folder) -> tuple:
    """Writes a folder of transformers; its ids, features, tokens, images and logits."""
    cls, config, dtype = HF[name]
    config = type(config)(**config.to_dict())
    model = globals()[cls](config)
    randomize(model, f"text {name}")
    model.to(dtype).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    # With SDPA and a mask without padding transformers 5.23 leaves the causal mask of AIMv2 out.
    model = globals()[cls].from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    text = config.text_config
    end = text.vocab_size - 1 if name == "clip-old-gelu" else text.eos_token_id
    # Padding as each tokenizer has it; of CLIP it is end-of-text again.
    padding = end if name.startswith("clip") else text.pad_token_id or 1
    ids = texts(name, text.max_position_embeddings, text.vocab_size, end, padding)
    # With the mask of its tokenizer AIMv2 is causal, without any it is not.
    mask = {"attention_mask": torch.ones_like(ids)} if "aimv2" in name else {}
    with torch.inference_mode():
        result = model.get_text_features(ids, **mask)
        features = result.pooler_output
        images = torch.randn(
            3, features.shape[-1], generator=generator(f"images {name}"), dtype=torch.float64
        )
        # The library's own comparison of these vectors.
        vision = lambda *_, **__: transformers.modeling_outputs.BaseModelOutputWithPooling(
            pooler_output=images
        )
        model.vision_model.forward = vision
        if hasattr(model, "visual_projection"):
            model.visual_projection = torch.nn.Identity()
        pixels = {"pixel_values": torch.zeros(3, 3, 8, 8, dtype=torch.float64)}
        if "naflex" in name:
            pixels = {
                "pixel_values": torch.zeros(3, 4, 48, dtype=torch.float64),
                "pixel_attention_mask": torch.ones(3, 4),
                "spatial_shapes": torch.tensor([[2, 2]] * 3),
            }
        logits = model(input_ids=ids, **pixels, **mask).logits_per_image
    return ids, features, result.last_hidden_state, images, logits


def native(name: str, folder) -> tuple:
    """Writes a folder of OpenCLIP; its ids, features, tokens, images and logits."""
    text, more, dtype = OPEN_CLIP[name]
    config = {"embed_dim": 24} | more | {"vision_cfg": OWN, "text_cfg": text}
    arguments = copy.deepcopy(config)
    cls = CustomTextCLIP if arguments.pop("custom_text", False) else CLIP
    model = cls(**arguments).eval()
    randomize(model, f"text {name}")
    written = {"model_cfg": config, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(written, indent=2) + "\n")
    file = folder / "open_clip_model.safetensors"
    state = {key: value.contiguous() for key, value in model.to(dtype).state_dict().items()}
    save_file(state, file)
    file.chmod(0o644)
    model.load_state_dict({key: value.double() for key, value in load_file(file).items()})
    model = model.double()
    ids = texts(name, text["context_length"], text["vocab_size"], 39, 0)
    captured = {}
    last = model.text.ln_final if hasattr(model, "text") else model.ln_final
    last.register_forward_hook(lambda module, _, result: captured.update(tokens=result))
    with torch.inference_mode():
        features = model.encode_text(ids)
        images = torch.randn(
            3, features.shape[-1], generator=generator(f"images {name}"), dtype=torch.float64
        )
        model.encode_image = lambda *_, **__: torch.nn.functional.normalize(images, dim=-1)
        logits = model.get_logits(None, ids)[0]
    return ids, features, captured["tokens"], images, logits


def make(name: str) -> dict:
    """Writes one model's folder; its entry of the index."""
    folder = fresh(FOLDER / name)
    ids, *results = (hf if name in HF else native)(name, folder)
    names = ("features", "tokens", "images", "logits")
    arrays = {
        key: numpy.ascontiguousarray(value.float().numpy()) for key, value in zip(names, results)
    }
    assert all(numpy.isfinite(array).all() for array in arrays.values())
    numpy.savez(folder / "golden.npz", ids=ids.int().numpy(), **arrays)
    return {"name": name, "length": ids.shape[1], "width": arrays["features"].shape[1]}


def main() -> None:
    versions = {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "open_clip": open_clip.__version__,
    }
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
