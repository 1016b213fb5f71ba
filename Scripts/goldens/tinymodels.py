"""What hf_folders.py, timm_folders.py and encoder_folders.py share: random weights, and goldens with their index."""

import json
import shutil
import zlib
from pathlib import Path

import numpy
import torch

GOLDENS = Path(__file__).resolve().parents[2] / "Tests" / "Goldens"
BATCH = 2
# What the names of learned tokens and tables end in.
EMBEDDINGS = (
    "_token", "_tokens", "pos_embed", "position_embeddings", "class_embedding",
    "positional_embedding", "position_embedding", "position_embedding.weight", "probe", "latent",
)


# What the cosines of queries and keys are multiplied by, and the norms that end branches then: with
# scales about 1 PyTorch's own float32 would be off from float64 by 1e-4.
COSINE_SCALES = ("attn.logit_scale", "self.logit_scale")
BRANCH_NORMS = (
    ".norm1.weight", ".norm2.weight", "layernorm_before.weight", "layernorm_after.weight",
)


def generator(name: str) -> torch.Generator:
    """Random numbers that depend on this name alone."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


@torch.no_grad()
def randomize(model: torch.nn.Module, name: str) -> None:
    """Overwrites every parameter, and stored statistics, so that none is zero or one and each
    changes the output.

    Norm scales lie about 1, layer scales about 0.5, biases and tokens have deviation 0.1 and 0.5,
    linear and convolution weights keep the variance of what they read.
    """
    random = generator(name)
    by_cosine = any(path.endswith(COSINE_SCALES) for path, _ in model.named_parameters())
    for path, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=random)
        if path.endswith("bias"):
            values = 0.1 * values
        elif path.endswith(("gamma", "lambda1", "lambda_1", "lambda_2", "gamma_1", "gamma_2")):
            values = 0.5 + 0.2 * values
        elif path.endswith(COSINE_SCALES):
            # Logarithms; one is larger than what they are limited to, 4.6.
            values = 1.5 + 1.2 * values
            if ".0.blocks.0." in path:
                values.view(-1)[0] = 5
        elif by_cosine and path.endswith(BRANCH_NORMS):
            values = 0.3 + 0.06 * values
        elif path.endswith(EMBEDDINGS):
            values = 0.5 * values
        elif parameter.ndim <= 1:
            values = 1 + 0.2 * values
        else:
            values = values * (1.2 / parameter[0].numel() ** 0.5)
        parameter.copy_(values)
    for path, buffer in model.named_buffers():
        if path.endswith("running_mean"):
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=random))
        elif path.endswith("running_var"):
            buffer.copy_(1 + 0.3 * torch.rand(buffer.shape, generator=random))


def input_images(name: str, side: int, width: int | None = None) -> torch.Tensor:
    """float32 [2, 3, side, side] or [2, 3, side, width], normally distributed."""
    size = f"{side}" if width is None else f"{side}x{width}"
    return torch.randn(BATCH, 3, side, width or side, generator=generator(f"{name} {size}"))


def fresh(path: Path) -> Path:
    """An empty folder of this path."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def write_goldens(
    folder: Path, side: int, images: torch.Tensor, outputs: dict, width: int | None = None
) -> list:
    """Writes SIDE-input.npy and SIDE-OUTPUT.npy into folder/golden; the index entries.

    With a width the files begin with SIDExWIDTH.
    """
    (folder / "golden").mkdir(exist_ok=True)
    size = f"{side}" if width is None else f"{side}x{width}"
    numpy.save(folder / "golden" / f"{size}-input.npy", images.float().numpy())
    entries = []
    for output, values in outputs.items():
        assert values.dtype == torch.float64 and torch.isfinite(values).all()
        file = f"golden/{size}-{output}.npy"
        numpy.save(folder / file, values.float().numpy())
        entry = {"file": file, "output": output, "image": side, "shape": list(values.shape)}
        entries.append(entry if width is None else entry | {"width": width})
    return entries


def write_index(folder: Path, versions: dict, models: list) -> None:
    """Writes folder/index.json: one line for each model."""
    lines = ",\n".join(json.dumps(model) for model in models)
    text = f'{{"versions": {json.dumps(versions)},\n"models": [\n{lines}\n]}}\n'
    (folder / "index.json").write_text(text)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{len(models)} models, {total / 1024:.0f} KB in {folder.name}/")
