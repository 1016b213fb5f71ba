"""A loaded library: its table of functions, called so that failures are exceptions."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import c_void_p
from typing import Any

from . import _abi
from ._elf import LibraryFile, inspect
from .errors import Status, VitError

# The names under which files were loaded, by their absolute paths. The dynamic linker takes a path
# that it has seen for the library that it was then, even if another file is there now, as after
# compiling again. A path written otherwise makes it look.
_loaded: dict[str, list[tuple[int, int, int, int]]] = {}
_lock = threading.Lock()


def _fresh_lock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread may have held it when the process was forked.
os.register_at_fork(after_in_child=_fresh_lock)


def _open(file: LibraryFile) -> ctypes.CDLL:
    with _lock:
        versions = _loaded.setdefault(file.path, [])
        if file.identity not in versions:
            versions.append(file.identity)
        folder, name = os.path.split(file.path)
        path = folder + "/" + "./" * versions.index(file.identity) + name
        try:
            # RTLD_NOW and RTLD_LOCAL: the names of two libraries do not meet.
            return ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            raise VitError(f"cannot load '{file.path}': {error}", Status.NOT_A_MODEL) from None


class Library:
    """The functions of one compiled model; it stays loaded as long as the process lives."""

    def __init__(self, path: str) -> None:
        """Loads the library at the absolute path ``path``; errors as of ``_elf.inspect``."""
        self.path = path
        file = inspect(path)
        self._dll = _open(file)
        function = getattr(self._dll, file.symbol)
        function.restype = ctypes.POINTER(_abi.Entry)
        function.argtypes = []
        self.entry = function().contents
        # These two fields come first in every version.
        if self.entry.abi_version != _abi.ABI_VERSION:
            raise VitError(
                f"'{path}' has version {self.entry.abi_version} of the binary interface, expected "
                f"{_abi.ABI_VERSION}; compile it with the vitc of this package",
                Status.ABI_MISMATCH,
            )
        if self.entry.size < _abi.LEAST_ENTRY_BYTES:
            raise VitError(f"'{path}' has no complete table of functions", Status.NOT_A_MODEL)

    def check(self, status: int) -> None:
        """Raises what the calling thread's last failing call had to say."""
        if status != 0:
            text = _abi.text(self.entry.last_error())
            raise VitError(text or f"the model returned status {status}", status)

    def description(self) -> Any:
        """The struct vit_description."""
        return self.entry.description().contents

    @property
    def has_sizes(self) -> bool:
        """Whether the model is for images of several sizes."""
        return _abi.has(self.entry, "size_for") and bool(self.entry.sizes)

    def descriptions(self) -> list[Any]:
        """The struct vit_description of each size, the first that of ``description``."""
        if not self.has_sizes:
            return [self.description()]
        found = self.entry.sizes()
        descriptions: list[Any] = []
        while found[len(descriptions)]:
            descriptions.append(found[len(descriptions)].contents)
        return descriptions

    def size_for(self, width: int, height: int) -> int:
        """Which size the checkpoint's preprocessing makes of a picture."""
        if not self.has_sizes:
            return 0
        size = ctypes.c_int32()
        self.check(self.entry.size_for(width, height, ctypes.byref(size)))
        return size.value

    def preprocess(
        self, rgb: int, width: int, height: int, row_bytes: int, size: int, image: int
    ) -> None:
        """Makes an image of a size from RGB rows; pointers are addresses."""
        if size == 0:
            self.check(self.entry.preprocess(rgb, width, height, row_bytes, image))
        else:
            self.check(
                self.entry.preprocess_sized(rgb, width, height, row_bytes, size, image)
            )

    def run_all(
        self, context: c_void_p, size: int, images: int, count: int, outputs: Any
    ) -> None:
        """Runs images of a size; pointers are addresses."""
        if size == 0:
            self.check(self.entry.run_all(context, images, count, outputs))
        else:
            self.check(self.entry.run_all_sized(context, size, images, count, outputs))

    def create(
        self, threads: int, weights: str | None, isa: str | None, step_times: bool = False
    ) -> c_void_p:
        """Makes a model, which the caller destroys."""
        options = _abi.Options(
            size=ctypes.sizeof(_abi.Options),
            threads=threads,
            weights_path=None if weights is None else os.fsencode(weights),
            isa=None if isa is None else isa.encode(),
            step_times=int(step_times),
        )
        handle = c_void_p()
        self.check(self.entry.create(ctypes.byref(options), ctypes.byref(handle)))
        return handle

    def context(self, model: c_void_p) -> c_void_p:
        """Makes a context, which the caller destroys."""
        handle = c_void_p()
        self.check(self.entry.context_create(model, ctypes.byref(handle)))
        return handle

    def isa(self, model: c_void_p) -> str:
        """The instruction set that a model runs; "" where the library does not say."""
        if not _abi.has(self.entry, "isa"):
            return ""
        return _abi.text(self.entry.isa(model))

    def require(self, function: str, what: str) -> Any:
        """A function of the table that older libraries have not, or raises that ``what`` fails."""
        if not _abi.has(self.entry, function) or not getattr(self.entry, function):
            raise VitError(f"the model was compiled by a version of vitc that {what}")
        return getattr(self.entry, function)

    def stats(self, context: c_void_p) -> tuple[int, int, int, list[int]]:
        """Runs, images and nanoseconds of a context, and the nanoseconds of its steps."""
        function = self.require("context_stats", "counts no runs")
        raw = _abi.ContextStats(size=ctypes.sizeof(_abi.ContextStats))
        self.check(function(context, ctypes.byref(raw)))
        times = (ctypes.c_uint64 * raw.step_count)()
        raw.step_nanoseconds = ctypes.cast(times, ctypes.POINTER(ctypes.c_uint64))
        raw.step_capacity = raw.step_count
        self.check(function(context, ctypes.byref(raw)))
        return raw.runs, raw.images, raw.nanoseconds, list(times)

    @property
    def has_tokenizer(self) -> bool:
        """Whether it is a text tower that holds its tokenizer."""
        return _abi.has(self.entry, "tokenize") and bool(self.entry.tokenize)

    def tokenize(self, text: bytes, ids: int) -> int:
        """Writes the ids of a text in UTF-8 to an address; returns how many the whole text has."""
        count = ctypes.c_size_t()
        self.check(self.entry.tokenize(text, len(text), ids, ctypes.byref(count)))
        return count.value

    def selftest(self, model: c_void_p) -> tuple[float, float]:
        """Error and limit of the self-test; a failed one is returned, not raised."""
        if not _abi.has(self.entry, "selftest"):
            raise VitError(
                "the model was compiled by a version of vitc without self-tests",
                Status.NO_SELFTEST,
            )
        result = _abi.SelfTestResult(size=ctypes.sizeof(_abi.SelfTestResult))
        status = self.entry.selftest(model, ctypes.byref(result))
        if status != Status.SELFTEST_FAILED:
            self.check(status)
        return result.error, result.limit
