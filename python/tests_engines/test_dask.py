"""Dask, with threads and with processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dask
import dask.dataframe
import pytest
from conftest import EXAMPLES, check

import vitc.dask
from vitc import _columns

PACKAGE = str(Path(__file__).resolve().parents[1])


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_tasks_share_a_library(
    library: Path, source: Path, expected, tmp_path: Path, scheduler: str
) -> None:
    _columns.opened.cache_clear()
    with dask.config.set(scheduler=scheduler, num_workers=4):
        frame = dask.dataframe.read_parquet(source, split_row_groups=True)
        assert frame.npartitions > 4
        vectors = vitc.dask.embed(frame, library, on_error="nan")
        assert list(vectors.columns) == ["row", "vector"]
        vectors.to_parquet(tmp_path, write_index=False)
    check(tmp_path, expected)


def test_keeps_what_it_is_told_to(library: Path, source: Path) -> None:
    frame = dask.dataframe.read_parquet(source)
    vectors = vitc.dask.embed(frame, library, into="v", keep=True, on_error="nan")
    assert list(vectors.columns) == ["row", "image", "v"]
    with dask.config.set(scheduler="synchronous"):
        assert len(vectors.head(3)) == 3
        with pytest.raises(ValueError, match="is no picture|is damaged"):
            vitc.dask.embed(frame, library).compute()


def test_the_example_runs(library: Path, source: Path, expected, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, EXAMPLES / "embed_dask.py", library, source, tmp_path / "out",
         "--workers", "2"],
        check=True, env=os.environ | {"PYTHONPATH": PACKAGE},
    )  # fmt: skip
    check(tmp_path / "out", expected)
