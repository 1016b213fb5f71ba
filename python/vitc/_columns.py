"""Columns of pictures: what the adapters for engines have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy

from ._arrays import Floats

if TYPE_CHECKING:
    from ._model import Model

__all__ = ["Floats", "OnError", "embed"]

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
        part = numpy.stack(images[start : start + batch])
        vectors[rows] = model(part, outputs=[name])[name]
    return vectors

