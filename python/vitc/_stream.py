"""Pictures through a model, some at a time: the next ones are decoded while a batch runs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy

from ._arrays import Floats

if TYPE_CHECKING:
    from ._model import Model

# Decoders beside the run. Pillow and the library leave the interpreter's lock while they work.
_MOST_DECODERS = 8


def batches(
    model: Model, pictures: Iterable[Any], size: int, outputs: list[str], orient: bool
) -> Iterator[dict[str, Floats]]:
    """The outputs of pictures, ``size`` of them at a time, in order.

    At most two batches are in memory. What goes wrong with a picture is raised when its batch is
    due, with a note that says which picture it was.
    """
    if size < 1:
        raise ValueError(f"batch is {size}, expected 1 or more")
    threads = model.threads or len(os.sched_getaffinity(0))
    workers = max(1, min(threads, _MOST_DECODERS, size))
    numbered = enumerate(pictures)

    # Of a model for several sizes each image has the one that its picture becomes.
    has_sizes = len(model.info.sizes) > 1

    def decode(number: int, picture: Any, place: Floats | None) -> Floats:
        try:
            return model.preprocess(picture, orient=orient, out=place)
        except Exception as error:
            _note(error, f"picture {number}, from 0")
            raise

    with ThreadPoolExecutor(workers, thread_name_prefix="vitc-decode") as pool:

        def start() -> tuple[Any, list[Any]]:
            group = list(itertools.islice(numbered, size))
            places: Any = [None] * len(group)
            if not has_sizes:
                places = numpy.empty((len(group), *model.info.input.shape), numpy.float32)
            return places, [
                pool.submit(decode, number, picture, place)
                for (number, picture), place in zip(group, places)
            ]

        work: list[Any] = []
        try:
            images, work = start()
            while work:
                done = [task.result() for task in work]
                # Of the last one nothing comes after.
                ready, (images, work) = images, start()
                if has_sizes:
                    found = model.mixed(done, outputs=outputs)
                    yield {name: numpy.stack([one[name] for one in found]) for name in outputs}
                else:
                    yield model(ready, outputs=outputs)
        finally:
            for task in work:
                task.cancel()


def _note(error: Exception, text: str) -> None:
    """Adds a line to an error's traceback, from Python 3.11 on."""
    if hasattr(error, "add_note"):
        error.add_note(text)
