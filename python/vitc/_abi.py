"""The C interface of compiled models, version 2: the layouts of vit_abi.h.

Structs grow at their ends only and say their size first, so what an older library lacks is known by
its size.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8
from ctypes import c_uint32, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctypes import _Pointer

    FloatPointer = _Pointer[c_float]

ABI_VERSION = 2
"""VIT_ABI_VERSION"""


class Options(ctypes.Structure):
    """vit_options"""

    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("reserved", c_int32),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("weights_path", c_char_p),
        ("isa", c_char_p),
        ("step_times", c_int32),
        ("reserved2", c_int32),
    ]


class ContextStats(ctypes.Structure):
    """vit_context_stats"""

    _fields_ = [
        ("size", c_size_t),
        ("runs", c_uint64),
        ("images", c_uint64),
        ("nanoseconds", c_uint64),
        ("step_nanoseconds", POINTER(c_uint64)),
        ("step_capacity", c_int32),
        ("step_count", c_int32),
    ]


class Picture(ctypes.Structure):
    """vit_picture"""

    _fields_ = [
        ("size", c_size_t),
        ("pixels", c_void_p),
        ("chroma", c_void_p),
        ("row_bytes", ctypes.c_ssize_t),
        ("chroma_row_bytes", ctypes.c_ssize_t),
        ("width", c_int32),
        ("height", c_int32),
        ("format", c_int32),
        ("orientation", c_int32),
        ("input", c_int32),
        ("reserved", c_int32),
    ]


class SizedImage(ctypes.Structure):
    """vit_sized_image"""

    _fields_ = [
        ("image", c_void_p),
        ("outputs", POINTER(c_void_p)),
        ("size", c_int32),
        ("reserved", c_int32),
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


class Description(ctypes.Structure):
    """vit_description; ``isas`` and ``scores`` are later than the first version."""

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
        ("isas", c_char_p),
        ("scores", c_char_p),
    ]


class SelfTestResult(ctypes.Structure):
    """vit_selftest_result"""

    _fields_ = [("size", c_size_t), ("error", c_double), ("limit", c_double)]


FLOATS = POINTER(c_float)
BYTES = POINTER(c_uint8)


class Entry(ctypes.Structure):
    """vit_entry; ``isa`` and what follows it are later than the first version."""

    _fields_ = [
        ("size", c_size_t),
        ("abi_version", c_uint32),
        ("reserved", c_uint32),
        ("description", ctypes.CFUNCTYPE(POINTER(Description))),
        ("create", ctypes.CFUNCTYPE(c_int32, POINTER(Options), POINTER(c_void_p))),
        ("destroy", ctypes.CFUNCTYPE(None, c_void_p)),
        ("context_create", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_void_p))),
        ("context_destroy", ctypes.CFUNCTYPE(None, c_void_p)),
        ("run", ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p)),
        ("run_all", ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, POINTER(c_void_p))),
        (
            "preprocess",
            ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_int32, c_size_t, c_void_p),
        ),
        ("last_error", ctypes.CFUNCTYPE(c_char_p)),
        ("isa", ctypes.CFUNCTYPE(c_char_p, c_void_p)),
        ("selftest", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(SelfTestResult))),
        ("context_stats", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(ContextStats))),
        ("preprocess_picture", ctypes.CFUNCTYPE(c_int32, POINTER(Picture), c_void_p)),
        (
            "preprocess_pictures",
            ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Picture), c_size_t, c_void_p),
        ),
        (
            "tokenize",
            ctypes.CFUNCTYPE(c_int32, c_char_p, c_size_t, c_void_p, POINTER(c_size_t)),
        ),
        # Null in a library for images of one size.
        ("sizes", ctypes.CFUNCTYPE(POINTER(POINTER(Description)))),
        (
            "run_sized",
            ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_void_p, c_size_t, c_void_p),
        ),
        (
            "run_all_sized",
            ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_void_p, c_size_t, POINTER(c_void_p)),
        ),
        ("run_mixed", ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(SizedImage), c_size_t)),
        (
            "preprocess_sized",
            ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_int32, c_size_t, c_int32, c_void_p),
        ),
        ("size_for", ctypes.CFUNCTYPE(c_int32, c_int32, c_int32, POINTER(c_int32))),
    ]


LEAST_ENTRY_BYTES: int = Entry.isa.offset
"""The size of the table in the first version of the interface."""


def has(struct: Any, field: str) -> bool:
    """Whether a struct of the library's is long enough to hold ``field``."""
    descriptor = getattr(type(struct), field)
    return bool(struct.size >= descriptor.offset + descriptor.size)


def text(value: bytes | None) -> str:
    """A C string, "" for a null pointer."""
    return "" if value is None else value.decode("utf-8", "replace")
