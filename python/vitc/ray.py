"""Ray Data: a column of pictures to a column of vectors.

    import ray, vitc.ray

    ray.data.read_parquet("photos/").map_batches(
        vitc.ray.Embed,
        fn_constructor_args=("libdino.so",),
        fn_constructor_kwargs={"threads": 2},
        num_cpus=2, compute=ray.data.ActorPoolStrategy(size=4), batch_size=64,
    ).write_parquet("vectors/")

An actor opens the library once; actors of one machine share the weights' pages. Give ``threads`` what
``num_cpus`` says, so that n actors do not start n times all processors, and leave a processor to the
tasks that read: actors that hold all of them wait for rows for ever. On a cluster the library must
be at the same path on every node: put it on shared storage, into the image, or into Ray's
``working_dir``.
"""

from __future__ import annotations

import os
from typing import Any

from . import _columns
from ._model import Model

__all__ = ["Embed"]


class Embed:
    """A callable class for ``ray.data.Dataset.map_batches``, with batches of numpy's."""

    def __init__(
        self,
        library: str | os.PathLike[str],
        *,
        column: str = "image",
        into: str = "vector",
        output: str | None = None,
        threads: int = 1,
        batch: int = 32,
        on_error: _columns.OnError = "raise",
        keep: bool = False,
    ) -> None:
        """
        library: the compiled model.
        column: the pictures: bytes of files, paths, or RGB arrays.
        into: the column of vectors that is added.
        output: which output; None: as of ``Model.embed``.
        threads: the actor's processors, its ``num_cpus``.
        batch: how many pictures run together.
        on_error: "raise", or "nan" for the rows of pictures that cannot be read.
        keep: whether the pictures stay in the data.
        """
        self._model = Model(library, threads)
        self._column, self._into, self._keep = column, into, keep
        self._options: dict[str, Any] = {"output": output, "batch": batch, "on_error": on_error}

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Adds the vectors of a batch."""
        pictures = rows[self._column]
        result = dict(rows)
        if not self._keep:
            del result[self._column]
        result[self._into] = _columns.embed(self._model, pictures, **self._options)
        return result
