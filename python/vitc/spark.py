"""Spark: a column of pictures to a column of vectors.

    import vitc.spark

    frame = spark.read.parquet("photos/")
    vitc.spark.embed(frame, "libdino.so", column="image").write.parquet("vectors/")

A Python worker opens the library once and keeps it for its tasks; the workers of one machine share the
weights' pages. A task uses the processors that ``spark.task.cpus`` gives it. On a cluster the library
must be at the same path on every node: put it on shared storage, or send it with
``spark.sparkContext.addFile`` and name it by ``pyspark.SparkFiles.get``.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any

import pyarrow

from . import _columns

__all__ = ["embed"]


def embed(
    frame: Any,
    library: str | os.PathLike[str],
    *,
    column: str = "image",
    into: str = "vector",
    output: str | None = None,
    threads: int | None = None,
    batch: int = 32,
    on_error: _columns.OnError = "raise",
    keep: bool = False,
) -> Any:
    """The frame with a column ``into`` of vectors, arrays of floats.

    frame: of ``pyspark.sql``; its ``column`` has bytes of files, or paths.
    threads: what one task uses; None: what ``spark.task.cpus`` says.
    The other arguments are those of ``vitc.ray.Embed``.
    """
    from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

    _columns.check(frame.columns, column, into, keep)
    fields = [field for field in frame.schema.fields if keep or field.name != column]
    fields.append(StructField(into, ArrayType(FloatType())))
    options = {"output": output, "batch": batch, "on_error": on_error}
    task = functools.partial(
        _batches, os.path.abspath(os.fspath(library)), threads, column, into, keep, options
    )
    return frame.mapInArrow(task, StructType(fields))


def _batches(
    path: str,
    threads: int | None,
    column: str,
    into: str,
    keep: bool,
    options: dict[str, Any],
    batches: Iterator[pyarrow.RecordBatch],
) -> Iterator[pyarrow.RecordBatch]:
    """What a task does with its rows."""
    if threads is None:
        from pyspark import TaskContext

        task = TaskContext.get()
        threads = task.cpus() if task else 1
    model = _columns.opened(path, threads)
    for rows in batches:
        vectors = _columns.embed(model, rows.column(column).to_pylist(), **options)
        names = [name for name in rows.schema.names if keep or name != column]
        columns = [rows.column(name) for name in names]
        yield pyarrow.RecordBatch.from_arrays(
            [*columns, _columns.lists(vectors)], names=[*names, into]
        )
