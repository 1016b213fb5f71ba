"""Dask: a column of pictures to columns of vectors.

    import dask.dataframe, vitc.dask

    frame = dask.dataframe.read_parquet("photos/")
    vitc.dask.embed(frame, "libdino.so", column="image").to_parquet(
        "vectors/", write_index=False
    )

A worker opens the library once and keeps it. ``threads`` is what one task uses: with k tasks at once
in a process give each 1, the default. With the scheduler of processes, or on a cluster, the library
must be at the same path everywhere.
"""

from __future__ import annotations

import os
from typing import Any

import numpy

from . import _columns

__all__ = ["embed"]


def embed(
    frame: Any,
    library: str | os.PathLike[str],
    *,
    column: str = "image",
    into: str = "vector",
    output: str | None = None,
    threads: int = 1,
    batch: int = 32,
    on_error: _columns.OnError = "raise",
    keep: bool = False,
) -> Any:
    """The frame with a column ``into`` of vectors, lists of floats.

    frame: of ``dask.dataframe``; its ``column`` has bytes of files, paths, or RGB arrays.
    The other arguments are those of ``vitc.ray.Embed``.
    """
    path = os.path.abspath(os.fspath(library))
    meta = frame._meta.copy()
    if not keep:
        meta = meta.drop(columns=[column])
    meta[into] = _vectors(numpy.empty((0, 1), numpy.float32))
    return frame.map_partitions(
        _partition, path, threads, column, into, keep,
        {"output": output, "batch": batch, "on_error": on_error}, meta=meta,
    )  # fmt: skip


def _partition(
    rows: Any, path: str, threads: int, column: str, into: str, keep: bool, options: dict[str, Any]
) -> Any:
    vectors = _columns.embed(_columns.opened(path, threads), list(rows[column]), **options)
    result = rows if keep else rows.drop(columns=[column])
    return result.assign(**{into: _vectors(vectors)})


def _vectors(values: _columns.Floats) -> Any:
    """A column of lists of floats, as Arrow has them."""
    import pandas

    return pandas.arrays.ArrowExtensionArray(_columns.lists(values))
