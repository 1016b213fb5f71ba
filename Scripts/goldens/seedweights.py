"""The tensors of `--weights seed:N`; Docs/SeedWeights.md says what they are and why."""

import numpy as np


def seeded(name, shape, seed):
    """The float32 tensor `name` (timm's name for it) of this shape; "input" is an image batch."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    first = (seed * 0x9E3779B97F4A7C15 + h) % 2**64
    z = np.arange(np.prod(shape, dtype=np.uint64), dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03)
    z += np.uint64(first)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    u = ((z ^ z >> np.uint64(31)) >> np.uint64(40)) * 2.0**-23 - 1.0  # exact, in [-1, 1)
    offset, scale = role(name, shape)
    return (offset + scale * u).astype(np.float32).reshape(shape)


def role(name, shape):
    """The middle and the half width of the interval that the elements are spread over."""
    if name == "input":
        return 0.0, 1.0
    if name.endswith("bias"):
        return 0.0, 0.1
    if name.endswith("gamma"):
        return 0.5, 0.3
    if name.endswith(("_token", "pos_embed")):
        return 0.0, 0.5
    if len(shape) == 1:  # the weight of a norm
        return 1.0, 0.3
    return 0.0, np.sqrt(3.0 / np.prod(shape[1:]))  # variance 1 / fan-in


def fill(model, seed):
    """Overwrites every parameter of a timm model (any dtype) with its seeded values; returns it."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(seeded(name, tuple(parameter.shape), seed)))
    return model
