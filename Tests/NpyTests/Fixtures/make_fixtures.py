"""Makes the arrays beside this file. Each element type holds the same six numbers.

Run: python make_fixtures.py   (needs numpy)
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
numbers = np.array([[0, 1, 2], [3, 100, 127]])

for kind in ("f2", "f4", "f8", "i1", "u1", "i4", "i8"):
    np.save(HERE / f"{kind}.npy", numbers.astype(kind))
np.save(HERE / "scalar.npy", np.float32(2.5))
np.save(HERE / "vector.npy", np.float32([1.5, -2]))
np.save(HERE / "empty.npy", np.zeros((0, 3), np.float32))
np.save(HERE / "fortran.npy", np.asfortranarray(numbers.astype("f4")))
np.save(HERE / "big_endian.npy", numbers.astype(">f4"))
np.save(HERE / "complex.npy", numbers.astype("c8"))
np.save(HERE / "records.npy", np.zeros(2, [("x", "<f4"), ("y", "<i4", (2,))]))
np.save(HERE / "objects.npy", np.array([{"a": 1}, None]), allow_pickle=True)
for version in ((2, 0), (3, 0)):
    with open(HERE / f"version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, numbers.astype("f4"), version)

arrays = {"images": numbers.astype("f4"), "logits": np.arange(500, dtype="f8") % 7,
          "labels": np.array([3, 4])}
np.savez(HERE / "stored.npz", **arrays)
np.savez_compressed(HERE / "deflated.npz", **arrays)
np.savez_compressed(HERE / "bomb.npz", zeros=np.zeros((2500, 4000), "f4"))
