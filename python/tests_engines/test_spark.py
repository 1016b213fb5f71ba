"""Spark, with local Python workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES, check

import vitc.spark

PACKAGE = str(Path(__file__).resolve().parents[1])

pytestmark = pytest.mark.skipif(
    not shutil.which("java"), reason="Spark takes Java: apt-get install default-jre-headless"
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = PACKAGE
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
        .getOrCreate()
    )
    yield session
    session.stop()


def test_tasks_embed(
    spark: Any, library: Path, source: Path, expected: Any, tmp_path: Path
) -> None:
    frame = spark.read.parquet(str(source)).repartition(4)
    vectors = vitc.spark.embed(frame, library, on_error="nan")
    assert vectors.columns == ["row", "vector"]
    vectors.write.parquet(str(tmp_path / "out"))
    check(tmp_path / "out", expected)


def test_keeps_what_it_is_told_to(spark: Any, library: Path, source: Path) -> None:
    frame = spark.read.parquet(str(source))
    vectors = vitc.spark.embed(frame, library, into="v", keep=True, on_error="nan")
    assert vectors.columns == ["row", "image", "v"]
    assert len(vectors.head(3)) == 3
    with pytest.raises(Exception, match="is no picture|is damaged"):
        vitc.spark.embed(frame, library).collect()
    with pytest.raises(KeyError, match="no column 'photo'"):
        vitc.spark.embed(frame, library, column="photo")


def test_the_example_runs(library: Path, source: Path, expected: Any, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, EXAMPLES / "embed_spark.py", library, source, tmp_path / "out",
         "--master", "local[2]"],
        check=True, env=os.environ | {"PYTHONPATH": PACKAGE, "PYSPARK_PYTHON": sys.executable},
    )  # fmt: skip
    check(tmp_path / "out", expected)
