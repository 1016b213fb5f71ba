"""Writes what timm says about each variant: Tests/Goldens/timm_variants.tsv.

Usage: timm_variants.py NAME... > timm_variants.tsv   (names: the first column of the existing file)

Of the models that only the papers name, timm knows no preprocessing: `-`.
"""

import sys

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

import papermodels

timm.layers.set_fused_attn(False)  # the counter sees the two products of attention

print("name params tensors elements_head image mean deviation filter crop mode epsilon act gmacs".replace(" ", "\t"))
for name in sys.argv[1:]:
    with torch.device("meta"):
        model = papermodels.create(name).eval().requires_grad_(False)
        config = model.pretrained_cfg
        size = (224, 224) if name in papermodels.PAPER else config["input_size"][1:]
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, 3, *size))
    # What networks make of distances is the same for every image.
    positions = sum(
        sum(counts.values()) for module, counts in counter.get_flop_counts().items()
        if module.endswith(("cpb_mlp", "meta_mlp")))
    # Counters of training are none of the model's numbers.
    state = {
        key: value for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    head = [key for key in state if key.startswith("head")]
    if hasattr(model, "blocks"):
        # NaFlex's models take any size.
        assert not hasattr(model, "patch_embed") or tuple(size) == tuple(model.patch_embed.img_size)
        block = model.blocks[0]
        if hasattr(block, "attns"):
            epsilon, act = block.attns[0].norm.eps, block.ffns[0].mlp.act
        elif hasattr(block, "in_norm"):
            epsilon, act = block.in_norm.eps, block.mlp_act
        else:
            epsilon, act = block.norm1.eps, block.mlp.act
    elif hasattr(model, "layers"):
        epsilon, act = model.norm.eps, model.layers[0].blocks[0].mlp.act
    elif hasattr(model, "patch_embed"):
        epsilon, act = model.patch_embed.norm.eps, model.stages[0].blocks[0].mlp.act
    else:
        # Norms that are the activation too have none of their own.
        epsilon, act = model.norm.eps, getattr(model.norm, "act", model.norm)
    known = [
        ",".join(str(x) for x in config["mean"]),
        ",".join(str(x) for x in config["std"]),
        config["interpolation"],
        config["crop_pct"],
        config["crop_mode"],
    ]
    row = [
        name,
        sum(tensor.numel() for tensor in state.values()),
        len(state),
        sum(state[key].numel() for key in head),
        size[0] if size[0] == size[1] else f"{size[0]}x{size[1]}",
        *(["-"] * len(known) if name in papermodels.PAPER else known),
        epsilon,
        type(act).__name__,
        f"{(counter.get_total_flops() - positions) / 2e9:.6f}",
    ]
    print("\t".join(str(x) for x in row))
