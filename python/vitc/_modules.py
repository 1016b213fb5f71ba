"""Modules of timm and transformers: saved as their libraries save them, and compared."""

from __future__ import annotations

import copy
import hashlib
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from .errors import CompileError, CompileWarning

# The relative L2 errors that are taken for rounding, for an image of noise: a wrong model has about 1.
LIMITS = {"f32": 2e-3, "bf16": 0.15, "int8": 0.5}


class Saved:
    """A module in a folder, which the caller removes."""

    folder: str
    """The folder, as the module's library writes it."""
    image_size: tuple[int, int] | None
    """The size of images that the module itself was made for; None: what the folder says."""
    title: str
    """What the model is called."""

    def __init__(self, module: Any, processor: Any = None) -> None:
        """Raises TypeError for what is no module of timm or transformers."""
        self.image_size = None
        save = _saver(module, processor)
        self.folder = tempfile.mkdtemp(prefix="vitc-")
        try:
            self.title = save(self)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def digest(self) -> bytes:
        """SHA-256 of the folder's files and names."""
        total = hashlib.sha256()
        for file in sorted(Path(self.folder).iterdir()):
            total.update(file.name.encode() + b"\0")
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        return total.digest()


def _saver(module: Any, processor: Any) -> Any:
    is_module = hasattr(module, "state_dict") and hasattr(module, "eval")
    if is_module and isinstance(getattr(module, "pretrained_cfg", None), dict):
        if processor is not None:
            raise TypeError("modules of timm say themselves how pictures are preprocessed")
        return lambda saved: _save_timm(saved, module)
    if is_module and hasattr(module, "save_pretrained") and hasattr(module, "config"):
        return lambda saved: _save_transformers(saved, module, processor)
    raise TypeError(
        f"found {type(module).__module__}.{type(module).__qualname__}, expected a module of timm or "
        "transformers, a folder, or the name of a variant"
    )


def _save_timm(saved: Saved, module: Any) -> str:
    import timm.models

    timm.models.save_for_hf(module, saved.folder, safe_serialization=True)
    size = getattr(getattr(module, "patch_embed", None), "img_size", None)
    if size is not None:
        saved.image_size = (int(size[0]), int(size[1]))
    return str(module.pretrained_cfg.get("architecture") or "model")


def _save_transformers(saved: Saved, module: Any, processor: Any) -> str:
    module.save_pretrained(saved.folder, safe_serialization=True)
    if processor is not None:
        processor.save_pretrained(saved.folder)
    return str(getattr(module.config, "model_type", "") or "model")


def compare(module: Any, compiled: Any, precision: str) -> None:
    """Runs an image of noise through both.

    Raises CompileError if an output differs by more than rounding does; warns where none can be
    compared.
    """
    import torch

    shape = compiled.info.input.shape
    image = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    expected = outputs_of(module, image)
    compared = False
    for name, found in compiled(image).items():
        wanted = [value for value in expected.get(name, ()) if value.shape == found.shape]
        if not wanted:
            continue
        compared = True
        error = min(difference(found, value) for value in wanted)
        if not error <= LIMITS[precision]:
            raise CompileError(
                f"the library computes something else than the module: output '{name}' differs by "
                f"{error:.2g} relative to its norm, expected at most {LIMITS[precision]:g}; the "
                "module has what its configuration does not say, such as arguments of its "
                "construction"
            )
    if not compared:
        warnings.warn(
            "no output of the library could be compared with the module's", CompileWarning,
            stacklevel=3,
        )


def difference(found: Any, wanted: Any) -> float:
    """The relative L2 error: ||found - wanted|| / ||wanted||."""
    return float((found - wanted).norm() / wanted.norm().clamp_min(1e-30))


def outputs_of(module: Any, images: Any) -> dict[str, list[Any]]:
    """The module's outputs in float32 under vitc's names, as in eval mode; several where it depends
    on the class which one ``features`` is."""
    import torch

    tensors = [*module.parameters(), *module.buffers()]
    if any(t.device.type != "cpu" or t.dtype in (torch.float16, torch.bfloat16) for t in tensors):
        module = copy.deepcopy(module).cpu().float()
    was_training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.inference_mode():
            found = _timm(module, images) if hasattr(module, "forward_head") else _hf(module, images)
    finally:
        for part in was_training:
            part.training = True
    return {
        name: [value.float() for value in values if isinstance(value, torch.Tensor)]
        for name, values in found.items()
    }


def _timm(module: Any, images: Any) -> dict[str, list[Any]]:
    tokens = module.forward_features(images)
    features = module.forward_head(tokens, pre_logits=True)
    result = module(images)
    has_head = getattr(module, "num_classes", 0) > 0
    return {"tokens": [tokens], "features": [features, result][: 1 if has_head else 2]} | (
        {"logits": [result]} if has_head else {}
    )


def _hf(module: Any, images: Any) -> dict[str, list[Any]]:
    if hasattr(module, "get_image_features"):
        result = module.get_image_features(pixel_values=images)
        return {"features": [result, getattr(result, "pooler_output", None)]}
    result = module(pixel_values=images)
    pooler = getattr(result, "pooler_output", None)
    features = [getattr(result, "image_embeds", None), pooler]
    tokens = getattr(result, "last_hidden_state", None)
    if tokens is not None:
        features += [tokens[:, 0], tokens.mean(1)]
    return {
        "logits": [getattr(result, "logits", None)],
        "features": features,
        "pooler": [pooler],
        "tokens": [tokens],
    }
