#!/usr/bin/env python3
"""Writes one model for every runtime: export.py NAME SIZE logits|features|tokens BATCH FOLDER

FOLDER/model.safetensors    the weights, under timm's names
FOLDER/bBATCH/input.npy     images of `seedweights`, float32
FOLDER/bBATCH/golden.npy    the output of PyTorch in float64
FOLDER/bBATCH/model.onnx    for ONNX Runtime
FOLDER/bBATCH/model.xml     for OpenVINO, float32

A model that a runtime's exporter does not take is exported with timm's fused attention off, as that of
DINOv3 must be; if it is not taken then either, FOLDER/bBATCH/model.onnx.failure or model.xml.failure
says why, and the row goes without that runtime.

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


def rows(output):
    """An output as vitc has it: the pixels of a map `[n, dim, rows, columns]` as `[n, pixels, dim]`."""
    if output.ndim != 4:
        return output
    return output.reshape(*output.shape[:2], -1).transpose(0, 2, 1)


def build(name, size, output, weights=None, fused=True):
    """The model in float32 with weights from a safetensors file, or seeded ones.

    `fused` False: attention as products and a softmax, not PyTorch's function for it.
    """
    import papermodels
    import timm
    from safetensors.torch import load_file
    from seedweights import fill

    # ResNets take images of any size; the papers' other models are made for 224.
    sizes = {} if name.startswith("resnetv2") else {"img_size": size}
    paper = name in papermodels.PAPER
    timm.layers.set_fused_attn(fused)
    model = (papermodels.create(name) if paper else timm.create_model(name, **sizes)).eval()
    if weights is None:
        fill(model, SEED)
    else:
        model.load_state_dict(load_file(weights))
    return Tokens(model) if output == "tokens" else model


def to_onnx(model, pixels, path) -> None:
    import torch

    torch.onnx.export(model, (pixels,), str(path), dynamo=True, verbose=False)


def to_openvino(model, pixels, path) -> None:
    import openvino

    converted = openvino.convert_model(model, example_input=pixels)
    converted.reshape(list(pixels.shape))
    openvino.save_model(converted, path, compress_to_fp16=False)


def failure(path):
    """The file that says why there is no file of this name."""
    return path.with_name(path.name + ".failure")


def export(write, models, pixels, path) -> None:
    """Writes the first of the models that can be exported, or the reason why none can be."""
    failure(path).unlink(missing_ok=True)
    reasons = []
    for model in models:
        try:
            return write(model(), pixels, path)
        except Exception as error:  # whatever an exporter raises is reported
            reasons.append(f"{type(error).__name__}: {error}".strip().splitlines()[0])
    failure(path).write_text(" / then: ".join(reasons) + "\n")


def main() -> None:
    warnings.simplefilter("ignore")
    name, size, output, batch, folder = sys.argv[1:]
    folder = Path(folder)
    place = folder / f"b{batch}"
    weights, images = folder / "model.safetensors", place / "input.npy"
    exported = [place / "model.onnx", place / "model.xml"]
    made = all(file.exists() for file in [weights, images, place / "golden.npy"])
    if made and all(file.exists() or failure(file).exists() for file in exported):
        return
    import numpy
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
    models = [
        lambda: model,
        lambda: build(name, int(size), output, weights, fused=False),
    ]
    with torch.inference_mode():
        for write, path in zip([to_onnx, to_openvino], exported):
            export(write, models, pixels, path)
        golden = rows(model.double()(pixels.double()).numpy())
    numpy.save(place / "golden.npy", golden)  # the last: it says that the others are complete


if __name__ == "__main__":
    main()
