"""The digits' test split as PNG bytes in Parquet files, two of whose rows are no pictures."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from vitc import _binary

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
EXAMPLES = ROOT / "examples" / "python"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digit classifier, with features."""
    path = tmp_path_factory.mktemp("model") / "libdigits.so"
    options = ["--outputs", "features,logits", "-q"]
    subprocess.run(
        [_binary.find(), "compile", DIGITS / "model", "-o", path, *options], check=True
    )
    return path


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    """PNG files of the digits."""
    result = []
    for grey in numpy.load(DIGITS / "test-images.npy"):
        file = io.BytesIO()
        Image.fromarray(numpy.stack([grey] * 3, axis=-1)).save(file, "PNG")
        result.append(file.getvalue())
    return result


@pytest.fixture(scope="session")
def source(pictures: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four Parquet files; rows 7 and 200 are damaged."""
    folder = tmp_path_factory.mktemp("photos")
    damaged = list(pictures)
    damaged[7], damaged[200] = b"no picture", damaged[200][:60]
    for part in range(4):
        rows = range(90 * part, 90 * (part + 1))
        table = pyarrow.table({"row": list(rows), "image": [damaged[row] for row in rows]})
        # Java finds no library for snappy on every machine.
        pyarrow.parquet.write_table(
            table, folder / f"{part}.parquet", row_group_size=30, compression="zstd"
        )
    return folder


@pytest.fixture(scope="session")
def expected(library: Path, pictures: list[bytes]) -> numpy.ndarray:
    """The vectors of all pictures."""
    import vitc

    with vitc.load(library, threads=1) as model:
        return model.embed(pictures)


def check(folder: Path, expected: numpy.ndarray) -> None:
    """Compares what an engine wrote."""
    table = pyarrow.parquet.read_table(folder)
    assert set(table.column_names) == {"row", "vector"}
    rows = numpy.array(table.column("row"))
    vectors = numpy.stack([numpy.array(vector, numpy.float32) for vector in table["vector"].to_pylist()])
    assert sorted(rows) == list(range(360))
    wrong = numpy.isnan(vectors).any(axis=1)
    assert sorted(rows[wrong]) == [7, 200] and numpy.isnan(vectors[wrong]).all()
    assert numpy.array_equal(vectors[~wrong], expected[rows[~wrong]])


def pytest_configure(config: pytest.Config) -> None:
    """What an engine warns of is its own, and changes with each version of pandas."""
    config.addinivalue_line("filterwarnings", r"ignore:::(pyspark|dask|daft|ray)(\..*)?")
