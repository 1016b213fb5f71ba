"""Small modules of timm and transformers with random parameters, none of them zero or one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache for each test."""
    monkeypatch.setenv("VITC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "libraries"


def randomized(module: Any) -> Any:
    """The module in eval mode, every parameter random."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.05 * noise if parameter.ndim > 1 else 0.5 + 0.2 * noise)
    return module.eval()


@pytest.fixture
def vit() -> Any:
    """A Vision Transformer of timm, of its own size."""
    import timm

    return randomized(
        timm.create_model(
            "vit_tiny_patch16_224", img_size=48, embed_dim=48, depth=2, num_heads=3, num_classes=7
        )
    )


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, 48, 48, generator=torch.Generator().manual_seed(5))
