"""Models of the papers that timm has the parts of, but no name for."""

import timm
from timm.models.resnetv2 import _create_resnetv2_bit
from timm.models.vision_transformer_hybrid import _create_vision_transformer_hybrid, _resnetv2

BASE = {"embed_dim": 768, "depth": 12, "num_heads": 12}
LARGE = {"embed_dim": 1024, "depth": 24, "num_heads": 16}
R50, R101, R152, R200 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3), (3, 24, 36, 3)


def bit(depths: tuple, width: int):
    """A ResNet of Big Transfer; the name only chooses a default configuration."""
    return _create_resnetv2_bit("resnetv2_50x1_bit", layers=depths, width_factor=width)


def hybrid(depths: tuple, size: dict):
    """A Vision Transformer after a ResNet; the name only chooses a default configuration."""
    return _create_vision_transformer_hybrid(
        "vit_large_r50_s32_224", backbone=_resnetv2(depths), **size
    )


PAPER = {
    "R50x2": lambda: bit(R50, 2),
    "R50x3": lambda: bit(R50, 3),
    "R101x1": lambda: bit(R101, 1),
    "R101x3": lambda: bit(R101, 3),
    "R152x1": lambda: bit(R152, 1),
    "R152x4": lambda: bit(R152, 4),
    "R200x3": lambda: bit(R200, 3),
    "R50+ViT-B/32": lambda: hybrid(R50, BASE),
    "R50+ViT-L/16": lambda: hybrid((3, 4, 9), LARGE),
}


def create(name: str):
    """The model of this name: the papers' or timm's."""
    return PAPER[name]() if name in PAPER else timm.create_model(name)
