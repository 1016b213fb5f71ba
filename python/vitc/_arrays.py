"""Arrays from anywhere, without copies where that can be: numpy, PyTorch, DLPack, buffers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float32]


def is_tensor(value: object) -> bool:
    """Whether ``value`` is a tensor of PyTorch's, which is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def view(value: Any) -> tuple[NDArray[Any], Callable[[Floats], Any]]:
    """``value`` as an array of numpy's, and what turns a result into what the caller uses.

    The array shares memory with ``value``. Raises TypeError for what is no array, ValueError for a
    tensor that cannot be shared.
    """
    if isinstance(value, numpy.ma.MaskedArray):
        raise TypeError("found a masked array, whose mask would be ignored: fill it first")
    if isinstance(value, numpy.ndarray):
        return value, lambda result: result
    if is_tensor(value):
        return _tensor(value), _to_tensor
    if isinstance(value, (str, bytes, list, tuple)):
        raise TypeError(
            f"found {_article(type(value).__name__)}, expected an array of float32; "
            "preprocess() makes one of pictures"
        )
    if hasattr(value, "__dlpack__"):
        try:
            return numpy.from_dlpack(value), lambda result: result
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"numpy cannot share the {_name(value)}: {error}") from error
    try:
        buffer = memoryview(value)
    except TypeError:
        raise TypeError(
            f"found {_article(_name(value))}, expected an array of float32: of numpy or PyTorch, "
            "or anything with DLPack or the buffer protocol"
        ) from None
    return numpy.asarray(buffer), lambda result: result


def images(
    value: Any, shapes: Sequence[tuple[int, ...]]
) -> tuple[Floats, bool, Callable[[Floats], Any], int]:
    """``value`` as images [n, *shape] of one of ``shapes``, dense and aligned; whether it was one
    image without n; what turns a result into what the caller uses; and the place of the shape.

    Raises TypeError for another element type or no array at all, ValueError for another shape.
    """
    array, wrap = view(value)
    if array.dtype != numpy.float32:
        hint = "convert it with astype(numpy.float32)"
        if array.dtype == numpy.uint8:
            hint = "preprocess() makes float32 images of pictures"
        elif is_tensor(value):
            hint = "convert it with .float()"
        raise TypeError(f"the images are {array.dtype}, expected float32; {hint}")
    is_single = array.ndim == 3
    if is_single:
        array = array[numpy.newaxis]
    if array.ndim != 4 or array.shape[1:] not in shapes:
        found = list(array.shape[1:] if is_single else array.shape)
        known = [", ".join(map(str, shape)) for shape in shapes]
        message = f"the images have shape {found}, expected [n, {known[0]}] or [{known[0]}]"
        if len(shapes) > 1:
            sizes = ", ".join(f"{height} x {width}" for _, height, width in shapes)
            message = (
                f"the images have shape {found}, expected [n, {shapes[0][0]}, height, width] with "
                f"one of the sizes {sizes}"
            )
        if array.shape[-3:] in [(*shape[1:], shape[0]) for shape in shapes]:
            message += "; the channels come last: transpose to channels, height, width"
        raise ValueError(message)
    # A copy only where elements are not where the library looks for them.
    place = list(shapes).index(array.shape[1:])
    return numpy.require(array, numpy.float32, ["C", "A"]), is_single, wrap, place


def ids(
    value: Any, shape: tuple[int, ...]
) -> tuple[NDArray[numpy.int32], bool, Callable[[Floats], Any]]:
    """``value`` as the ids of texts [n, *shape], as ``images`` has pictures.

    Raises TypeError for what are no integers, ValueError for another shape or numbers of more than
    32 bits.
    """
    if isinstance(value, (list, tuple)):
        value = numpy.asarray(value)
    array, wrap = view(value)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"the ids are {array.dtype}, expected integers; tokenize() makes them of texts"
        )
    found = list(array.shape)
    is_single = array.shape == shape
    if is_single:
        array = array[numpy.newaxis]
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        expected = ", ".join(map(str, shape))
        raise ValueError(f"the ids have shape {found}, expected [n, {expected}] or [{expected}]")
    limits = numpy.iinfo(numpy.int32)
    if array.dtype.itemsize > 2 and array.size:
        for wrong in int(array.min()), int(array.max()):
            if not limits.min <= wrong <= limits.max:
                raise ValueError(f"the ids hold {wrong}, expected numbers of 32 bits")
    return numpy.require(array, numpy.int32, ["C", "A"]), is_single, wrap


def outputs(
    given: Mapping[str, Any] | None,
    shapes: Mapping[str, tuple[int, ...]],
    source: NDArray[Any],
    types: Mapping[str, str] | None = None,
) -> dict[str, NDArray[Any]]:
    """Places for outputs of these shapes: the caller's own where there are some, else new ones.

    types: the element type of each, as numpy names it; float32 where it is not there.

    Raises ValueError for a place that does not fit, TypeError for one of another element type.
    """
    places: dict[str, NDArray[Any]] = {}
    for name, shape in shapes.items():
        dtype = numpy.dtype((types or {}).get(name, "float32"))
        if given is None or name not in given:
            places[name] = numpy.empty(shape, dtype)
            continue
        place, _ = view(given[name])
        what = f"the place of output '{name}'"
        if place.dtype != dtype:
            raise TypeError(f"{what} is {place.dtype}, expected {dtype}")
        if place.shape != shape:
            raise ValueError(f"{what} has shape {list(place.shape)}, expected {list(shape)}")
        if not (place.flags.c_contiguous and place.flags.aligned and place.flags.writeable):
            raise ValueError(f"{what} is not a contiguous array that may be written to")
        others: list[NDArray[Any]] = [source, *places.values()]
        if any(numpy.may_share_memory(place, other) for other in others if other.size):
            raise ValueError(f"{what} overlaps the images or another output")
        places[name] = place
    for name in given or {}:
        if name not in shapes:
            known = ", ".join(f"'{known}'" for known in shapes)
            raise ValueError(f"there is no output '{name}' to write, but {known}")
    return places


def not_finite(array: NDArray[Any]) -> int | None:
    """The index of the first element that is NaN or infinite, if there is one."""
    with numpy.errstate(all="ignore"):
        # A sum is finite only if all its terms are; a sum that is not may have overflowed.
        if math.isfinite(float(array.sum(dtype=numpy.float32))):
            return None
    wrong = ~numpy.isfinite(array.reshape(-1))
    return int(wrong.argmax()) if wrong.any() else None


def _tensor(tensor: Any) -> NDArray[Any]:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu":
        raise ValueError(f"the tensor is on {tensor.device}, expected the CPU: use .cpu()")
    if tensor.layout is not torch.strided:
        raise ValueError(f"the tensor is {tensor.layout}, expected a dense one: use .to_dense()")
    if tensor.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            "the tensor requires gradients, which a compiled model has none of: "
            "use torch.inference_mode() or .detach()"
        )
    if tensor.dtype is torch.bfloat16:  # numpy has no such type
        raise TypeError("the images are bfloat16, expected float32; convert it with .float()")
    array: NDArray[Any] = tensor.detach().resolve_conj().resolve_neg().numpy()
    return array


def _to_tensor(result: Floats) -> Any:
    return sys.modules["torch"].from_numpy(result)


def _name(value: object) -> str:
    return type(value).__name__


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
