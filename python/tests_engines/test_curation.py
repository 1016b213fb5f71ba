"""Tools for looking at data: FiftyOne's model, and vectors for Lightly."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import EXAMPLES
from PIL import Image

import vitc

PACKAGE = str(Path(__file__).resolve().parents[1])


@pytest.fixture(scope="module")
def photos(pictures: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos in two folders."""
    folder = tmp_path_factory.mktemp("classes")
    for index, data in enumerate(pictures[:12]):
        path = folder / ("even" if index % 2 == 0 else "odd") / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return folder


def test_lightly_gets_vectors(
    library: Path, photos: Path, expected: Any, tmp_path: Path
) -> None:
    pytest.importorskip("lightly")
    subprocess.run(
        [sys.executable, EXAMPLES / "embed_lightly.py", library, photos, tmp_path / "x.csv",
         "--batch", "5"],
        check=True, env=os.environ | {"PYTHONPATH": PACKAGE},
    )  # fmt: skip
    with open(tmp_path / "x.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    for row in rows:
        index = int(Path(row["filenames"]).stem)
        vector = [float(row[f"embedding_{i}"]) for i in range(expected.shape[1])]
        assert numpy.allclose(vector, expected[index], rtol=1e-6, atol=1e-6)
        assert int(row["labels"]) == index % 2


def test_fiftyone_has_a_model(library: Path, photos: Path, expected: Any) -> None:
    """Without a data set, since that takes a database."""
    pytest.importorskip("fiftyone")
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / "fiftyone_model.py")
    assert spec and spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    model = example.CompiledModel(library, threads=1)
    images = [
        numpy.asarray(Image.open(path).convert("RGB"))
        for path in sorted(photos.rglob("*.png"), key=lambda path: path.name)
    ]
    assert model.has_embeddings and model.media_type == "image"
    assert numpy.array_equal(model.embed_all(images), expected[:12])
    assert numpy.array_equal(model.embed(images[3]), expected[3])
    answers = model.predict_all(images)
    with vitc.load(library, threads=1) as alone:
        for image, answer in zip(images, answers, strict=True):
            best = alone.classify(image, top=1)[0]
            assert (answer.label, answer.confidence) == (best.label, best.score)
