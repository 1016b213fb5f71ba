"""The package's types, as users' checkers see them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]

USE = """
import numpy as np
import vitc

model: vitc.Model = vitc.load("libx.so", threads=2)
vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = model.embed(["a.jpg"], batch=4)
one: list[vitc.Prediction] = model.classify("a.jpg")
several: list[list[vitc.Prediction]] = model.classify(["a.jpg", "b.jpg"], top=3)
label: str = one[0].label
score: float = several[0][0].score
labels: tuple[str, ...] = model.labels
test: vitc.SelfTest = model.selftest()
other: vitc.Model = vitc.compile("ViT-B/16", weights="seed:1", precision="int8")
"""


def test_types_hold(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="types are checked by mypy")
    use = tmp_path / "use.py"
    use.write_text(USE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "vitc",
         str(use)],
        cwd=PACKAGE, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_are_shipped() -> None:
    assert (PACKAGE / "vitc" / "py.typed").is_file()
