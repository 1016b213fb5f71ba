"""A compiled model."""

from __future__ import annotations

import ctypes
import operator
import os
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, overload

import numpy
from numpy.typing import NDArray

from . import _abi, _arrays, _info, _scores
from ._arrays import Floats
from ._contexts import Contexts
from ._info import Info, SelfTest, Stats
from ._library import Library
from ._pictures import Picture, is_picture, pixels, raw_picture
from ._scores import Prediction
from ._stream import batches
from .errors import Status, VitError

_NOT_FINITE_HINT = (
    "the model's sums overflow, or its weights are damaged: 'vitc verify' and 'vitc selftest' tell"
)
# Outputs that are one vector for a picture, and made to be compared.
_EMBEDDINGS = ("features", "features_unit", "features_f16", "features_unit_f16", "pooler")


def load(
    path: str | os.PathLike[str],
    threads: int = 0,
    *,
    weights: str | os.PathLike[str] | None = None,
    isa: str | None = None,
    step_times: bool = False,
) -> Model:
    """Loads a library that ``vitc compile`` wrote.

    path: the library.
    threads: the parts that a run is split into, which is the processors that it uses; 0: all that
        the process may use, by its affinity and the quotas of its control groups, but no more for
        one image than pay. With several processes, or threads that run models at once, give each
        its share.
    weights: the weights file, where it is not beside the library.
    isa: the instruction set to run, such as "x86-64-v3" or "v3"; None: the one that the environment
        variable VITC_ISA names, else the best that this processor runs.
    step_times: whether the time of each step is measured, for ``Model.stats``.

    Raises FileNotFoundError and other errors of opening a file; VitError, with the library's text,
    if it is no compiled model, is for another processor, or its weights cannot be used.
    """
    return Model(path, threads, weights=weights, isa=isa, step_times=step_times)


class Model:
    """A compiled model, for any number of threads and processes.

    Calling it runs it. Each thread has a context of its own, made when it first runs; a forked
    child makes its own, and shares the weights. It travels to other processes as its path and
    options. The library stays mapped as long as the process lives; ``close`` ends all the rest.
    """

    path: str
    """The library's absolute path."""
    info: Info
    """What the model is."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        threads: int = 0,
        *,
        weights: str | os.PathLike[str] | None = None,
        isa: str | None = None,
        step_times: bool = False,
    ) -> None:
        """As ``load``."""
        self._threads = operator.index(threads)
        if not 0 <= self._threads < 1 << 31:
            raise ValueError(f"threads is {threads}, expected 0 or more")
        self.path = os.path.abspath(os.fspath(path))
        self._weights = None if weights is None else os.path.abspath(os.fspath(weights))
        self._isa = isa
        self._step_times = bool(step_times)
        self._library = Library(self.path)
        handle = self._library.create(self._threads, self._weights, isa, self._step_times)
        self._handle = handle
        self._end = weakref.finalize(self, self._library.entry.destroy, handle)
        self._end.atexit = False
        self._contexts = Contexts(self._library, handle)
        self.info = _info.read(self._library.descriptions(), self._library.isa(handle))
        self._shapes = [size.input.shape for size in self.info.sizes]

    # ---- Running ---------------------------------------------------------------------------------

    def __call__(
        self,
        images: Any,
        *,
        outputs: Sequence[str] | None = None,
        out: Mapping[str, Any] | None = None,
        check: bool = True,
    ) -> dict[str, Any]:
        """Runs images and returns the outputs by name.

        images: float32 [n, channels, height, width], as ``preprocess`` makes them; or one image
            without n, whose outputs then have no n either. Arrays of numpy or PyTorch (on the CPU),
            and anything with DLPack or the buffer protocol; dense ones are not copied. Of a model for
            several sizes the shape says which.
        outputs: those wanted; None: all.
        out: arrays of the outputs' types to write to, by output; they may not overlap the images.
        check: whether NaN and infinity are looked for, which costs little: about 0.1 ms for a
            hundred images of 224 x 224.

        A text tower takes ids instead, integers [n, length], or [length] of one text, as
        ``tokenize`` makes them.

        Returns arrays of numpy, [n, *shape]; tensors of PyTorch for one of those.

        Raises TypeError and ValueError for images, names or places that do not fit; ValueError for
        images that are not finite; VitError for outputs that are not, and for whatever the library
        refuses; ClosedError.
        """
        self._contexts.check()
        reads_texts = self.info.reads_texts
        source: Any
        if reads_texts:
            source, is_single, wrap = _arrays.ids(images, self.info.input.shape)
            size, tensors = 0, self.info.outputs
        else:
            source, is_single, wrap, size = _arrays.images(images, self._shapes)
            tensors = self.info.sizes[size].outputs
        names = self._names(outputs)
        if is_single and out is not None:
            out = {name: _arrays.view(place)[0][numpy.newaxis] for name, place in out.items()}
        shapes = {
            output.name: (len(source), *output.shape)
            for output in tensors
            if output.name in names
        }
        types = {output.name: output.dtype for output in tensors}
        places = _arrays.outputs(out, shapes, source, types)
        if check and not reads_texts:
            self._check_images(source)
        if len(source) > 0:
            self._run(source, size, places)
        if check:
            self._check_outputs(places)
        return {name: wrap(places[name][0] if is_single else places[name]) for name in names}

    def mixed(
        self,
        images: Iterable[Any],
        *,
        outputs: Sequence[str] | None = None,
        check: bool = True,
    ) -> list[dict[str, Any]]:
        """Runs images of any of the model's sizes, without padding, and returns the outputs of each
        by name, in order.

        images: each float32 [channels, height, width], as of a call.
        outputs: those wanted; None: all.
        check: as of a call.

        As many images are run at a time as there are threads, whatever their sizes; the bits are
        those of each image run by itself. Raises as a call does.
        """
        self._contexts.check()
        if self.info.reads_texts:
            raise ValueError("the model reads texts, which have one length: call it")
        names = self._names(outputs)
        sources: list[Floats] = []
        records = []
        wraps = []
        results: list[dict[str, NDArray[Any]]] = []
        for number, image in enumerate(images):
            source, is_single, wrap, size = _arrays.images(image, self._shapes)
            if not is_single:
                raise ValueError(f"image {number} has a dimension too many, expected one image")
            if check:
                self._check_images(source, number)
            tensors = self.info.sizes[size].outputs
            places = {
                output.name: numpy.empty(output.shape, output.dtype)
                for output in tensors
                if output.name in names
            }
            record = _abi.SizedImage(source.ctypes.data, self._pointers(places), size)
            records.append(record)
            sources.append(source)
            wraps.append(wrap)
            results.append(places)
        if results and self._library.has_sizes:
            batch = (_abi.SizedImage * len(records))(*records)
            with self._contexts.use() as context:
                self._library.check(
                    self._library.entry.run_mixed(context, batch, len(records))
                )
        elif results:
            # A library for one size has no such function; all images are of that size.
            together = self(numpy.concatenate(sources), outputs=names, check=False)
            results = [
                {name: together[name][number] for name in names}
                for number in range(len(results))
            ]
        if check:
            for places in results:
                self._check_outputs(places)
        return [
            {name: wrap(places[name]) for name in names} for wrap, places in zip(wraps, results)
        ]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the images that the model is for; empty of a text tower.

        ``info.sizes`` has the shapes of the outputs as well.
        """
        return tuple((size.height, size.width) for size in self.info.sizes)

    def _size(self, wanted: tuple[int, int] | None, width: int, height: int) -> int:
        """The place of a size; of None the one that preprocessing makes of a picture."""
        if wanted is None:
            return self._library.size_for(width, height)
        if tuple(wanted) not in self.sizes:
            known = ", ".join(map(str, self.sizes))
            raise ValueError(f"size is {wanted}, expected (height, width), one of {known}")
        return self.sizes.index(tuple(wanted))

    def _names(self, outputs: Sequence[str] | None) -> list[str]:
        all_names = [output.name for output in self.info.outputs]
        if outputs is None:
            return all_names
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        for name in names:
            if name not in all_names:
                known = ", ".join(f"'{known}'" for known in all_names)
                raise ValueError(
                    f"the model has no output '{name}', but {known}; outputs are chosen when it is "
                    "compiled"
                )
        return list(dict.fromkeys(names))

    def _pointers(self, places: Mapping[str, NDArray[Any]]) -> Any:
        return (ctypes.c_void_p * len(self.info.outputs))(
            *(
                places[output.name].ctypes.data if output.name in places else None
                for output in self.info.outputs
            )
        )

    def _run(self, source: NDArray[Any], size: int, places: Mapping[str, NDArray[Any]]) -> None:
        with self._contexts.use() as context:
            self._library.run_all(
                context, size, source.ctypes.data, len(source), self._pointers(places)
            )

    def _check_images(self, source: Floats, number: int | None = None) -> None:
        wrong = _arrays.not_finite(source)
        if wrong is not None:
            image = wrong // (source.size // len(source))
            value = source.reshape(-1)[wrong]
            what = f"image {image} of {len(source)}" if number is None else f"image {number}"
            raise ValueError(f"{what} holds {value}, expected finite numbers")

    def _check_outputs(self, places: Mapping[str, NDArray[Any]]) -> None:
        for name, place in places.items():
            wrong = _arrays.not_finite(place)
            if wrong is not None:
                raise VitError(
                    f"output '{name}' holds {place.reshape(-1)[wrong]} at {wrong}: "
                    f"{_NOT_FINITE_HINT}",
                    Status.NOT_FINITE,
                )

    # ---- Texts -----------------------------------------------------------------------------------

    def tokenize(self, texts: str | Iterable[str]) -> NDArray[numpy.int32]:
        """The ids of texts, [n, length], by the checkpoint's own tokenizer; of one text [length].

        Padded, or cut, as the checkpoint's library does; of what is cut a warning says how many
        texts that are.

        Raises TypeError for what is no text; ValueError where the library holds no tokenizer, and
        for a lone surrogate; VitError for a text that open_clip would repair first.
        """
        self._contexts.check()
        if not self._library.has_tokenizer:
            raise ValueError(
                "the library holds no tokenizer: give it ids"
                if self.info.reads_texts
                else "the model reads images, not texts"
            )
        one = isinstance(texts, str)
        some = [texts] if isinstance(texts, str) else list(texts)
        ids = numpy.empty((len(some), *self.info.input.shape), numpy.int32)
        cut = 0
        for row, text in zip(ids, some):
            if not isinstance(text, str):
                raise TypeError(f"found {type(text).__name__}, expected a text")
            count = self._library.tokenize(text.encode(), row.ctypes.data)
            cut += count > len(row)
        if cut:
            warnings.warn(
                f"{cut} of {len(some)} texts are longer than {ids.shape[1]} tokens, and are cut",
                stacklevel=2,
            )
        result: NDArray[numpy.int32] = ids[0] if one else ids
        return result

    # ---- Pictures --------------------------------------------------------------------------------

    def preprocess(
        self,
        picture: Picture,
        *,
        size: tuple[int, int] | None = None,
        orient: bool = False,
        out: Floats | None = None,
    ) -> Floats:
        """One image of the model's input, [channels, height, width], from a picture of any size.

        picture: a path, the bytes of a file, an image of Pillow's, or RGB pixels uint8 [height,
            width, 3]. Files take Pillow.
        size: height and width of the image, one of ``sizes``; None: what the checkpoint's
            preprocessing makes of the picture, which is the first unless it goes by the aspect.
        orient: whether the picture is turned as its EXIF data says, which neither timm nor
            transformers do.
        out: where the image is written.

        Resized, cropped and normalized as the checkpoint's library does, to PIL's pixels. Any
        number of threads may do it at once.

        Raises FileNotFoundError, ValueError and TypeError for what is no picture; VitError where
        the model has no preprocessing that vitc follows.
        """
        self._contexts.check()
        if self.info.reads_texts:
            raise ValueError("the model reads texts, not pictures: tokenize() makes ids of texts")
        rgb = pixels(picture, on_white=self.info.puts_on_white, orient=orient)
        height, width = rgb.shape[:2]
        place = self._size(size, width, height)
        shape = self.info.sizes[place].input.shape
        given = {"image": out} if out is not None else None
        image = _arrays.outputs(given, {"image": shape}, rgb)["image"]
        self._library.preprocess(
            rgb.ctypes.data, width, height, rgb.strides[0], place, image.ctypes.data
        )
        return image if out is None else out

    def preprocess_pixels(
        self,
        pixels: NDArray[numpy.uint8],
        format: str = "rgb",
        *,
        size: tuple[int, int] | None = None,
        orientation: int = 1,
    ) -> Floats:
        """One image of the model's input, [channels, height, width], from pixels as they lie.

        pixels: uint8; [height, width, 3] of "rgb" and "bgr", [height, width, 4] of "rgba" and
            "bgra" (whose alpha is dropped, or put on white as the checkpoint's library does),
            [height, width] of "grey", [height * 3 / 2, width] of "nv12" (BT.601, narrow range;
            extents are even). Rows at any distance, from bottom to top too, are not copied.
        format: one of these.
        size: as of ``preprocess``.
        orientation: EXIF's, 1 to 8: the picture is turned upright first.

        Raises ValueError and TypeError for what is no such array; VitError for what the library
        refuses.
        """
        self._contexts.check()
        function = self._library.require("preprocess_picture", "takes RGB alone")
        raw, keep = raw_picture(pixels, format, orientation)
        if self.info.reads_texts:
            raise ValueError("the model reads texts, not pictures: tokenize() makes ids of texts")
        extents = (raw.height, raw.width) if orientation > 4 else (raw.width, raw.height)
        raw.input = self._size(size, *extents)
        image = numpy.empty(self.info.sizes[raw.input].input.shape, numpy.float32)
        self._library.check(function(ctypes.byref(raw), image.ctypes.data))
        del keep
        return image

    def embed(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        batch: int = 32,
        output: str | None = None,
        orient: bool = False,
    ) -> Floats:
        """The vectors of pictures, [n, *shape]; of one picture without n.

        pictures: as of ``preprocess``, one or any number.
        batch: how many are decoded and run together; the next ones are decoded meanwhile.
        output: which output; None: "features", else "pooler", else the only one.
        orient: as of ``preprocess``.

        Of a model for several sizes each picture becomes the one of ``preprocess``, and pictures of
        all sizes run together.

        Raises as ``preprocess`` and as a run do; ValueError where the output is not clear, or has
        another shape for each size.
        """
        name = self.embedding_output(output)
        one = is_picture(pictures)
        some: Any = [pictures] if one else pictures
        parts = [results[name] for results in batches(self, some, batch, [name], orient)]
        if one:
            vector: Floats = parts[0][0]
            return vector
        shape = next(found.shape for found in self.info.outputs if found.name == name)
        return numpy.concatenate(parts) if parts else numpy.empty((0, *shape), numpy.float32)

    def embedding_output(self, output: str | None = None) -> str:
        """The output that ``embed`` takes: ``output``, or what stands for it if it is None.

        Raises ValueError where the model has no such output, it is not clear which one, or it has
        another shape for each size of images.
        """
        name = self._names([output])[0] if output is not None else self._embedding()
        shapes = {
            found.shape for size in self.info.sizes for found in size.outputs if found.name == name
        }
        if len(shapes) > 1:
            raise ValueError(
                f"output '{name}' has another shape for each size of images: preprocess() the "
                "pictures and run them with mixed()"
            )
        return name

    def _embedding(self) -> str:
        names = [found.name for found in self.info.outputs]
        for name in _EMBEDDINGS:
            if name in names:
                return name
        if len(names) == 1 and names[0] != "logits":
            return names[0]
        raise ValueError(
            f"none of the outputs {', '.join(names)} is an embedding by itself: name one, or compile "
            "the model with outputs features"
        )

    @overload
    def classify(  # type: ignore[overload-overlap]  # a str is an iterable too
        self, pictures: Picture, top: int = 5, *, batch: int = 32, orient: bool = False
    ) -> list[Prediction]: ...

    @overload
    def classify(
        self, pictures: Iterable[Picture], top: int = 5, *, batch: int = 32, orient: bool = False
    ) -> list[list[Prediction]]: ...

    def classify(
        self, pictures: Any, top: int = 5, *, batch: int = 32, orient: bool = False
    ) -> list[Prediction] | list[list[Prediction]]:
        """The ``top`` classes of pictures by score, the highest first; a list for each picture, or
        one list for one picture.

        The scores are what the model's head was trained for, ``info.scores``: probabilities by
        softmax, of each class by itself by sigmoid, or values.

        Raises as ``preprocess`` and as a run do; ValueError where the model has no class scores.
        """
        rule = self.info.scores
        if self.info.output("logits") is None:
            names = ", ".join(output.name for output in self.info.outputs)
            raise ValueError(f"the model has no class scores; its outputs are {names}")
        if rule is None:
            raise ValueError("this version of the package does not know what makes the model's scores")
        if top < 1:
            raise ValueError(f"top is {top}, expected 1 or more")
        one = is_picture(pictures)
        answers = [
            _scores.top(row, top, self.info.labels)
            for results in batches(self, [pictures] if one else pictures, batch, ["logits"], orient)
            for row in _scores.scores(results["logits"], rule)
        ]
        return answers[0] if one else answers

    # ---- What it is ------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes; empty where the checkpoint had none."""
        return self.info.labels

    @property
    def threads(self) -> int:
        """The parts that a run is split into, as asked for; 0: one for each processor."""
        return self._threads

    def selftest(self) -> SelfTest:
        """Runs a made-up image whose outputs are known; takes as long as one run.

        For a service to call before it takes requests. A result beyond the limit is returned, not
        raised. Raises VitError if the library has no self-test values.
        """
        self._contexts.check()
        return SelfTest(*self._library.selftest(self._handle))

    def stats(self) -> Stats:
        """What this model's contexts did in this process; waits for runs that are under way.

        Contexts of threads that have ended are not counted. Raises VitError if the library was
        compiled by a version of vitc that counts nothing.
        """
        runs = images = nanoseconds = 0
        names = self.info.steps
        steps: dict[str, int] = {}
        for context in self._contexts.living():
            found = self._library.stats(context)
            runs, images, nanoseconds = runs + found[0], images + found[1], nanoseconds + found[2]
            for index, time in enumerate(found[3]):
                name = names[index] if index < len(names) else f"step {index}"
                steps[name] = steps.get(name, 0) + time
        return Stats(runs, images, nanoseconds, steps)

    def close(self) -> None:
        """Ends all contexts, each after the run that it is in, and the model."""
        self._contexts.close()
        self._end()

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self._threads, self._weights, self._isa, self._step_times)

    def __repr__(self) -> str:
        outputs = ", ".join(f"{output.name} {list(output.shape)}" for output in self.info.outputs)
        shapes = " or ".join(str(list(shape)) for shape in self._shapes)
        shapes = shapes or str(list(self.info.input.shape))
        return f"<vitc.Model {self.info.model} {shapes} -> {outputs}>"


def _reopen(
    path: str, threads: int, weights: str | None, isa: str | None, step_times: bool = False
) -> Model:
    return Model(path, threads, weights=weights, isa=isa, step_times=step_times)


__all__ = ["Model", "load"]
