"""Writes what timm says about each variant: Tests/Goldens/timm_variants.tsv.

Usage: timm_variants.py NAME... > timm_variants.tsv   (names: the first column of the existing file)
"""

import sys

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

timm.layers.set_fused_attn(False)  # the counter sees the two products of attention

print("name params tensors elements_head image mean deviation filter crop mode epsilon act gmacs".replace(" ", "\t"))
for name in sys.argv[1:]:
    with torch.device("meta"):
        model = timm.create_model(name).eval()
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(torch.zeros(1, *model.pretrained_cfg["input_size"]))
    state = model.state_dict()
    config = model.pretrained_cfg
    head = [key for key in state if key.startswith("head")]
    assert tuple(config["input_size"][1:]) == tuple(model.patch_embed.img_size)
    row = [
        name,
        sum(tensor.numel() for tensor in state.values()),
        len(state),
        sum(state[key].numel() for key in head),
        config["input_size"][-1],
        ",".join(str(x) for x in config["mean"]),
        ",".join(str(x) for x in config["std"]),
        config["interpolation"],
        config["crop_pct"],
        config["crop_mode"],
        model.blocks[0].norm1.eps,
        type(model.blocks[0].mlp.act).__name__,
        f"{counter.get_total_flops() / 2e9:.6f}",
    ]
    print("\t".join(str(x) for x in row))
