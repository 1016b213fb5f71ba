#!/usr/bin/env python3
"""Random models: what vitc compiles against PyTorch in float64.

    python3 Scripts/differential.py [--first SEED] [--count N] [--target TARGET] [--seconds S]

A seed draws a Vision Transformer of timm, one with windows or relative positions in 1 of 7 seeds,
whose folder is written and compiled with `seed:` weights (4 of 7 seeds), or a ResNet, a hybrid or a
text tower of transformers with its weights in the folder. Each is run with 1 to 3 threads and images
or texts and compared with the Python library's own model of the same arguments and weights. A
failing seed is printed; `--first SEED --count 1` replays it.

Run `make build` first, or name the program with --vitc. `make test-slow` runs some, if VITC_PEERS
names a Python that has torch, timm, transformers and safetensors.

Made with torch 2.13.0, timm 1.0.31, transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import numpy
import timm
import torch
import transformers
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Scripts"), str(ROOT / "Scripts" / "goldens")]
from seedweights import fill, seeded  # noqa: E402
from tinymodels import randomize  # noqa: E402
from vitlib import CompiledModel  # noqa: E402

# What a seed may draw.
KINDS = ["vit", "windowed", "resnet", "hybrid", "text"]
# The largest error over the root mean square of the truth.
TOLERANCE = 5e-5
# Name: what draw_vit asks of it: "pooled" without a class token, "distilled" with two heads, "gated"
# with an MLP of SiLU alone, "eva" and "naflex" of timm's classes of those names, and what a head's
# width is a multiple of.
ARCHITECTURES = {
    "vit_tiny_patch16_224": {},
    "vit_base_patch16_gap_224": {"pooled"},
    "vit_base_patch16_224_miil": {},
    "vit_medium_patch16_reg4_gap_256": {"pooled"},
    "deit_tiny_patch16_224": {},
    "deit_tiny_distilled_patch16_224": {"distilled"},
    "deit3_small_patch16_224": {},
    "vit_small_patch14_dinov2": {},
    "vit_small_patch14_reg4_dinov2": {},
    "vit_giant_patch14_dinov2": {"gated"},
    "vit_base_patch32_clip_quickgelu_224": {},
    "vit_base_patch32_siglip_gap_256": {"pooled"},
    "vit_so150m_patch16_reg4_gap_256": {"pooled"},
    "vit_base_patch16_siglip_224": {"pooled"},
    "vit_so150m_patch16_reg4_map_256": {"pooled"},
    "vit_intern300m_patch14_448": {},
    "beit3_base_patch16_224": {},
    "aimv2_large_patch14_224": {"pooled", "gated"},
    "vit_small_patch16_18x2_224": {},
    "vit_base_patch16_xp_224": {},
    "vit_base_patch16_rpn_224": {"pooled"},
    "vit_dwee_patch16_reg1_gap_256": {"pooled", 2},
    "vit_dpwee_patch16_reg1_gap_256": {"pooled", 2},
    "vit_small_patch16_dinov3": {"eva", 4},
    "vit_small_plus_patch16_dinov3_qkvb": {"eva", 4},
    "eva02_tiny_patch14_336": {"eva", 4},
    "eva02_base_patch14_448": {"eva", 4},
    "eva02_base_patch16_clip_224": {"eva", 4},
    "eva02_enormous_patch14_clip_224": {"eva"},
    "vit_pe_core_base_patch16_224": {"eva", 4},
    "vit_pe_lang_large_patch14_448": {"eva", 4},
    "vit_base_patch16_rope_ape_224": {"eva", 4},
    "vit_base_patch16_rope_mixed_224": {"eva", 4},
    "vit_large_patch16_sapiens2": {"eva", 4},
    "naflexvit_base_patch16_gap": {"naflex"},
    "naflexvit_base_patch16_par_gap": {"naflex"},
    "naflexvit_base_patch16_parfac_gap": {"naflex"},
    "naflexvit_so150m2_patch16_reg1_map": {"naflex"},
    "naflexvit_base_patch16_siglip": {"naflex"},
    "naflexvit_base_patch16_radio_v3": {"naflex"},
    "naflexvit_huge_patch16_radio_v4": {"naflex"},
}


# What transformers' layers of the hybrids are made with, and some ResNets.
BOTTLENECK = {
    "layer_type": "bottleneck", "global_padding": "same", "embedding_dynamic_padding": True,
}


def draw(seed):
    """(kind, what it takes to make the model) of one seed."""
    r = random.Random(seed)
    kind = r.choice(["vit", "vit", "vit", "windowed", "resnet", "hybrid", "text"])
    draws = {
        "vit": draw_vit, "windowed": draw_windowed, "resnet": draw_resnet, "hybrid": draw_hybrid,
        "text": draw_text,
    }
    return (kind, *draws[kind](r))


def draw_windowed(r):
    """The same for what has windows or relative positions: BEiT, Swin and SAM's encoder."""
    name = r.choice([
        "beit_base_patch16_224", "beitv2_base_patch16_224", "swin_tiny_patch4_window7_224",
        "swin_s3_tiny_224", "swinv2_tiny_window8_256", "swinv2_cr_tiny_ns_224",
        "samvit_base_patch16", "samvit_base_patch16_224",
    ])
    # What is added to the scores of so many tokens is looked up in its table.
    large = r.random() < 0.2
    patch, heads = 2 if large else r.choice([2, 3, 4]), r.randint(1, 3)
    side = lambda: patch * (r.randint(12, 14) if large else r.randint(1, 9))
    arguments = {
        "patch_size": patch, "embed_dim": heads * r.choice([8, 11, 16, 20]),
        "img_size": [side(), side()],
        "mlp_ratio": r.choice([1.0, 2.0, 4.0]), "qkv_bias": r.random() < 0.7,
    }
    if name.startswith("swin"):
        stages = r.randint(1, 3)
        arguments["depths"] = [r.randint(1, 3) for _ in range(stages)]
        arguments["num_heads"] = [heads << stage for stage in range(stages)]
        arguments["window_size"] = 12 if large else r.choice([2, 3, 4, 5, 7])
    else:
        arguments |= {"num_heads": heads, "depth": r.randint(1, 3)}
    if name.startswith("swinv2_tiny") and r.random() < 0.5:
        arguments["pretrained_window_sizes"] = [r.choice([0, 1, 3, 8]) for _ in range(stages)]
    if name.startswith("swinv2_cr"):
        del arguments["qkv_bias"]
        arguments["extra_norm_period"] = r.choice([0, 2])
        if r.random() < 0.5:
            del arguments["window_size"]
            arguments["window_ratio"] = r.choice([1, 2, 3])
    if name.startswith("beit"):
        arguments["use_shared_rel_pos_bias"] = r.random() < 0.3
        arguments["use_abs_pos_emb"] = r.random() < 0.3
        if r.random() < 0.3:
            arguments["global_pool"] = "token"
    if name.startswith("samvit"):
        arguments["window_size"] = 12 if large else r.choice([2, 3, 4, 5])
        arguments["global_attn_indexes"] = [i for i in range(3) if r.random() < 0.4]
        arguments["use_rel_pos"] = r.random() < 0.8
    if name == "samvit_base_patch16":
        arguments["neck_chans"] = r.choice([4, 8, 20])
    return name, arguments, 0 if r.random() < 0.15 else r.randint(1, 45)


def draw_vit(r):
    """Architecture, arguments of timm.create_model, classes."""
    name = r.choice(list(ARCHITECTURES))
    traits = ARCHITECTURES[name]
    multiple = max((trait for trait in traits if isinstance(trait, int)), default=1)
    patch = r.choice([2, 3, 4, 5, 7, 8])
    heads = r.randint(1, 4)
    widths = [4, 5, 7, 8, 11, 16, 20, 32, 33, 64]
    width = r.choice([width for width in widths if width % multiple == 0])
    arguments = {
        "patch_size": patch, "num_heads": heads, "depth": r.randint(1, 3),
        "embed_dim": heads * (max(8, width) if heads == 1 else width),
        "img_size": [patch * r.randint(1, 6), patch * r.randint(1, 6)],
    }
    if r.random() < 0.7:
        arguments["mlp_ratio"] = r.choice([1.0, 1.5, 2.0, 2.5, 4.0])
    if r.random() < 0.3:
        arguments["qkv_bias"] = r.random() < 0.5
    if r.random() < 0.2:
        arguments["init_values"] = 1e-5
    if "eva" in traits:
        draw_eva(r, name, heads, arguments)
    elif "naflex" in traits:
        draw_naflex(r, arguments)
    else:
        if r.random() < 0.2 and "gated" not in traits:  # the gate of its MLP is SiLU
            arguments["act_layer"] = r.choice(["gelu", "gelu_tanh", "quick_gelu", "silu", "relu"])
        if r.random() < 0.15:
            arguments["pre_norm"] = True
    if not {"distilled", "eva", "naflex"}.intersection(traits):
        if r.random() < 0.3:
            arguments["reg_tokens"] = r.randint(0, 3)
        if r.random() < 0.2:
            arguments["no_embed_class"] = r.random() < 0.5
        if r.random() < 0.3:
            arguments["global_pool"] = "avg"
        if r.random() < 0.2:
            arguments["fc_norm"] = r.random() < 0.5
    classes = 0 if r.random() < 0.15 else r.randint(1, 45)
    return name, arguments, classes


def draw_eva(r, name, heads, arguments):
    """What timm's class `Eva` is told besides."""
    if r.random() < 0.3:
        arguments["num_reg_tokens"] = r.randint(0, 3)
    arguments["attn_pool_num_heads"] = heads  # its own 8 divide few of the widths
    if "sapiens" in name:
        arguments["num_kv_heads"] = r.choice([n for n in range(1, heads + 1) if heads % n == 0])
    if "pe_core" not in name:
        if r.random() < 0.3:
            arguments["global_pool"] = r.choice(["avg", "token"])
        if r.random() < 0.2:
            arguments["use_fc_norm"] = r.random() < 0.5


def draw_naflex(r, arguments):
    """What timm's class `NaFlexVit` is told besides."""
    arguments["pos_embed_grid_size"] = [r.randint(1, 6), r.randint(1, 6)]
    if r.random() < 0.3:
        arguments["pos_embed"] = r.choice(["learned", "factorized", "none"])
    if r.random() < 0.3:
        arguments["pos_embed_ar_preserving"] = r.random() < 0.5
    if r.random() < 0.3:
        arguments["embed_proj_type"] = r.choice(["linear", "conv"])
    if r.random() < 0.3:
        arguments["reg_tokens"] = r.randint(0, 3)
    if r.random() < 0.3:
        arguments |= {"class_token": True, "global_pool": r.choice(["token", "avg"])}
    if r.random() < 0.2:
        arguments["act_layer"] = r.choice(["gelu", "gelu_tanh", "quick_gelu", "silu", "relu"])
    if r.random() < 0.2:
        arguments["fc_norm"] = r.random() < 0.5


def draw_backbone(r):
    """Arguments of BitConfig without its form."""
    stages = r.randint(1, 3)
    return {
        "embedding_size": 8 * r.randint(1, 8),
        "hidden_sizes": [8 * r.randint(2, 16) for _ in range(stages)],
        "depths": [r.randint(1, 3) for _ in range(stages)],
        "num_groups": r.choice([1, 2, 4, 8]),
    }


def draw_side(r, backbone, patch=1):
    """An image's extent that leaves a few pixels, or patches of them, behind the last stage."""
    stride = 2 << len(backbone["depths"])
    return stride * patch * r.randint(2, 4) - r.randint(0, stride - 1)


def draw_resnet(r):
    """Arguments of BitConfig, classes, height and width."""
    backbone = draw_backbone(r)
    form = r.choice([{}, {}, BOTTLENECK])
    return backbone | form, r.randint(1, 45), draw_side(r, backbone), draw_side(r, backbone)


def draw_hybrid(r):
    """Arguments of BitConfig, of ViTConfig, patch, classes, side."""
    backbone = draw_backbone(r)
    heads = r.randint(1, 4)
    width = heads * r.choice([8, 11, 16, 20, 32])
    size = {
        "hidden_size": width, "num_hidden_layers": r.randint(1, 3), "num_attention_heads": heads,
        "intermediate_size": int(width * r.choice([1, 1.5, 2, 4])), "qkv_bias": r.random() < 0.7,
        "hidden_act": r.choice(["gelu", "gelu", "gelu_pytorch_tanh", "quick_gelu", "relu"]),
    }
    patch = r.choice([1, 1, 2])
    return backbone | BOTTLENECK, size, patch, r.randint(1, 45), draw_side(r, backbone, patch)


def draw_text(r):
    """Model type, arguments of its text configuration, width of the projection."""
    kind = r.choice(["clip", "metaclip_2", "siglip", "aimv2"])
    heads, width = r.randint(1, 4), r.choice([8, 11, 16, 20, 32])
    text = {
        "hidden_size": heads * width, "num_attention_heads": heads,
        "num_hidden_layers": r.randint(1, 3), "intermediate_size": r.randint(1, 150),
        "max_position_embeddings": r.randint(2, 150), "vocab_size": r.randint(8, 300),
        "bos_token_id": 0, "eos_token_id": 3, "pad_token_id": 1,
    }
    if kind == "aimv2":
        text |= {"qkv_bias": r.random() < 0.5, "mlp_bias": r.random() < 0.5}
    elif r.random() < 0.5:
        text["hidden_act"] = r.choice(["gelu", "gelu_pytorch_tanh", "quick_gelu", "relu"])
    return kind, text, r.randint(1, 45)


def make_vit(seed, folder, name, arguments, classes):
    """Writes a model's folder; images, the truth, what `vitc compile` is told; None where timm does
    not take the numbers."""
    try:
        model = timm.create_model(
            name, num_classes=classes, **arguments | {"img_size": tuple(arguments["img_size"])}
        )
    except AssertionError:
        return None  # such as a gated MLP of odd width
    # timm's model of its own f32 weights, in float64.
    model = fill(model.float(), seed).double().eval()
    images = seeded("input", (3, 3, *arguments["img_size"]), seed)
    with torch.inference_mode():
        truth = model(torch.from_numpy(images).double())
    config = {"architecture": name, "num_classes": classes, "model_args": arguments}
    (folder / "config.json").write_text(json.dumps(config))
    return images, truth, ["--weights", f"seed:{seed}"]


def labelled(config, classes):
    """A configuration of transformers with so many classes."""
    config.id2label = {index: f"class {index}" for index in range(classes)}
    config.label2id = {label: index for index, label in config.id2label.items()}
    return config


def make_resnet(seed, folder, arguments, classes, height, width):
    """As make_vit, with transformers."""
    config = labelled(transformers.BitConfig(**arguments), classes)
    model = transformers.BitForImageClassification(config)
    randomize(model, f"resnet {seed}")
    model.save_pretrained(folder)
    images = seeded("input", (3, 3, height, width), seed)
    with torch.inference_mode():
        truth = model.double().eval()(pixel_values=torch.from_numpy(images).double()).logits
    return images, truth, ["--image-size", f"{height}x{width}"]


def make_hybrid(seed, folder, backbone, size, patch, classes, side):
    """As make_vit; transformers 5 has the parts of a hybrid, which hf_folders.py writes as one."""
    stages = len(backbone["depths"])
    body = transformers.BitBackbone(
        transformers.BitConfig(**backbone, out_features=[f"stage{stages}"])
    )
    grid = -(-side // (2 << stages))  # rounded up by its padding
    config = transformers.ViTConfig(
        image_size=grid, patch_size=patch, num_channels=backbone["hidden_sizes"][-1], **size
    )
    vit = transformers.ViTForImageClassification(labelled(config, classes))
    randomize(body, f"backbone {seed}")
    randomize(vit, f"hybrid {seed}")
    tensors = {}
    for part, prefix in [(body, "vit.embeddings.patch_embeddings.backbone."), (vit, "")]:
        part.eval().save_pretrained(folder)
        tensors |= {
            prefix + key: value for key, value in load_file(folder / "model.safetensors").items()
        }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    written = {
        "architectures": ["ViTHybridForImageClassification"], "model_type": "vit-hybrid",
        "backbone_config": {"model_type": "bit", "out_features": [f"stage{stages}"]} | backbone,
        "id2label": config.id2label, "image_size": side, "patch_size": patch,
    } | size
    (folder / "config.json").write_text(json.dumps(written))
    images = seeded("input", (3, 3, side, side), seed)
    with torch.inference_mode():
        features = body.double()(torch.from_numpy(images).double()).feature_maps[-1]
        truth = vit.double()(pixel_values=features).logits
    return images, truth, []


def make_text(seed, folder, kind, text, width):
    """As make_vit, with transformers; tokens instead of images."""
    prefix = {"clip": "CLIP", "metaclip_2": "MetaClip2", "siglip": "Siglip", "aimv2": "Aimv2"}[kind]
    # What the image tower is does not matter.
    vision = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 24, "image_size": 8, "patch_size": 4,
    }
    projection = {"projection_dim": width}
    if kind == "siglip":
        text, projection = text | {"projection_size": 16}, {}
    config = getattr(transformers, f"{prefix}Config")(
        text_config=text, vision_config=vision, **projection
    )
    cls = getattr(transformers, f"{prefix}Model")
    model = cls(config)
    randomize(model, f"text {seed}")
    model.save_pretrained(folder)
    # With SDPA and a mask without padding transformers 5.23 leaves the causal mask of AIMv2 out.
    model = cls.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    r = random.Random(seed)
    ids = torch.tensor([
        [r.randrange(4, text["vocab_size"]) for _ in range(text["max_position_embeddings"])]
        for _ in range(3)
    ])
    for row in ids:
        row[r.randrange(len(row))] = 3  # end-of-text
    mask = {"attention_mask": torch.ones_like(ids)} if kind == "aimv2" else {}
    with torch.inference_mode():
        truth = model.get_text_features(ids, **mask).pooler_output
    return ids.int().numpy(), truth, ["--tower", "text"]


def check(seed, vitc, target):
    """Compiles and compares one model: the error, a text that says what is wrong, or None where
    there is no model."""
    kind, *arguments = draw(seed)
    makes = {"resnet": make_resnet, "hybrid": make_hybrid, "text": make_text}
    make = makes.get(kind, make_vit)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = make(seed, folder, *arguments)
        if made is None:
            return None
        images, truth, options = made
        truth = truth.numpy()
        library = folder / f"librandom{seed}.so"
        command = [vitc, "compile", folder, "-o", library, "--target", target, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr
        worst = 0.0
        for threads in (1, 2, 3):
            with CompiledModel(library, threads=threads) as compiled:
                for count in (1, 2, 3):
                    found = next(iter(compiled.run(images[:count]).values()))
                    if found.shape != truth[:count].shape:
                        return f"shape {found.shape}, expected {truth[:count].shape}"
                    error = numpy.abs(found - truth[:count]).max()
                    error /= numpy.sqrt((truth[:count] ** 2).mean())
                    # Python's max would drop a NaN; this keeps it, whatever comes after.
                    worst = numpy.maximum(worst, error)
        return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--target", default="host")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--vitc", default=ROOT / ".build/release/vitc")
    options = parser.parse_args()
    if not shutil.which(options.vitc):
        parser.error(f"no {options.vitc}; run 'make build'")
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    start, failures, errors, kinds = time.monotonic(), 0, [], []
    for seed in range(options.first, options.first + options.count):
        if time.monotonic() - start > options.seconds:
            break
        try:
            result = check(seed, options.vitc, options.target)
        except Exception:  # whatever it is, it is of this seed; the others have their turn
            result = traceback.format_exc()
        if result is None:
            continue
        kinds.append(draw(seed)[0])
        if isinstance(result, str) or not result <= TOLERANCE:
            failures += 1
            print(f"seed {seed}: {result}\n  {draw(seed)}\n"
                  f"  again: Scripts/differential.py --first {seed} --count 1", flush=True)
        else:
            errors.append(result)
    if not kinds:
        sys.exit(f"no model ran, of {options.count} seeds from {options.first} on")
    drawn = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS)
    print(
        f"{len(kinds)} random models ({drawn}), {failures} failures, "
        f"largest error {max(errors, default=0):.2g}, median {numpy.median(errors or [0]):.2g}"
    )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
