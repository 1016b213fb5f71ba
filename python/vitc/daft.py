"""Daft: a column of pictures to a column of vectors.

    import daft, vitc.daft

    frame = daft.read_parquet("photos/")
    vitc.daft.embed(frame, "libdino.so", column="image").write_parquet("vectors/")

Daft makes one instance and calls it from several threads at once: each of them has a context of its own,
over one copy of the weights. On Ray (``daft.set_runner_ray()``) an instance is an actor, and the library
must be at the same path on every node.
"""

from __future__ import annotations

import math
import os
from typing import Any

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
    instances: int | None = None,
) -> Any:
    """The frame with a column ``into`` of vectors, of Daft's type for embeddings.

    frame: a ``daft.DataFrame``; its ``column`` has bytes of files, or paths.
    threads: what one call uses. Daft calls from as many threads as there are processors, so that 1 is
        right but where ``instances`` says how many processes there are.
    instances: the number of processes, each with an instance; None: Daft chooses.
    The other arguments are those of ``vitc.ray.Embed``.
    """
    import daft

    _columns.check(frame.column_names, column, into, keep)
    path = os.path.abspath(os.fspath(library))
    model = _columns.opened(path, threads)
    name = model.embedding_output(output)
    shape = next(found.shape for found in model.info.outputs if found.name == name)
    dtype = daft.DataType.embedding(daft.DataType.float32(), math.prod(shape))

    def call(self: Any, pictures: Any) -> Any:
        vectors = _columns.embed(
            self.model, pictures.to_pylist(), output=output, batch=batch, on_error=on_error
        )
        return _columns.lists(vectors, fixed=math.prod(shape))

    class Embed:
        def __init__(self) -> None:
            self.model = _columns.opened(path, threads)

        __call__ = daft.method.batch(return_dtype=dtype, batch_size=batch)(call)

    instance = daft.cls(Embed, cpus=threads, max_concurrency=instances)()
    result = frame.with_column(into, instance(frame[column]))
    return result if keep else result.exclude(column)
