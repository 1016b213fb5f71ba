#!/usr/bin/env python3
"""Writes one model for every runtime: export.py NAME SIZE logits|features|tokens BATCH FOLDER

FOLDER/model.safetensors    the weights, under timm's names
FOLDER/bBATCH/input.npy     images of `seedweights`, float32
FOLDER/bBATCH/golden.npy    the output of PyTorch in float64
FOLDER/bBATCH/model.onnx    for ONNX Runtime
FOLDER/bBATCH/model.xml     for OpenVINO, float32

What is there already is kept. The weights are those of vitc's `--weights seed:1`: a fresh model's
would be nearly zero in places, and then a wrong kernel could go unnoticed.
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Scripts" / "goldens"))
SEED = 1


class Tokens:
    """Wraps a timm model so that it returns all tokens after the last norm."""

    def __new__(cls, model):
        import torch

        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, images):
                return self.model.forward_features(images)

        return Module().eval()


def build(name, size, output, weights=None):
    """The model in float32 with weights from a safetensors file, or seeded ones."""
    import papermodels
    import timm
    from safetensors.torch import load_file
    from seedweights import fill

    # ResNets take images of any size; the papers' other models are made for 224.
    sizes = {} if name.startswith("resnetv2") else {"img_size": size}
    paper = name in papermodels.PAPER
    model = (papermodels.create(name) if paper else timm.create_model(name, **sizes)).eval()
    if weights is None:
        fill(model, SEED)
    else:
        model.load_state_dict(load_file(weights))
    return Tokens(model) if output == "tokens" else model


def main() -> None:
    warnings.simplefilter("ignore")
    name, size, output, batch, folder = sys.argv[1:]
    folder = Path(folder)
    place = folder / f"b{batch}"
    weights, images = folder / "model.safetensors", place / "input.npy"
    files = [weights, images, place / "model.onnx", place / "model.xml", place / "golden.npy"]
    if all(file.exists() for file in files):
        return
    import numpy
    import openvino
    import torch
    from safetensors.torch import save_file
    from seedweights import seeded

    place.mkdir(parents=True, exist_ok=True)
    model = build(name, int(size), output, weights if weights.exists() else None)
    bare = model.model if output == "tokens" else model
    if not weights.exists():
        save_file({k: v.contiguous() for k, v in bare.state_dict().items()}, weights)
    pixels = seeded("input", (int(batch), 3, int(size), int(size)), SEED)
    numpy.save(images, pixels)
    pixels = torch.from_numpy(pixels)
    with torch.inference_mode():
        torch.onnx.export(
            model, (pixels,), str(place / "model.onnx"), dynamo=True, verbose=False
        )
        converted = openvino.convert_model(model, example_input=pixels)
        converted.reshape(list(pixels.shape))
        openvino.save_model(converted, place / "model.xml", compress_to_fp16=False)
        golden = model.double()(pixels.double()).numpy()
    numpy.save(place / "golden.npy", golden)  # the last: it says that the others are complete


if __name__ == "__main__":
    main()
