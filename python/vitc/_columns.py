"""Columns of pictures: what the adapters for engines have in common."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy

from ._arrays import Floats
from ._model import Model

__all__ = ["Floats", "OnError", "check", "embed", "lists", "opened"]

OnError = Literal["raise", "nan"]
"""What becomes of a picture that cannot be read: an error, or a vector of NaN."""


def embed(
    model: Model,
    pictures: Iterable[Any],
    *,
    output: str | None = None,
    batch: int = 32,
    on_error: OnError = "raise",
) -> Floats:
    """The vectors of a column of pictures, [n, d], each picture as of ``Model.preprocess``.

    With ``on_error="nan"`` the rows of pictures that cannot be read, null ones included, are NaN:
    one damaged file of a million does not end a job, and is found by ``isnan``.
    """
    if on_error == "raise":
        return model.embed(pictures, batch=batch, output=output)
    if on_error != "nan":
        raise ValueError(f"on_error is '{on_error}', expected 'raise' or 'nan'")
    pictures = list(pictures)
    readable, images = [], []
    for index, picture in enumerate(pictures):
        try:
            images.append(model.preprocess(picture))
        except (OSError, TypeError, ValueError):
            continue
        readable.append(index)
    name = model.embedding_output(output)
    shape = next(found.shape for found in model.info.outputs if found.name == name)
    vectors = numpy.full((len(pictures), *shape), numpy.nan, numpy.float32)
    for start in range(0, len(readable), batch):
        rows = readable[start : start + batch]
        part = images[start : start + batch]
        if len(model.info.sizes) > 1:
            vectors[rows] = [found[name] for found in model.mixed(part, outputs=[name])]
        else:
            vectors[rows] = model(numpy.stack(part), outputs=[name])[name]
    return vectors


@functools.lru_cache(maxsize=8)
def opened(path: str, threads: int) -> Model:
    """The library, opened once in a process: each of its threads has a context of its own."""
    return Model(path, threads)


def check(columns: Iterable[str], column: str, into: str, keep: bool) -> None:
    """Looks whether a frame's columns fit, before a job starts."""
    names = list(columns)
    if column not in names:
        raise KeyError(f"there is no column '{column}', only {', '.join(map(repr, names))}")
    if into in names and (keep or into != column):
        raise ValueError(f"there is a column '{into}' already; name another with into=")


def lists(values: Floats, fixed: int | None = None) -> Any:
    """Vectors as a column of Arrow's: lists of floats, of any length or of a fixed one."""
    import pyarrow

    flat = numpy.ascontiguousarray(values.reshape(len(values), math.prod(values.shape[1:])))
    if fixed is not None:
        return pyarrow.FixedSizeListArray.from_arrays(flat.reshape(-1), fixed)
    offsets = numpy.arange(len(flat) + 1, dtype=numpy.int32) * flat.shape[1]
    return pyarrow.ListArray.from_arrays(offsets, flat.reshape(-1))
