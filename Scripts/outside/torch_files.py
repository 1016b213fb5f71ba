"""PyTorch's files, held to torch.load: what torch.save writes is read, with the same values; what is
refused has a command in its hint, and what the command leaves is read."""

import collections
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import torch

from readers import Refusal, same

KIND = "tensors"
READ = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
OTHERS = [torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64, torch.complex128,
          torch.uint16, torch.float8_e4m3fn, torch.float8_e5m2]


def tensor(random):
    shape = [int(e) for e in random.integers(0 if random.random() < 0.1 else 1, 6,
                                             random.integers(0, 5))]
    kind = READ[random.integers(4)] if random.random() < 0.8 else OTHERS[random.integers(len(OTHERS))]
    return torch.from_numpy(np.asarray(random.normal(0, 100, shape))).to(kind)


def view(random, base):
    """A view of a tensor, or the tensor."""
    kind = random.integers(8)
    if kind == 0 and base.dim() > 1:
        return base.transpose(0, int(random.integers(1, base.dim())))
    if kind == 1 and base.dim() and base.shape[0] > 1:
        return base[1:]
    if kind == 2 and base.dim() and base.shape[-1] > 1:
        return base[..., ::2]
    if kind == 3 and base.dim() and base.shape[0]:
        return base[:1].expand(3, *base.shape[1:])
    if kind == 4 and base.dim() == 4 and base.numel():
        return base.contiguous(memory_format=torch.channels_last)
    if kind == 5 and base.dtype in READ:
        parameter = torch.nn.Parameter(base, requires_grad=bool(random.integers(2)))
        if random.random() < 0.5:
            parameter.note = {"a": [1, None, True]}
        return parameter
    if kind == 6 and base.numel():
        return base.as_strided([2, 2], [0, 0])
    return base


def state(random):
    result = collections.OrderedDict() if random.random() < 0.5 else {}
    bases = [tensor(random) for _ in range(random.integers(1, 5))]
    for index in range(random.integers(1, 8)):
        result[f"blocks.{index}.w" if index else "é w"] = view(random, bases[index % len(bases)])
    return result


def wrapped(random, tensors):
    """What a training script saves around a state."""
    kind = random.integers(6)
    if kind == 0:
        return {"state_dict": tensors, "epoch": 3, "loss": 0.5, "big": 2**70, "list": [1, (2, "x")]}
    if kind == 1:
        return {"model": tensors, "args": {"lr": 1e-3, "ids": {1, 2}}, "rng": torch.get_rng_state()}
    if kind == 2:
        other = {name: value.detach().clone().zero_() for name, value in tensors.items()}
        return {"model": other, "model_ema": tensors}
    if kind == 3:
        return {"model": {"state_dict": tensors}, "scores": np.arange(3.0), "best": np.float64(1)}
    return tensors


def compare(seed, folder, readers):
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    path = os.path.join(folder, "a file.pth")
    tensors = state(random)
    whole = wrapped(random, tensors)
    left = [os.path.join(folder, f"a file.{what}.pth") for what in ("weights", "tensors")]
    for name in left:
        if os.path.exists(name):
            os.remove(name)
    # What torch refuses to save is no variant.
    form = random.choice(["zip", "zip", "zip", "deflated", "legacy", "script", "damaged"])
    protocol = int(random.choice([2, 2, 3, 4, 5]))
    outcome = "read"
    if form == "script":
        program(random, path)
        tensors = dict(torch.jit.load(path).state_dict())
    else:
        torch.save(whole, path, pickle_protocol=protocol,
                   _use_new_zipfile_serialization=form != "legacy")
    if form == "deflated":
        deflate(path)
    if form == "damaged":
        with open(path, "rb") as file:
            data = bytearray(file.read())
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
        with open(path, "wb") as file:
            file.write(data[:random.integers(1, len(data))] if random.random() < 0.3 else data)
        try:
            readers.tensors(path)
        except Refusal:
            return "refused", None
        return "damaged", None
    try:
        ours = readers.tensors(path)
        if form in ("legacy", "script"):
            return "differs", f"a {form} file is read"
    except Refusal as refusal:
        if form not in ("legacy", "script"):
            return "differs", f"refused: {refusal}"
        # The hint is a line for a shell; it leaves a file that is read.
        command = re.search(r"python3 (-c .*)$", str(refusal))
        if not command:
            return "differs", f"no command: {refusal}"
        done = subprocess.run(f"'{sys.executable}' {command[1]}", shell=True,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            numpy = "weights_only" in done.stderr and "numpy" in done.stderr
            # torch 2.13 does not read untyped storages of old files that it wrote itself.
            if numpy or "'torch.storage.UntypedStorage' has no attribute 'dtype'" in done.stderr:
                # Others torch itself loads only where the user trusts them.
                return "refused by torch", None
            return "differs", f"the command fails: {done.stderr[-400:]}"
        outcome = "converted"
        ours = readers.tensors(next((name for name in left if os.path.exists(name)), path))
    if set(ours) != set(tensors):
        return "differs", f"has {sorted(ours)}, expected {sorted(tensors)}"
    for name, value in tensors.items():
        if (ours[name] is not None) != (value.dtype in READ):
            return "differs", f"'{name}' of {value.dtype} is {'not ' if ours[name] is None else ''}read"
        if ours[name] is not None and not same(ours[name], value.detach().float().numpy()):
            return "differs", f"'{name}' of {value.dtype}, {tuple(value.shape)}, strides " \
                              f"{value.stride()} has other values"
    return outcome, None


def program(random, path):
    model = torch.nn.Sequential(torch.nn.Linear(int(random.integers(1, 5)), 3), torch.nn.ReLU())
    torch.jit.script(model).save(path)


def deflate(path):
    with zipfile.ZipFile(path) as source:
        records = [(entry.filename, source.read(entry)) for entry in source.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in records:
            target.writestr(name, data)
