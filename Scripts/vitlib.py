"""A compiled model in Python, through the C interface of Sources/Runtime/CVitABI/vit_abi.h.

For the scripts of this folder; needs numpy 2 and nothing else.
"""

import ctypes
import re
from ctypes import POINTER, c_char_p, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint32
from ctypes import c_uint64, c_void_p
from pathlib import Path

import numpy

ABI_VERSION = 2
TYPES = {"f32": numpy.float32, "f16": numpy.float16, "i32": numpy.int32}


class Options(ctypes.Structure):
    """vit_options"""

    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("reserved", c_int32),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("weights_path", c_char_p),
    ]


class Tensor(ctypes.Structure):
    """vit_tensor"""

    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_char_p),
        ("rank", c_int32),
        ("reserved", c_int32),
        ("shape", c_int64 * 4),
        ("elements", c_uint64),
    ]

    def dimensions(self) -> tuple:
        return tuple(self.shape[: self.rank])


class Description(ctypes.Structure):
    """vit_description"""

    _fields_ = [
        ("size", c_size_t),
        ("abi_version", c_uint32),
        ("output_count", c_int32),
        ("name", c_char_p),
        ("model", c_char_p),
        ("compiler_version", c_char_p),
        ("target", c_char_p),
        ("weights_hash", c_char_p),
        ("input", Tensor),
        ("outputs", POINTER(Tensor)),
        ("parameters", c_uint64),
        ("flops", c_uint64),
        ("weights_bytes", c_uint64),
        ("arena_bytes", c_uint64),
        ("json", c_char_p),
    ]


FLOATS = POINTER(c_float)


class Entry(ctypes.Structure):
    """vit_entry"""

    _fields_ = [
        ("size", c_size_t),
        ("abi_version", c_uint32),
        ("reserved", c_uint32),
        ("description", ctypes.CFUNCTYPE(POINTER(Description))),
        ("create", ctypes.CFUNCTYPE(c_int32, POINTER(Options), POINTER(c_void_p))),
        ("destroy", ctypes.CFUNCTYPE(None, c_void_p)),
        ("context_create", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_void_p))),
        ("context_destroy", ctypes.CFUNCTYPE(None, c_void_p)),
        ("run", ctypes.CFUNCTYPE(c_int32, c_void_p, FLOATS, c_size_t, c_void_p)),
        ("run_all", ctypes.CFUNCTYPE(c_int32, c_void_p, FLOATS, c_size_t, POINTER(c_void_p))),
        (
            "preprocess",
            ctypes.CFUNCTYPE(c_int32, POINTER(c_uint8), c_int32, c_int32, c_size_t, FLOATS),
        ),
        ("last_error", ctypes.CFUNCTYPE(c_char_p)),
    ]


class VitError(Exception):
    """A call that failed: its status and the library's text."""


class CompiledModel:
    """A compiled model with one context. `threads` 0: all processors."""

    def __init__(self, path, threads: int = 0, weights_path=None):
        path = Path(path).resolve()
        self._model, self._context = c_void_p(), c_void_p()
        names = set(re.findall(rb"\0(\w+_vitc_entry)\0", path.read_bytes()))
        if len(names) != 1:
            raise VitError(f"{path}: expected one symbol *_vitc_entry, found {len(names)}")
        entry = getattr(ctypes.CDLL(str(path)), names.pop().decode())
        entry.restype = POINTER(Entry)
        self._entry = entry().contents
        if self._entry.abi_version != ABI_VERSION:
            raise VitError(f"{path}: ABI version {self._entry.abi_version}, not {ABI_VERSION}")
        description = self._entry.description().contents
        self.name = description.name.decode()
        self.model = description.model.decode()
        self.compiler_version = description.compiler_version.decode()
        self.target = description.target.decode()
        self.flops = description.flops
        self.input_shape = description.input.dimensions()
        self.input_type = TYPES[description.input.dtype.decode()]
        self.outputs = {
            description.outputs[i].name.decode(): description.outputs[i].dimensions()
            for i in range(description.output_count)
        }
        self.types = {
            description.outputs[i].name.decode(): TYPES[description.outputs[i].dtype.decode()]
            for i in range(description.output_count)
        }
        options = Options(size=ctypes.sizeof(Options), threads=threads)
        if weights_path is not None:
            options.weights_path = str(weights_path).encode()
        self._check(self._entry.create(ctypes.byref(options), ctypes.byref(self._model)))
        self._check(self._entry.context_create(self._model, ctypes.byref(self._context)))

    def _check(self, status: int) -> None:
        if status != 0:
            text = (self._entry.last_error() or b"").decode()
            raise VitError(f"status {status}: {text}")

    def run(self, images: numpy.ndarray) -> dict:
        """All outputs by name for images float32 [n, *input_shape], or for the tokens of texts."""
        images = numpy.ascontiguousarray(images, self.input_type)
        if images.ndim != 1 + len(self.input_shape) or images.shape[1:] != self.input_shape:
            raise ValueError(f"expected images [n, *{self.input_shape}], found {images.shape}")
        count = len(images)
        results = {
            name: numpy.empty((count, *shape), self.types[name])
            for name, shape in self.outputs.items()
        }
        pointers = (c_void_p * len(results))(*(result.ctypes.data for result in results.values()))
        input_pointer = images.ctypes.data_as(FLOATS)
        self._check(self._entry.run_all(self._context, input_pointer, count, pointers))
        return results

    def preprocess(self, rgb: numpy.ndarray) -> numpy.ndarray:
        """The model's input for one photo, uint8 [height, width, 3]."""
        rgb = numpy.ascontiguousarray(rgb, numpy.uint8)
        height, width, channels = rgb.shape
        if channels != 3:
            raise ValueError(f"expected [height, width, 3], found {rgb.shape}")
        image = numpy.empty(self.input_shape, numpy.float32)
        pixels = rgb.ctypes.data_as(POINTER(c_uint8))
        self._check(
            self._entry.preprocess(
                pixels, width, height, rgb.strides[0], image.ctypes.data_as(FLOATS)
            )
        )
        return image

    def close(self) -> None:
        """Frees the context and the model; a second call does nothing."""
        if self._context:
            self._entry.context_destroy(self._context)
        if self._model:
            self._entry.destroy(self._model)
        self._context, self._model = c_void_p(), c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
