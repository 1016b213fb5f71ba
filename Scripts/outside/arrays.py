"""NumPy archives, held to numpy.load: numpy writes them, and some are changed."""

import os
import zipfile

import numpy as np

from readers import Refusal, same

KIND = "arrays"
READ = ["<f2", "<f4", "<f8", "|i1", "|u1", "<i4", "<i8"]
REFUSED = [">f4", "<i2", "<u4", "<c8", "|b1", "<U3", "|S2"]


def array(random, kind):
    shape = [int(extent) for extent in random.integers(0 if random.random() < 0.1 else 1, 7,
                                                       random.integers(0, 5))]
    values = random.normal(0, 1000, shape)
    if kind[1] in "iu":
        # What float32 holds exactly.
        values = values.astype(np.int64) % 100
    return values.astype(kind)


def compare(seed, folder, readers):
    random = np.random.default_rng(seed)
    path = os.path.join(folder, "a.npz")
    arrays = {}
    for index in range(random.integers(1, 6)):
        kind = READ[random.integers(len(READ))] if random.random() < 0.85 \
            else REFUSED[random.integers(len(REFUSED))]
        value = array(random, kind)
        if value.ndim > 1 and random.random() < 0.15:
            value = np.asfortranarray(value)
        name = ["x", "a/b", "blocks.0.é", "a b", "x.npy"][index] + str(index)
        arrays[name] = value
    save = np.savez_compressed if random.random() < 0.5 else np.savez
    save(path, **arrays)
    outcome = "read"
    if random.random() < 0.25:
        outcome = damage(path, random)
    elif random.random() < 0.2:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("notes.txt", "not an array")

    try:
        theirs = {}
        with np.load(path) as archive:
            for name in archive.files:
                if name in arrays or outcome != "read":
                    theirs[name] = archive[name]
    except Exception:
        theirs = None
    try:
        ours = readers.tensors(path)
    except Refusal as refusal:
        return ("refused", None) if outcome == "damaged" else ("differs", f"refused: {refusal}")
    if theirs is None:
        # Whatever is wrong, no array that is read may have other values.
        bad = [name for name, value in ours.items() if value is not None and name in arrays
               and not same(value, arrays[name].astype(np.float32))]
        return ("differs", f"damage gives other values of {bad}") if bad else ("damaged", None)
    for name, value in theirs.items():
        if name not in ours:
            return "differs", f"'{name}' is missing"
        is_read = value.dtype.str in READ and (value.ndim < 2 or value.flags.c_contiguous)
        if ours[name] is None:
            if is_read and outcome == "read":
                return "differs", f"'{name}' ({value.dtype.str}, {value.shape}) is not read"
        elif not same(ours[name], value.astype(np.float32)):
            return "differs", f"'{name}' ({value.dtype.str}, {value.shape}) has other values"
    return outcome, None


def damage(path, random):
    """Cuts the file or changes bytes of it."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    if random.random() < 0.4:
        data = data[:random.integers(1, len(data))]
    else:
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
    with open(path, "wb") as file:
        file.write(data)
    return "damaged"
