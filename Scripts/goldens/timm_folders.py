#!/usr/bin/env python3
"""Tiny timm checkpoints with random weights in timm's hub format, and their goldens.

Writes Tests/Goldens/timm/NAME/ for each of MODELS: config.json (the architecture's name implies
what `model_args` does not say), model.safetensors, and golden/: SIDE-input.npy with SIDE-logits.npy
(models with classes), SIDE-features.npy (what feeds the head) and SIDE-tokens.npy (all tokens after
the last norm) for the checkpoint's own image size and a changed one (position embeddings resized by
timm's loader). Tests/Goldens/timm/index.json lists them.

timm computes in float64 from the stored weights, promoted; position embeddings are resized in
float32, as timm always does. Results are rounded to float32.

Made with torch 2.13.0, timm 1.0.31, numpy 2.4.6, safetensors 0.8.0:
  pip install torch timm numpy safetensors
  python timm_folders.py
"""

import timm
import torch
from safetensors.torch import load_file
from timm.models import save_for_hf
from timm.models import eva, vision_transformer
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index

FOLDER = GOLDENS / "timm"
PLAIN = {"embed_dim": 36, "depth": 2, "num_heads": 3, "patch_size": 4, "num_classes": 5}
SMALL = PLAIN | {"mlp_ratio": 2}
NO_HEAD = SMALL | {"num_classes": 0}
HEADLESS = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 7, "num_classes": 0}
DINOV3 = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "mlp_ratio": 1.5}
NARROW = {"channels": [128] * 4, "stem_chs": 32, "num_classes": 5}
# Defaults of the class, spelled out; two of them are not this architecture's own.
SPELLED = {
    "pos_embed": "learn", "norm_layer": "layernorm", "act_layer": "", "attn_layer": "attn",
    "dynamic_img_pad": False, "proj_bias": True, "qk_norm": False, "embed_norm_layer": None,
}
LABELS = ["a", "b", "c, d", "e", "f"]
# Name, architecture, arguments, stored type, own and other image size.
MODELS = [
    ("token", "vit_tiny_patch16_224", PLAIN, torch.float32, 16, 24),
    ("token-f16", "vit_base_patch32_384", SMALL, torch.float16, 24, 16),
    ("headless-bf16", "vit_small_patch8_224", NO_HEAD, torch.bfloat16, 16, 20),
    # The mean of the patch tokens, with `fc_norm` in place of `norm`; the class token stays.
    ("token-avg", "vit_tiny_patch16_224", SMALL | {"global_pool": "avg"}, torch.float32, 16, 24),
    # No class token, mean after `norm`.
    ("gap", "vit_base_patch16_gap_224", SMALL, torch.float32, 16, 24),
    # Four registers, no class token, `fc_norm`, LayerScale.
    ("registers-gap", "vit_medium_patch16_reg4_gap_256", SMALL, torch.float32, 24, 16),
    ("no-qkv-bias", "vit_base_patch16_224_miil", SMALL, torch.float32, 16, 24),
    ("deit", "deit_tiny_patch16_224", SMALL, torch.float32, 16, 24),
    ("deit-distilled", "deit_tiny_distilled_patch16_224", SMALL, torch.float32, 16, 24),
    ("deit3", "deit3_small_patch16_224", SMALL, torch.float32, 16, 24),
    ("dinov2", "vit_small_patch14_dinov2", HEADLESS, torch.float32, 35, 28),
    ("dinov2-registers", "vit_small_patch14_reg4_dinov2", HEADLESS, torch.float16, 28, 42),
    ("dinov2-swiglu", "vit_giant_patch14_dinov2", HEADLESS, torch.float32, 28, 42),
    # A norm before the first block, no bias in the patch embedding, epsilon 1e-5; quick GELU.
    ("clip-quick", "vit_base_patch32_clip_quickgelu_224", SMALL, torch.float16, 16, 24),
    ("clip-spelled", "vit_base_patch32_clip_quickgelu_224", SMALL | SPELLED, torch.float16, 16, 24),
    # Tanh GELU, no class token, mean after `norm`, no head.
    ("siglip", "vit_base_patch32_siglip_gap_256", NO_HEAD, torch.float16, 16, 20),
    # A learned query attends to the patches; registers have positions, and are not asked.
    ("siglip-map", "vit_base_patch16_siglip_224", NO_HEAD, torch.float16, 16, 24),
    ("registers-map", "vit_so150m_patch16_reg4_map_256", SMALL, torch.float16, 16, 24),
    # Registers that have positions, no class token, mean after `norm`.
    ("so150m", "vit_so150m_patch16_reg4_gap_256", SMALL, torch.float16, 16, 24),
    # No final norm, LayerScale.
    ("intern", "vit_intern300m_patch14_448", NO_HEAD, torch.float16, 16, 24),
    # Position embeddings resized bilinearly.
    ("flexivit", "flexivit_small", SMALL, torch.float16, 16, 24),
    # Rotary positions, registers; without biases of q, k and v, with them, with a gated MLP.
    ("dinov3", "vit_base_patch16_dinov3", DINOV3, torch.float16, 16, 24),
    ("dinov3-bias", "vit_tiny_patch16_dinov3_qkvb", DINOV3, torch.float16, 24, 16),
    (
        "dinov3-gated", "vit_huge_plus_patch16_dinov3_qkvb",
        DINOV3 | {"global_pool": "token"}, torch.float16, 16, 24,
    ),
    ("lingbot", "vit_giant_patch16_lingbot", DINOV3, torch.float16, 16, 20),
    # A convolution and a pooling before the patches.
    ("hybrid", "vit_tiny_r_s16_p8_224", SMALL | {"patch_size": 2}, torch.float16, 24, 40),
    ("bit", "resnetv2_50x1_bit", NARROW, torch.float16, 35, 48),
]


def outputs(model: torch.nn.Module, images: torch.Tensor) -> dict:
    """Final tokens, what feeds the head, and logits where there is a head."""
    with torch.inference_mode():
        tokens = model.forward_features(images.double())
        named = {"tokens": tokens, "features": model.forward_head(tokens, pre_logits=True)}
        if model.num_classes:
            named["logits"] = model.forward_head(tokens)
    if tokens.ndim == 4:  # pixels as rows, channels last
        named["tokens"] = tokens.flatten(2).transpose(1, 2)
    return named


@torch.no_grad()
def steady(model: torch.nn.Module) -> None:
    """Moves the biases of group norms to about 1, so that most pixels pass the ReLUs.

    Groups of one channel, sixteen units deep, otherwise cancel most of each mean: float32 in timm
    itself is then off from float64 by 3e-4 (relative to the root mean square), with this by 5e-6.
    """
    for path, parameter in model.named_parameters():
        if "norm" in path and path.endswith("bias"):
            parameter += 1


def make(name, architecture, arguments, dtype, side, other) -> dict:
    """Writes one model's folder; its entry of the index."""
    # ResNets take any size: there is no argument.
    free = architecture.startswith("resnet")
    size = {"pretrained_cfg_overlay": {"input_size": (3, side, side)}}
    model = timm.create_model(
        architecture, **(size if free else {"img_size": side}), **arguments
    )
    randomize(model, f"timm {name}")
    if free:
        steady(model)
    folder = fresh(FOLDER / name)
    labels = {"label_names": LABELS} if model.num_classes else {}
    save_for_hf(
        model.to(dtype), str(folder), model_config=labels, safe_serialization=True,
        model_args=arguments if free else {"img_size": side, **arguments},
    )
    (folder / "model.safetensors").chmod(0o644)
    entries = []
    for size in (side, other):
        own = {} if free else {"img_size": size}
        model = timm.create_model(f"local-dir:{folder}", **own).eval()
        stored = load_file(folder / "model.safetensors")
        stored = {key: value.float() for key, value in stored.items()}
        # As timm's loader resizes: FlexiViT in its own way.
        translate = vision_transformer.checkpoint_filter_fn
        if isinstance(model, eva.Eva):
            translate = eva.checkpoint_filter_fn
        way = {"interpolation": "bilinear", "antialias": False} if "flexi" in architecture else {}
        model.load_state_dict(stored if free else translate(stored, model, **way))
        images = input_images(name, size)
        entries += write_goldens(folder, size, images, outputs(model.double(), images))
    return {
        "name": name,
        "architecture": architecture,
        "dtype": str(dtype).removeprefix("torch."),
        "image": side,
        "goldens": entries,
    }


def main() -> None:
    fresh(FOLDER)
    versions = {"torch": torch.__version__, "timm": timm.__version__}
    write_index(FOLDER, versions, [make(*model) for model in MODELS])


if __name__ == "__main__":
    main()
