#!/usr/bin/env python3
"""The memory of `vitc embed` by the number of photos.

embed_memory.py VITC FOLDER [--counts 1000,10000,100000] [--flat] [--ending npy]

In FOLDER it makes some small pictures, and for each count a tree of hard links to them, a thousand in a
folder; the model is that of examples/digits. Each count is one process of `vitc embed`, whose largest
resident set (`ru_maxrss`, what `/usr/bin/time -v` prints) is printed, with its growth a photo. A job keeps
nothing of its photos, not even their paths: the growth is noise of the C library's heap.
With `--flat` all links are in one folder, with `--ending npz` or `jsonl` the output is another one.

Needs Python's standard library alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make_tree(folder, count, pictures, flat):
    """FOLDER/COUNT with so many links; complete, or made anew."""
    name = f"{count}-flat" if flat else str(count)
    tree, mark = folder / name, folder / f"{name}.complete"
    if mark.exists():
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    for index in range(count):
        place = tree if flat else tree / f"{index // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        picture = pictures[index % len(pictures)]
        os.link(picture, place / f"{index:06}{picture.suffix}")
    mark.touch()
    return tree


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vitc")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--counts", default="1000,10000,100000")
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--ending", default="npy")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.counts.split(",")]
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    # File systems bound the links of one file: copies of each picture for as many as are asked for.
    pictures = []
    for number in range(1 + max(counts) // 20000):
        for source in sorted((ROOT / "examples/digits/images").glob("*.png")):
            copy = folder / f"{number}-{source.name}"
            if not copy.exists():
                shutil.copy(source, copy)
            pictures.append(copy)
    library = folder / "libdigits.so"
    subprocess.run([arguments.vitc, "compile", ROOT / "examples/digits/model", "--outputs", "features",
                    "--target", "host", "-o", library, "-q"], check=True)
    measured = []
    print("photos  seconds  MB at most")
    for count in counts:
        tree = make_tree(folder, count, pictures, arguments.flat)
        output = folder / f"features.{arguments.ending}"
        for leftover in folder.glob("features.*"):
            leftover.unlink()
        started = time.perf_counter()
        process = subprocess.Popen([arguments.vitc, "embed", library, tree, "-o", output, "-q"])
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"embed_memory.py: vitc embed ended with status {status}")
        measured.append((count, usage.ru_maxrss))
        print(f"{count:6}  {time.perf_counter() - started:7.1f}  {usage.ru_maxrss / 1024:10.1f}", flush=True)
    for (few, before), (many, after) in zip(measured, measured[1:]):
        print(f"{few} to {many}: {1024 * (after - before) / (many - few):.0f} bytes a photo")


if __name__ == "__main__":
    main()
