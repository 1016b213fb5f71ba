#!/usr/bin/env python3
"""Trains the small Vision Transformer of this folder on scikit-learn's handwritten digits.

Writes, beside itself:
  model/                config.json and model.safetensors, in timm's hub format
  test-images.npy       uint8 [360, 32, 32], the test split as the model sees it (grey)
  test-labels.npy       uint8 [360], the true digits
  test-logits.npy       float32 [360, 10], PyTorch's logits, computed in float64
  split.json            which of scikit-learn's 1797 samples are in which split, seeds, versions
  images/               some test images as PNG and JPEG
  expected.json         PyTorch's answer for each of them

Made with Python 3.11, torch 2.13.0, timm 1.0.31, scikit-learn 1.9.1, numpy 2.4.6, Pillow 13.0.0,
safetensors 0.8.0:
  pip install torch timm scikit-learn numpy Pillow safetensors
  python train.py            trains (5 minutes on two busy cores) and writes everything
  python train.py --check    reads what is written, measures the accuracy again, writes nothing

Two runs on one machine write the same bytes; another CPU or torch version rounds differently and so
ends at other weights of about the same accuracy.
"""

import argparse
import json
import platform
from pathlib import Path

import numpy
import PIL
import sklearn
import timm
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from timm.data import create_transform, resolve_data_config
from timm.models import save_for_hf
from torch.nn import functional

HERE = Path(__file__).resolve().parent
SEED = 20240
SIZE = 32  # pixels a side, the 8 x 8 originals upscaled
LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# The architecture's name says the family (class token, GELU, layer norm with epsilon 1e-6); the
# arguments say all sizes, as in timm's own checkpoints of models without a name.
ARCHITECTURE = "vit_tiny_patch16_224"
MODEL_ARGS = {
    "img_size": SIZE,
    "patch_size": 4,
    "embed_dim": 64,
    "depth": 3,
    "num_heads": 4,
    "num_classes": 10,
    "class_token": True,
    "global_pool": "token",
}
PREPROCESSING = {
    "input_size": [3, SIZE, SIZE],
    "fixed_input_size": True,
    "interpolation": "bicubic",
    "crop_pct": 1.0,
    "crop_mode": "center",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
}
EPOCHS = 80
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
AVERAGING = 0.995  # of the weights' exponential moving average, which is what is kept


def upscaled(sample: numpy.ndarray) -> numpy.ndarray:
    """One 8 x 8 sample of values 0...16 as a 32 x 32 grey image of values 0...255."""
    grey = Image.fromarray(numpy.round(sample * (255 / 16)).astype(numpy.uint8))
    return numpy.asarray(grey.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def load_split():
    """All images, all labels, and the sample numbers of the train and the test split."""
    digits = load_digits()
    images = numpy.stack([upscaled(sample) for sample in digits.images])
    labels = digits.target.astype(numpy.uint8)
    train, test = train_test_split(
        numpy.arange(len(labels)), test_size=360, random_state=SEED, stratify=labels
    )
    return images, labels, numpy.sort(train), numpy.sort(test)


def normalized(images: numpy.ndarray, dtype=torch.float32) -> torch.Tensor:
    """Grey images [n, 32, 32] of 0...255 as the model's input [n, 3, 32, 32] of -1...1."""
    values = torch.from_numpy(images.copy()).to(dtype) / 255
    return ((values - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1).contiguous()


def augmented(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The batch, each image rotated, scaled, sheared and moved a little; black outside."""

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(len(batch), generator=generator) * 2 - 1) * limit

    angle, shear, scale = uniform(0.22), uniform(0.15), 1 + uniform(0.12)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [
        torch.stack([cosine, shear - sine, uniform(0.16)], 1),
        torch.stack([sine, cosine, uniform(0.16)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(batch.shape), align_corners=False)
    moved = functional.grid_sample(batch + 1, grid, align_corners=False) - 1
    return moved + 0.05 * torch.randn(moved.shape, generator=generator)


def train(images: numpy.ndarray, labels: numpy.ndarray) -> torch.nn.Module:
    """A model trained on these images: AdamW, one warm-up epoch, cosine decay, averaged weights."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model = timm.create_model(ARCHITECTURE, **MODEL_ARGS)
    averaged = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    inputs, targets = normalized(images), torch.from_numpy(labels.astype(numpy.int64))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98)
    )
    per_epoch = len(inputs) // BATCH
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=per_epoch),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, (EPOCHS - 1) * per_epoch),
        ],
        milestones=[per_epoch],
    )
    for epoch in range(EPOCHS):
        order = torch.randperm(len(inputs), generator=generator)
        total = 0.0
        for step in range(per_epoch):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            logits = model(augmented(inputs[chosen], generator))
            loss = functional.cross_entropy(logits, targets[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            with torch.no_grad():
                for name, tensor in model.state_dict().items():
                    averaged[name].lerp_(tensor, 1 - AVERAGING)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3}: loss {total / per_epoch:.4f}", flush=True)
    model.load_state_dict(averaged)
    return model.eval()


@torch.inference_mode()
def logits64(model: torch.nn.Module, images: numpy.ndarray) -> numpy.ndarray:
    """The model's logits for grey images [n, 32, 32], in float64 throughout."""
    return model.double()(normalized(images, torch.float64)).numpy()


def write_images(model: torch.nn.Module, images, labels, test, logits) -> None:
    """One image of each digit, the hardest two, and two JPEG files that need a resize."""
    folder = HERE / "images"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    ranked = numpy.sort(logits, axis=1)
    margin = ranked[:, -1] - ranked[:, -2]
    correct = logits.argmax(1) == labels[test]
    typical = [
        next(i for i in range(len(test)) if labels[test[i]] == digit and correct[i])
        for digit in range(10)
    ]
    hard = [int(i) for i in numpy.argsort(margin) if correct[i]][:2]
    for i in sorted(set(typical + hard)):
        name = f"digit-{labels[test[i]]}-{test[i]:04}.png"
        Image.fromarray(images[test[i]]).save(folder / name, optimize=True)
    for i, width, suffix in [(typical[5], 240, "large"), (typical[8], 320, "wide")]:
        large = Image.fromarray(images[test[i]]).resize((240, 240), Image.Resampling.BICUBIC)
        canvas = Image.new("RGB", (width, 240))
        canvas.paste(large, ((width - 240) // 2, 0))
        name = f"digit-{labels[test[i]]}-{test[i]:04}-{suffix}.jpg"
        canvas.save(folder / name, quality=92, subsampling=0)
    transform = create_transform(**resolve_data_config(PREPROCESSING, model=model))
    expected = {}
    for path in sorted(folder.iterdir()):
        pixels = transform(Image.open(path).convert("RGB")).double()
        with torch.inference_mode():
            probabilities = model.double()(pixels[None]).softmax(1)[0]
        best = int(probabilities.argmax())
        expected[path.name] = {
            "label": LABELS[best],
            "probability": round(float(probabilities[best]), 5),
        }
        print(f"{path.name:26} {LABELS[best]:6} {float(probabilities[best]):.4f}")
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def check() -> None:
    """Loads the written model as timm does from the hub and measures it on the written split."""
    model = timm.create_model(f"local-dir:{HERE / 'model'}", pretrained=True).eval()
    images, labels = (numpy.load(HERE / f"test-{name}.npy") for name in ("images", "labels"))
    stored = numpy.load(HERE / "test-logits.npy")
    logits = logits64(model, images)
    count = int((logits.argmax(1) == labels).sum())
    print(f"{count} of {len(labels)} right, {100 * count / len(labels):.2f} %")
    print(f"largest difference from the stored logits {numpy.abs(logits - stored).max():.2e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="measure what is written; write nothing"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(2)  # the split of sums, and so the result's bits, depends on it
    torch.use_deterministic_algorithms(True)
    if arguments.check:
        return check()
    images, labels, train_split, test_split = load_split()
    model = train(images[train_split], labels[train_split])
    config = {
        "num_classes": 10,
        "num_features": MODEL_ARGS["embed_dim"],
        "global_pool": MODEL_ARGS["global_pool"],
        "label_names": LABELS,
    }
    model.pretrained_cfg = {
        "tag": "digits",
        **PREPROCESSING,
        "num_classes": 10,
        "first_conv": "patch_embed.proj",
        "classifier": "head",
        "license": "apache-2.0",
        "custom_load": False,
        "architecture": ARCHITECTURE,
    }
    save_for_hf(
        model, str(HERE / "model"), model_config=config, model_args=MODEL_ARGS,
        safe_serialization=True,
    )
    logits = logits64(model, images[test_split])
    numpy.save(HERE / "test-images.npy", images[test_split])
    numpy.save(HERE / "test-labels.npy", labels[test_split])
    numpy.save(HERE / "test-logits.npy", logits.astype(numpy.float32))
    right = int((logits.argmax(1) == labels[test_split]).sum())
    record = {
        "seed": SEED,
        "right": right,
        "tested": len(test_split),
        "accuracy": round(right / len(test_split), 5),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "timm": timm.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
            "Pillow": PIL.__version__,
        },
        "train": train_split.tolist(),
        "test": test_split.tolist(),
    }
    (HERE / "split.json").write_text(json.dumps(record) + "\n")
    write_images(model, images, labels, test_split, logits)
    check()


if __name__ == "__main__":
    main()
