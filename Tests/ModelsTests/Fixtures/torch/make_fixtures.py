"""Makes the PyTorch files beside this one and, as NAME.npz, what torch reads from them in float32.

Run: python make_fixtures.py   (needs torch and numpy; made with torch 2.13.0)
"""

import argparse
import collections
import os
import pathlib
import zipfile

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(5)


def state():
    """Tensors of every kind that has an array of numbers."""
    a = torch.randn(3, 4)
    attributed = torch.nn.Parameter(torch.randn(2))
    attributed.note = "an attribute"
    return collections.OrderedDict(
        plain=a, transposed=a.t(), column=a[:, 1], stepped=a[::2, 1::2], last=a[2],
        parameter=torch.nn.Parameter(torch.randn(2, 2)), attributed=attributed,
        f16=torch.randn(5).half(), bf16=torch.randn(5).bfloat16(), f64=torch.randn(5).double(),
        f16_transposed=torch.randn(2, 3).half().t(), f64_stepped=torch.randn(6).double()[::2],
        scalar=torch.tensor(2.5), empty=torch.zeros(0, 4), expanded=torch.ones(1, 3).expand(4, 3),
        channels_last=torch.randn(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        i64=torch.arange(3), u8=torch.arange(3, dtype=torch.uint8), flag=torch.tensor([True]),
        u16=torch.arange(3).to(torch.uint16), f8=torch.ones(2).to(torch.float8_e4m3fn),
        complex=torch.ones(2, dtype=torch.complex64), wide=torch.ones(2, dtype=torch.complex128))


def small(offset):
    return collections.OrderedDict(w=torch.arange(4.).reshape(2, 2) + offset, b=torch.ones(2))


class Hostile:
    def __reduce__(self):
        return os.system, ("echo this must not run",)


def save(name, value, tensors=None, **options):
    torch.save(value, HERE / name, **options)
    if tensors is None:
        return
    arrays = {key: tensor.detach().float().contiguous().numpy() for key, tensor in tensors.items()
              if tensor.dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64)}
    np.savez(HERE / (name + ".npz"), **arrays)


def copy(old, new, method, leave="none"):
    """Writes an archive anew, without the records whose names end in `leave`."""
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith(leave):
                target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), method)


def main():
    whole = state()
    save("plain.pth", whole, whole)
    save("protocol5.pth", whole, whole, pickle_protocol=5)
    torch.serialization.set_crc32_options(False)
    save("no_checksums.pth", small(0), small(0))
    torch.serialization.set_crc32_options(True)
    copy(HERE / "plain.pth", HERE / "deflated.pth", zipfile.ZIP_DEFLATED)
    (HERE / "deflated.pth.npz").write_bytes((HERE / "plain.pth.npz").read_bytes())

    # What training scripts save.
    weights = small(0)
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    save("training.pth", {
        "epoch": 3, "best": np.float64(0.5), "arch": "vit", "model": weights,
        "optimizer": optimizer.state_dict(), "path": pathlib.PurePosixPath("weights"),
        "args": argparse.Namespace(lr=0.1, steps=[1, 2], device=torch.device("cpu"),
                                   dtype=torch.float16, size=torch.Size([1, 2])),
        "names": {"a", "b"}, "scores": np.arange(3.)}, weights)
    save("arrays5.pth", {"model": small(1), "scores": np.arange(3.), "best": np.float64(1)}, small(1),
         pickle_protocol=5)
    save("averaged.pth", {"state_dict": small(0), "state_dict_ema": small(8)}, small(8))
    save("nested.pth", {"model": {"state_dict": small(4), "step": 1}, "epoch": 2}, small(4))
    save("single.pth", {"encoder": small(2), "epoch": 2}, small(2))
    save("buffers.pth", {**small(1), "version": 3}, small(1))
    save("several.pth", {"encoder": small(2), "decoder": small(3)})
    save("empty.pth", {"epoch": 3})
    save("list.pth", [torch.ones(2)])

    # What is refused.
    save("module.pth", model)
    save("hostile.pth", {"w": torch.ones(2), "x": Hostile()})
    save("sparse.pth", {"w": torch.ones(2), "s": torch.eye(2).to_sparse()})
    save("legacy.pth", small(0), _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        save(f"legacy{protocol}.pth", {"w": torch.ones(2)}, pickle_protocol=protocol,
             _use_new_zipfile_serialization=False)
    torch.jit.script(model).save(HERE / "whole.pt")
    # Without what names the folders of the machine that it was written on.
    copy(HERE / "whole.pt", HERE / "program.pt", zipfile.ZIP_STORED, leave="debug_pkl")
    (HERE / "whole.pt").unlink()


main()
