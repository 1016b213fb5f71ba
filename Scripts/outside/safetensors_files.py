"""Safetensors files, held to the reference reader: what it accepts is read, what it refuses is
refused."""

import json
import os
import struct

import numpy as np
import torch
from safetensors import safe_open

from readers import Refusal, same

KIND = "tensors"
TYPES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
         "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "U32": 4, "U64": 8}
READ = {"F32", "F16", "BF16", "F64"}


def entries(random):
    """Name -> dtype, shape, begin, end, and the number of bytes."""
    result, begin = {}, 0
    for index in range(random.integers(0, 6)):
        kind = list(TYPES)[random.integers(len(TYPES))] if random.random() < 0.4 \
            else sorted(READ)[random.integers(4)]
        shape = [int(e) for e in random.integers(0 if random.random() < 0.1 else 1, 6,
                                                 random.integers(0, 5))]
        size = int(np.prod(shape)) * TYPES[kind]
        name = ["w", "blocks.0.attn", "é\n", "", "a b"][index % 5] + str(index)
        result[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, begin + size]}
        begin += size
    return result, begin


def change(random, header, size):
    """One thing that may be wrong with a header; the text, the size of the data, and what it was."""
    kind = random.integers(20)
    names = list(header)
    name = names[random.integers(len(names))] if names else None
    text = None
    if name and kind == 0:
        header[name]["data_offsets"][1] += 1
    elif name and kind == 1:
        header[name]["data_offsets"].reverse()
    elif name and kind == 2:
        header[name]["shape"] = header[name]["shape"] + [2]
    elif name and kind == 3:
        header[name]["dtype"] = ["f32", "F31", "", "C64", "F4"][random.integers(5)]
    elif name and kind == 4:
        del header[name][["dtype", "shape", "data_offsets"][random.integers(3)]]
    elif kind == 5:
        size += int(random.integers(-min(3, size), 4))
    elif name and kind == 6:
        header[name]["extra"] = 1
    elif name and kind == 7:
        header[name]["shape"] = [float(e) for e in header[name]["shape"]]
    elif kind == 8:
        header["__metadata__"] = [{"format": "pt"}, {"a": 1}, [], None, {}][random.integers(5)]
    elif name and kind == 9:
        text = json.dumps(header)
        text = text[:-1] + ", " + json.dumps({name: header[name]})[1:]
    elif kind == 10:
        text = json.dumps(header) + " " * int(random.integers(1, 20))
    elif kind == 11:
        text = " " + json.dumps(header)
    elif kind == 12:
        text = json.dumps(header) + ["x", "\n", "\t", "\0", "{}"][random.integers(5)]
    elif kind == 13:
        text = json.dumps(header, ensure_ascii=False)
    elif kind == 14:
        # Lengths that begin as other formats do.
        text = json.dumps(header)
        length = [0x280, 0x380, 0x480, 0x580, 0x10280, 0x4B50, 0x8B1F][random.integers(7)]
        text = text[:-1] + " " * (length - len(text)) + "}" if length > len(text) else text
    elif name and kind == 15:
        header[name]["shape"] = [2**63, 2**63]
    elif name and kind == 16:
        header[name]["data_offsets"] = [-1, 3]
    elif kind == 17:
        items = list(header.items())
        random.shuffle(items)
        header = dict(items)
    elif kind == 18:
        text = json.dumps(header, indent=1)
    return text if text is not None else json.dumps(header), size


def compare(seed, folder, readers):
    random = np.random.default_rng(seed)
    path = os.path.join(folder, "a.safetensors")
    header, size = entries(random)
    text, size = change(random, header, size)
    data = text.encode()
    length = len(data)
    if random.random() < 0.03:
        length += int(random.integers(-5, 1 << 20))
    with open(path, "wb") as file:
        file.write(struct.pack("<q", max(0, length)) + data)
        # Half of NaN's bit patterns would make every comparison one of NaN.
        file.write(bytes(random.integers(0, 0x7C, size, dtype=np.uint8)))
    try:
        with safe_open(path, "pt") as file:
            theirs = {name: (file.get_slice(name).get_dtype(), file.get_tensor(name))
                      for name in file.keys()}
    except Exception as error:
        theirs, reason = None, error
    try:
        ours = readers.tensors(path)
    except Refusal as refusal:
        if theirs is None:
            return "refused", None
        if "duplicate key" in str(refusal):
            # The reference takes the last of two tensors of one name; vitc takes none.
            return "refused", None
        return "differs", f"refused: {refusal}; header {text[:200]}"
    if theirs is None:
        return "differs", f"read, though the reference says: {reason}; header {text[:200]}"
    if set(ours) != set(theirs):
        return "differs", f"has {sorted(ours)}, expected {sorted(theirs)}"
    for name, (kind, tensor) in theirs.items():
        if (ours[name] is not None) != (kind in READ):
            return "differs", f"'{name}' of {kind} is {'not ' if ours[name] is None else ''}read"
        if ours[name] is not None and not same(ours[name], tensor.to(torch.float32).numpy()):
            return "differs", f"'{name}' of {kind} has other values"
    return "read", None
