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
  python timm_folders.py             all of MODELS
  python timm_folders.py NAME...     these, beside those that are there
"""

import json
import sys

import timm
import torch
from safetensors.torch import load_file
from timm.models import save_for_hf
from timm.models import (
    beit, eva, swin_transformer, swin_transformer_v2, swin_transformer_v2_cr, vision_transformer,
    vision_transformer_hybrid,
)
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index

FOLDER = GOLDENS / "timm"
PLAIN = {"embed_dim": 36, "depth": 2, "num_heads": 3, "patch_size": 4, "num_classes": 5}
SMALL = PLAIN | {"mlp_ratio": 2}
NO_HEAD = SMALL | {"num_classes": 0}
HEADLESS = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 7, "num_classes": 0}
DINOV3 = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "mlp_ratio": 1.5}
SHARED = SMALL | {
    "use_rel_pos_bias": False, "use_shared_rel_pos_bias": True, "use_abs_pos_emb": True,
    "global_pool": "token", "init_values": 0.0, "qkv_bias": False,
}
SAM = {
    "embed_dim": 36, "depth": 3, "num_heads": 3, "patch_size": 4, "mlp_ratio": 2,
    "global_attn_indexes": [1],
}
FEW = {"channels": [32] * 4, "layers": [1, 2, 1, 1], "stem_chs": 32, "num_classes": 5}
GROUPS = {"channels": [128] * 2, "layers": [1, 2], "stem_chs": 64, "num_classes": 5}
MOBILECLIP = "vit_base_mci_224"
MCI = {"embed_dim": 32, "depth": 2, "num_heads": 2, "mlp_ratio": 2, "num_classes": 5}
SWIN = {
    "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "mlp_ratio": 2, "patch_size": 4,
    "num_classes": 5,
}
SWIN_V2 = SWIN | {"embed_dim": 32}
NARROW = {"channels": [128] * 4, "stem_chs": 32, "num_classes": 5}
# Defaults of the class, spelled out; two of them are not this architecture's own.
SPELLED = {
    "pos_embed": "learn", "norm_layer": "layernorm", "act_layer": "", "attn_layer": "attn",
    "dynamic_img_pad": False, "proj_bias": True, "qk_norm": False, "embed_norm_layer": None,
}
NAFLEX = SMALL | {"pos_embed_grid_size": (4, 4)}
LABELS = ["a", "b", "c, d", "e", "f"]
# Heads of a multiple of 4: positions turn pairs of columns on two axes.
ROTARY = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "num_classes": 5}
F16 = torch.float16
# Name, architecture, arguments, stored type, own and other image size, a side or height and width.
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
    # Biases of queries and values beside their common weight; the head is a projection.
    ("eva-giant", "eva_giant_patch14_clip_224", SMALL, F16, 16, (12, 24)),
    # Neighbouring columns turn; a gated MLP in one piece; in two, with a norm inside; with another
    # norm inside attention; norms after the branches.
    ("eva02-packed", "eva02_tiny_patch14_336", ROTARY, F16, 16, (12, 24)),
    ("eva02", "eva02_base_patch14_448", ROTARY, F16, 16, (24, 12)),
    ("eva02-token", "eva02_large_patch14_448", ROTARY | {"global_pool": "token"}, F16, 16, 24),
    ("eva02-clip", "eva02_large_patch14_clip_336", ROTARY, F16, 16, (12, 24)),
    ("eva02-enormous", "eva02_enormous_patch14_clip_224", SMALL, F16, 16, (12, 24)),
    ("beit3", "beit3_base_patch16_224", SMALL, F16, 16, (12, 24)),
    # A query of 8 heads attends to all tokens, the class token too; without a class token.
    ("pe-core", "vit_pe_core_base_patch16_224", ROTARY, F16, 16, (12, 24)),
    ("pe-core-gigantic", "vit_pe_core_gigantic_patch14_448", ROTARY, F16, 16, (24, 12)),
    ("pe-spatial", "vit_pe_spatial_base_patch16_512", ROTARY | {"num_classes": 0}, F16, 16, (12, 24)),
    ("pe-lang", "vit_pe_lang_gigantic_patch14_448", ROTARY | {"num_classes": 0}, F16, 16, (24, 12)),
    ("rope", "vit_small_patch16_rope_224", ROTARY, F16, 16, (12, 24)),
    ("rope-ape", "vit_base_patch16_rope_ape_224", ROTARY, F16, 16, (12, 24)),
    # Frequencies of each block and head.
    ("rope-mixed", "vit_base_patch16_rope_mixed_224", ROTARY, F16, 16, (12, 24)),
    ("rope-mixed-ape", "vit_large_patch16_rope_mixed_ape_224", ROTARY, F16, 16, (24, 12)),
    ("rope-registers", "vit_betwixt_patch16_rope_reg4_gap_256", ROTARY, F16, 16, (12, 24)),
    # RMS norms, one after the patches; no biases.
    ("aimv2", "aimv2_huge_patch14_224", NO_HEAD, F16, 16, (12, 24)),
    # Nine registers, no final norm; the corners of a table stay where they are.
    ("radio", "vit_huge_patch16_radio_v4", NO_HEAD, F16, 16, (12, 24)),
    ("radio-corners", "vit_base_patch16_radio_v3", NO_HEAD, F16, 16, (12, 24)),
    # Two of each branch beside each other; attention beside the MLP; with norms of queries and keys.
    ("branches", "vit_small_patch16_18x2_224", SMALL, F16, 16, (12, 24)),
    ("parallel", "vit_pwee_patch16_reg1_gap_256", SMALL, F16, 16, (12, 24)),
    ("parallel-wide", "vit_base_patch16_xp_224", SMALL, F16, 16, (12, 24)),
    ("post-norm", "vit_base_patch16_rpn_224", SMALL, F16, 16, (12, 24)),
    # Heads are differences of two.
    ("difference", "vit_dwee_patch16_reg1_gap_256", SMALL, F16, 16, (12, 24)),
    ("difference-parallel", "vit_dpwee_patch16_reg1_gap_256", SMALL, F16, 16, (12, 24)),
    ("rms", "test_vit4", SMALL, F16, 16, (12, 24)),
    ("map-prefix", "test_vit3", SMALL, F16, 16, (12, 24)),
    # Keys and values of half the heads in the middle.
    (
        "sapiens2", "vit_large_patch16_sapiens2",
        {"embed_dim": 32, "depth": 3, "num_heads": 4, "patch_size": 4, "mlp_ratio": 1.5,
         "num_kv_heads": (4, 2, 4)},
        F16, (16, 12), (12, 20),
    ),
    # Relative positions: resized by timm's way; of all blocks, beside a table, with the class token.
    ("beit", "beit_base_patch16_224", SMALL, torch.float32, 16, (24, 12)),
    ("beit-shared", "beitv2_base_patch16_224", SHARED, torch.float16, 24, 16),
    # Windows that reach beyond the map; convolutions at the end, or a norm alone.
    (
        "sam", "samvit_base_patch16", SAM | {"window_size": 3, "neck_chans": 8, "num_classes": 0},
        torch.float32, 20, (24, 16),
    ),
    (
        "sam-small", "samvit_base_patch16_224", SAM | {"window_size": 2, "num_classes": 5},
        torch.float16, 16, 24,
    ),
    # Windows that are shifted along one axis, along both, not at all; that reach beyond the map.
    (
        "swin", "swin_tiny_patch4_window7_224", SWIN | {"window_size": 5}, torch.float32, 36,
        (36, 60),
    ),
    (
        "swin-stages", "swin_s3_tiny_224",
        SWIN | {"window_size": [3, 4, 2], "depths": [2, 1, 2], "num_heads": [1, 2, 2],
                "num_classes": 0},
        F16, 32, 24,
    ),
    # The cosines of queries and keys; positions made of distances, relative to other windows too.
    ("swinv2", "swinv2_tiny_window8_256", SWIN_V2 | {"window_size": 5}, F16, 36, (36, 60)),
    (
        "swinv2-trained", "swinv2_base_window12to16_192to256",
        SWIN_V2 | {"window_size": [3, 4, 2], "depths": [2, 1, 2], "num_heads": [1, 2, 2],
                "num_classes": 0, "qkv_bias": False, "pretrained_window_sizes": [2, 0, 4]},
        F16, 32, 24,
    ),
    # Windows by the size of the image; norms at the end of stages, of every second block.
    (
        "swinv2-cr", "swinv2_cr_tiny_ns_224", SWIN_V2 | {"window_ratio": 2}, F16, 36,
        (36, 60),
    ),
    (
        "swinv2-cr-period", "swinv2_cr_huge_224",
        SWIN_V2 | {"window_size": 3, "depths": [3, 2], "extra_norm_period": 2, "num_classes": 0},
        F16, 32, 24,
    ),
    # A convolution and a pooling before the patches.
    ("hybrid", "vit_tiny_r_s16_p8_224", SMALL | {"patch_size": 2}, torch.float16, 24, 40),
    ("bit", "resnetv2_50x1_bit", NARROW, torch.float16, 35, 48),
    # Batch norms; units of two convolutions; deep stems and shortcuts of means; group norms without
    # standardized weights.
    ("resnetv2", "resnetv2_50", FEW, F16, 35, (48, 40)),
    ("resnetv2-basic", "resnetv2_18d", FEW, F16, 64, (32, 96)),
    ("resnetv2-tiered", "resnetv2_50t", FEW, F16, 64, (32, 96)),
    ("resnetv2-groups", "resnetv2_50d_gn", GROUPS, F16, 32, (16, 48)),
    # Norms that are the activation too.
    ("resnetv2-evo", "resnetv2_50d_evos", GROUPS, F16, 32, (16, 48)),
    ("resnetv2-response", "resnetv2_50d_frn", FEW, F16, 64, (32, 96)),
    # Patches as rows, positions of a grid of their own: of 2 axes, cropped from a square, of a
    # smaller grid; a learned query; RADIO's.
    ("naflex", "naflexvit_base_patch16_gap", NAFLEX, F16, 16, (12, 24)),
    (
        "naflex-aspect", "naflexvit_base_patch16_par_gap",
        NAFLEX | {"pos_embed_grid_size": (3, 4)}, torch.float32, 20, (12, 24),
    ),
    ("naflex-axes", "naflexvit_base_patch16_parfac_gap", NAFLEX, F16, 16, (24, 12)),
    (
        "naflex-axes-free", "naflexvit_base_patch16_parfac_gap",
        NAFLEX | {"pos_embed_ar_preserving": False, "class_token": True, "global_pool": "token"},
        F16, 16, (12, 24),
    ),
    ("naflex-map", "naflexvit_so150m2_patch16_reg1_map", NAFLEX, F16, 16, (12, 24)),
    (
        "naflex-siglip", "naflexvit_base_patch16_siglip",
        NAFLEX | {"num_classes": 0, "pos_embed_grid_size": (7, 5)}, F16, 16, (12, 24),
    ),
    (
        "naflex-radio", "naflexvit_base_patch16_radio_v3",
        NAFLEX | {"num_classes": 0, "pos_embed_grid_size": (8, 8)}, F16, 16, (12, 24),
    ),
    (
        "naflex-convolution", "naflexvit_huge_patch16_radio_v4",
        NAFLEX | {"pos_embed_grid_size": (5, 5), "embed_proj_type": "conv", "pre_norm": True}, F16,
        16, (24, 12),
    ),
    # Three convolutions with batch norms make the patches.
    ("mobileclip", MOBILECLIP, MCI, F16, 32, (16, 48)),
]


def outputs(model: torch.nn.Module, images: torch.Tensor) -> dict:
    """Final tokens, what feeds the head, and logits where there is a head."""
    with torch.inference_mode():
        tokens = model.forward_features(images.double())
        named = {"tokens": tokens, "features": model.forward_head(tokens, pre_logits=True)}
        if model.num_classes:
            named["logits"] = model.forward_head(tokens)
    if tokens.ndim == 4:  # pixels as rows, channels last
        last = getattr(model, "output_fmt", "NCHW") == "NHWC"
        named["tokens"] = tokens.flatten(1, 2) if last else tokens.flatten(2).transpose(1, 2)
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


def build(architecture, size, arguments) -> torch.nn.Module:
    """timm's model; of MobileCLIP's, whose stem has one width, as timm makes it of another width."""
    if architecture != MOBILECLIP:
        return timm.create_model(architecture, **size, **arguments)
    width = arguments["embed_dim"]
    stem = vision_transformer_hybrid.ConvStem(
        channels=(width // 4, width // 4, width), stride=(4, 2, 2), kernel_size=(4, 2, 2),
        padding=0, act_layer=torch.nn.GELU,
    )
    return vision_transformer_hybrid._create_vision_transformer_hybrid(
        architecture, backbone=stem, embed_args={"proj": False}, no_embed_class=True, **size,
        **arguments,
    )


def make(name, architecture, arguments, dtype, side, other) -> dict:
    """Writes one model's folder; its entry of the index."""
    # ResNets take any size: there is no argument. SAM's encoder takes others than it is made for.
    free = architecture.startswith(("resnet", "naflex"))
    dynamic = architecture.startswith("samvit")
    size = {"pretrained_cfg_overlay": {"input_size": (3, side, side)}}
    model = build(architecture, size if free else {"img_size": side}, arguments)
    randomize(model, f"timm {name}")
    if architecture.startswith("resnet"):
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
        if architecture == MOBILECLIP:
            model = build(architecture, {"img_size": size}, arguments).eval()
        else:
            own = {} if free or dynamic else {"img_size": size}
            model = timm.create_model(f"local-dir:{folder}", **own).eval()
        stored = load_file(folder / "model.safetensors")
        stored = {key: value.float() for key, value in stored.items()}
        # As timm's loader resizes: FlexiViT in its own way.
        translate = vision_transformer.checkpoint_filter_fn
        if isinstance(model, eva.Eva):
            translate = eva.checkpoint_filter_fn
        for module, kind in (
            (beit, "Beit"), (swin_transformer, "SwinTransformer"),
            (swin_transformer_v2, "SwinTransformerV2"),
            (swin_transformer_v2_cr, "SwinTransformerV2Cr"),
        ):
            if isinstance(model, getattr(module, kind)):
                translate = module.checkpoint_filter_fn
        way = {}
        if "flexi" in architecture or "radio" in architecture:
            way = {"interpolation": "bilinear", "antialias": False}
        if "base_patch16_radio_v3" in architecture:
            way["align_corners"] = True
        model.load_state_dict(stored if free or dynamic else translate(stored, model, **way))
        height, width = size if isinstance(size, tuple) else (size, None)
        images = input_images(name, height, width)
        golden = outputs(model.double(), images)
        entries += write_goldens(folder, height, images, golden, width)
    return {
        "name": name,
        "architecture": architecture,
        "dtype": str(dtype).removeprefix("torch."),
        "image": side[0] if isinstance(side, tuple) else side,
        "goldens": entries,
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    index = FOLDER / "index.json"
    known = {}
    if sys.argv[1:] and index.exists():
        known = {model["name"]: model for model in json.loads(index.read_text())["models"]}
    elif not sys.argv[1:]:
        fresh(FOLDER)
    for model in MODELS:
        if model[0] in sys.argv[1:] or not sys.argv[1:]:
            known[model[0]] = make(*model)
    versions = {"torch": torch.__version__, "timm": timm.__version__}
    write_index(FOLDER, versions, [known[model[0]] for model in MODELS if model[0] in known])


if __name__ == "__main__":
    main()
