#!/usr/bin/env python3
"""Compares a compiled DINOv2 with transformers on real photos; for development.

  python real_checkpoint.py record CHECKPOINT OUT
    runs transformers in float64 on photos that scikit-image ships and writes into OUT:
    NAME.png (the photos), images.npy [n, 3, H, W] (as the checkpoint's preprocessor makes them),
    features.npy [n, D] (the class token after the last norm), tokens.npy [n, T, D]
  python real_checkpoint.py check OUT [--library LIB.so] [--features F.npy] [--tokens T.npy]
    compares: with a library, its outputs for images.npy, and its own preprocessing of the photos;
    with files, what `vitc run LIB.so --input OUT/images.npy --output F.npy` wrote

CHECKPOINT is a Hugging Face folder (config.json, model.safetensors, preprocessor_config.json).
Compile it for the size that its preprocessor crops to (224 for DINOv2) and for both outputs:
  vitc compile CHECKPOINT --image-size 224 --outputs features,tokens -o libdino.so

Exit code 1 where a cosine is below 0.99999 or a preprocessed pixel is off by more than 1/255.

Made with torch 2.13.0, transformers 5.23.0, scikit-image 0.26.0, Pillow 13.0.0, numpy 2.4.6:
  pip install torch transformers scikit-image pooch Pillow numpy
"""

import argparse
import sys
from pathlib import Path

import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from vitlib import CompiledModel

# Photos that lie inside scikit-image's package: nothing is downloaded.
PHOTOS = ["astronaut", "chelsea", "coffee", "rocket", "camera", "text"]
LEAST_COSINE = 0.99999
# Of a pixel in 0...1.
LARGEST_PIXEL_ERROR = 1 / 255


def record(checkpoint: Path, folder: Path) -> None:
    import skimage.data
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    names, photos = [], []
    for name in PHOTOS:
        try:
            pixels = getattr(skimage.data, name)()
        except (OSError, ModuleNotFoundError) as error:
            print(f"{name}: not shipped with this scikit-image ({error})")
            continue
        photo = Image.fromarray(pixels).convert("RGB")
        photo.save(folder / f"{name}.png")
        names.append(name)
        photos.append(photo)
    # Pillow's resize is what vitc promises to match; torchvision's differs in the last bit.
    processor = transformers.AutoImageProcessor.from_pretrained(checkpoint, backend="pil")
    images = processor(photos, return_tensors="np")["pixel_values"].astype(numpy.float32)
    model = transformers.AutoModel.from_pretrained(checkpoint, dtype=torch.float64).eval()
    with torch.inference_mode():
        tokens = model(torch.from_numpy(images).double()).last_hidden_state.numpy()
    numpy.save(folder / "images.npy", images)
    numpy.save(folder / "features.npy", tokens[:, 0].astype(numpy.float32))
    numpy.save(folder / "tokens.npy", tokens.astype(numpy.float32))
    (folder / "names.txt").write_text("\n".join(names) + "\n")
    scale = numpy.stack([numpy.asarray(processor.image_mean), numpy.asarray(processor.image_std)])
    numpy.save(folder / "mean-std.npy", scale)
    print(f"{len(photos)} photos, images {images.shape}, tokens {tokens.shape} in {folder}")


def compare(what: str, names: list, found: numpy.ndarray, golden: numpy.ndarray) -> bool:
    """Prints cosine and error of each photo; whether all are close."""
    if found.shape != golden.shape:
        print(f"{what}: expected shape {golden.shape}, found {found.shape}")
        return False
    fine = True
    for name, y, y64 in zip(names, found.astype(numpy.float64), golden.astype(numpy.float64)):
        rows, rows64 = y.reshape(-1, y.shape[-1]), y64.reshape(-1, y.shape[-1])
        lengths = numpy.linalg.norm(rows, axis=1) * numpy.linalg.norm(rows64, axis=1)
        cosine = ((rows * rows64).sum(1) / lengths).min()  # of the worst token
        error = numpy.abs(y - y64).max() / numpy.sqrt(numpy.mean(y64**2))
        print(f"{what:9} {name:10} cosine {cosine:.9f}, 1 - cosine {1 - cosine:.1e}, "
              f"error / rms {error:.2e}")
        fine = fine and bool(cosine >= LEAST_COSINE)
    return fine


def check(folder: Path, library, files: dict) -> bool:
    images = numpy.load(folder / "images.npy")
    names = (folder / "names.txt").read_text().split()
    fine, compared = True, 0
    found = {name: numpy.load(path) for name, path in files.items() if path}
    if library:
        mean, std = numpy.load(folder / "mean-std.npy")[:, :, None, None]
        with CompiledModel(library) as model:
            found |= model.run(images)
            for name, image in zip(names, images):
                photo = numpy.asarray(Image.open(folder / f"{name}.png").convert("RGB"))
                error = numpy.abs((model.preprocess(photo) - image) * std).max()
                print(f"pixels    {name:10} largest difference {error * 255:.3f} / 255")
                # A rounding of the stored float32 is not a difference.
                fine = fine and bool(error <= LARGEST_PIXEL_ERROR + 1e-6)
    for what in ("features", "tokens"):
        if what in found:
            golden = numpy.load(folder / f"{what}.npy")
            fine = compare(what, names, found[what], golden) and fine
            compared += 1
    if not compared:
        raise SystemExit("nothing to compare: give --library, --features or --tokens")
    return fine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run transformers and write goldens")
    recording.add_argument("checkpoint", type=Path)
    recording.add_argument("out", type=Path)
    checking = commands.add_parser("check", help="compare a compiled model with the goldens")
    checking.add_argument("out", type=Path)
    checking.add_argument("--library", type=Path)
    checking.add_argument("--features", type=Path)
    checking.add_argument("--tokens", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "record":
        return record(arguments.checkpoint, arguments.out)
    files = {"features": arguments.features, "tokens": arguments.tokens}
    if not check(arguments.out, arguments.library, files):
        raise SystemExit("differs by more than is allowed")


if __name__ == "__main__":
    main()
