#!/usr/bin/env python3
"""What rotary positions and a learned query cost of a model's time.

shares.py [--vitc VITC] [--work FOLDER] [--threads 2] [--rounds 9]

rotation  models whose queries and keys are rotated beside timm's models of the same layers that add a
          table of positions instead, which costs nothing; in turns, each in a process of its own that
          is stopped while the other runs, as `make bench-peers` does. The ratio is that of the minima.
pooling   the part of SigLIP's models that pools by a learned query, of the time of all operations, by
          `vitc bench --per-op`: the median of the rounds.

Weights are `seed:1`. Needs numpy; nothing else should run.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy

from matrix import Case, Model
from peers import Runtime

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Scripts" / "goldens"))
SEED = 1
# Rotated, and the same without: equal but for the table, and LayerScale, which is folded.
ROTATED = [
    ("vit_small_patch16_rope_224", "vit_small_patch16_224"),
    ("vit_base_patch16_rope_224", "vit_base_patch16_224"),
]
POOLED = ["vit_base_patch16_siglip_256", "vit_so400m_patch14_siglip_384"]
# Whose operations' names begin so belongs to the pooling.
POOLING = "attn_pool"


class Bench:
    """Where compiled models are, as `Runtime` asks."""

    def __init__(self, settings):
        self.work, self.vitc = settings.work, settings.vitc
        self.zentorch = ""

    def folder(self, model) -> Path:
        return self.work / model.slug

    def library(self, case) -> Path:
        return self.folder(case.model) / "libvit.so"

    def compile(self, case) -> Path:
        """The compiled model, with an image beside it."""
        from seedweights import seeded

        folder, library = self.folder(case.model), self.library(case)
        (folder / "b1").mkdir(parents=True, exist_ok=True)
        side = case.model.size
        numpy.save(folder / "b1" / "input.npy", seeded("input", (1, 3, side, side), SEED))
        subprocess.run(
            [self.vitc, "compile", case.model.timm, "--weights", f"seed:{SEED}", "-o", library]
            + ["--outputs", "features", "--image-size", str(side), "--quiet", "--no-self-test"],
            check=True)
        return library


def case(name, threads) -> Case:
    side = int(name.rsplit("_", 1)[1])
    return Case(Model(name, name, side, "features"), 1, threads)


def rotation(bench, settings) -> None:
    for names in ROTATED:
        cases = [case(name, settings.threads) for name in names]
        for one in cases:
            bench.compile(one)
        times = [[], []]
        with Runtime("vitc", cases[0], bench) as first, Runtime("vitc", cases[1], bench) as second:
            for turn in range(settings.rounds):
                pair = [(first, times[0]), (second, times[1])]
                for runtime, found in pair if turn % 2 == 0 else pair[::-1]:
                    found += runtime.times(settings.seconds, 2, 200)
        rotated, plain = min(times[0]), min(times[1])
        print(f"{names[0]}: {rotated:.2f} ms, {names[1]}: {plain:.2f} ms: "
              f"rotation costs {100 * (rotated / plain - 1):.1f} %")


def pooling(bench, settings) -> None:
    for name in POOLED:
        library = bench.compile(case(name, settings.threads))
        shares = []
        for _ in range(settings.rounds):
            printed = subprocess.run(
                [bench.vitc, "bench", library, "--per-op", "--json", "--iterations", "5"]
                + ["--threads", str(settings.threads)],
                check=True, stdout=subprocess.PIPE).stdout
            kinds = json.loads(printed)["per_op"]["kinds"]
            pool = sum(kind["ms"] for kind in kinds if kind["name"].startswith(POOLING))
            if pool == 0:
                raise SystemExit(f"{name}: no operation's name begins with '{POOLING}'")
            shares.append(100 * pool / sum(kind["ms"] for kind in kinds))
        print(f"{name}: pooling takes {statistics.median(shares):.2f} % "
              f"({min(shares):.2f} to {max(shares):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vitc", type=Path, default=HERE.parent / ".build/release/vitc")
    parser.add_argument("--work", type=Path, default=HERE.parent / "out/shares")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each model's turn")
    settings = parser.parse_args()
    settings.vitc, settings.work = settings.vitc.resolve(), settings.work.resolve()
    rotation(Bench(settings), settings)
    pooling(Bench(settings), settings)


if __name__ == "__main__":
    main()
