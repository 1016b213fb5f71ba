"""Pictures: files, Pillow's images and arrays, as the RGB pixels that a model preprocesses."""

from __future__ import annotations

import ctypes
import io
import operator
import os
import warnings
from typing import TYPE_CHECKING, Any, Union

import numpy
from numpy.typing import NDArray

from . import _abi
from .errors import TransparencyWarning

if TYPE_CHECKING:
    from PIL import Image

Picture = Union[str, "os.PathLike[str]", bytes, "Image.Image", NDArray[numpy.uint8]]
"""A path, the bytes of a file, an image of Pillow's, or RGB pixels [height, width, 3]."""


def is_picture(value: object) -> bool:
    """Whether ``value`` is one picture, and not several."""
    if isinstance(value, (str, bytes, bytearray, memoryview, os.PathLike)):
        return True
    if isinstance(value, numpy.ndarray):
        return value.ndim <= 3 and value.dtype != object
    return hasattr(value, "convert") and hasattr(value, "getbands")


def describe(picture: object) -> str:
    """What messages call a picture."""
    if isinstance(picture, (str, os.PathLike)):
        return f"'{os.fspath(picture)}'"
    name = getattr(picture, "filename", "")
    return f"'{name}'" if name else "the picture"


def pixels(picture: Any, *, on_white: bool, orient: bool) -> NDArray[numpy.uint8]:
    """The RGB pixels [height, width, 3] of a picture, rows of 3 * width bytes at least.

    As ``PIL.Image.open(file).convert("RGB")``, which timm and transformers take: grey is repeated,
    palettes are looked up, colour profiles are ignored. Transparency is dropped, with a warning
    where a pixel is transparent, or put on white. The EXIF orientation counts if ``orient`` says so.

    Raises FileNotFoundError and other errors of opening a file; ValueError for a file that is no
    picture, or an array of another shape; TypeError for another element type.
    """
    if isinstance(picture, numpy.ndarray):
        return _array(picture)
    try:
        if hasattr(picture, "convert") and hasattr(picture, "getbands"):
            return _rgb(picture, describe(picture), on_white, orient)
        with _open(picture) as image:
            return _rgb(image, describe(picture), on_white, orient)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (OSError, SyntaxError, EOFError) as error:
        # Pillow decodes here, and has many words for damage.
        raise ValueError(f"{describe(picture)} is damaged: {error}") from error


def _array(picture: NDArray[Any]) -> NDArray[numpy.uint8]:
    if picture.dtype != numpy.uint8:
        raise TypeError(f"the picture is {picture.dtype}, expected uint8, from 0 to 255")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        found = ", ".join(map(str, picture.shape))
        message = f"the picture has shape [{found}], expected [height, width, 3]"
        if picture.ndim == 2:
            message += "; repeat grey: numpy.stack([grey] * 3, axis=-1)"
        elif picture.ndim == 3 and picture.shape[2] == 4:
            message += "; give RGBA as an image of Pillow's"
        elif picture.ndim == 3 and picture.shape[0] == 3:
            message += "; the channels come first: transpose to height, width, channels"
        raise ValueError(message)
    # The library takes any distance between rows, so a crop needs no copy.
    if picture.strides[2] == 1 and picture.strides[1] == 3 and picture.strides[0] >= 0:
        if picture.strides[0] >= 3 * picture.shape[1]:
            return picture
    return numpy.ascontiguousarray(picture)


# How pixels lie: the number in the ABI, and the bytes of one.
_FORMATS = {
    "rgb": (0, 3),
    "bgr": (1, 3),
    "rgba": (2, 4),
    "bgra": (3, 4),
    "grey": (4, 1),
    "nv12": (5, 1),
}


def raw_picture(
    array: NDArray[Any], format: str, orientation: int
) -> tuple[_abi.Picture, NDArray[Any]]:
    """The struct of the ABI for pixels, and the array that must live as long as it.

    Raises ValueError for another format, shape or orientation; TypeError for other elements.
    """
    if format not in _FORMATS:
        known = ", ".join(f"'{name}'" for name in _FORMATS)
        raise ValueError(f"the format is '{format}', expected one of {known}")
    if not isinstance(array, numpy.ndarray) or array.dtype != numpy.uint8:
        found = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"the pixels are {found}, expected an array of uint8")
    number, size = _FORMATS[format]
    shape = list(array.shape)
    if array.ndim != (2 if size == 1 else 3) or 0 in shape or (size > 1 and shape[2] != size):
        expected = "[height, width]" if size == 1 else f"[height, width, {size}]"
        raise ValueError(f"the pixels have shape {shape}, expected {expected} of '{format}'")
    if format == "nv12" and (shape[0] % 3 != 0 or shape[1] % 2 != 0):
        raise ValueError(
            f"the pixels have shape {shape}, expected [height * 3 / 2, width] of 'nv12', both even"
        )
    strides = array.strides
    dense = strides[1] == size and (size == 1 or strides[2] == 1)
    if not dense or abs(strides[0]) < size * shape[1] or (format == "nv12" and strides[0] < 0):
        array = numpy.ascontiguousarray(array)
    height = shape[0] * 2 // 3 if format == "nv12" else shape[0]
    row = array.strides[0]
    raw = _abi.Picture(
        size=ctypes.sizeof(_abi.Picture),
        pixels=array.ctypes.data,
        row_bytes=row,
        width=shape[1],
        height=height,
        format=number,
        orientation=operator.index(orientation),
    )
    if format == "nv12":
        raw.chroma = array.ctypes.data + height * row
        raw.chroma_row_bytes = row
    return raw, array


def _open(picture: Any) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ImportError(
            "reading pictures takes Pillow: pip install 'vitc[pictures]', or give RGB arrays"
        ) from None
    if isinstance(picture, (str, os.PathLike)):
        source: Any = os.fspath(picture)
    else:
        # BytesIO takes None for no bytes.
        if not isinstance(picture, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"found {type(picture).__name__}, expected a path, the bytes of a file, an image of "
                "Pillow's, or an array uint8 [height, width, 3]"
            )
        source = io.BytesIO(picture)
    try:
        return Image.open(source)
    except UnidentifiedImageError:
        raise ValueError(f"{describe(picture)} is no picture that Pillow knows") from None


def _rgb(image: Any, name: str, on_white: bool, orient: bool) -> NDArray[numpy.uint8]:
    from PIL import Image, ImageOps

    if orient:
        image = ImageOps.exif_transpose(image)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if on_white and has_alpha:
        transparent = image.convert("RGBA")
        white = Image.new("RGBA", transparent.size, (255, 255, 255))
        image = Image.alpha_composite(white, transparent)
        return numpy.asarray(image.convert("RGB"))
    if has_alpha and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
        warnings.warn(
            f"the transparency of {name} is ignored, as the model's preprocessing does not say "
            "what is behind",
            TransparencyWarning,
            stacklevel=2,
        )
    if "transparency" in image.info:
        # Pillow would warn of it, and the libraries convert so all the same.
        image = image.copy()
        del image.info["transparency"]
    return numpy.asarray(image.convert("RGB"))
