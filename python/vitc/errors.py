"""What a compiled model or the compiler says when it refuses."""

from __future__ import annotations

import enum

__all__ = [
    "ClosedError",
    "CompileError",
    "CompileWarning",
    "Status",
    "TransparencyWarning",
    "VitError",
]


class Status(enum.IntEnum):
    """Why a call of a compiled model failed; the numbers are those of its C header."""

    INVALID_ARGUMENT = 1
    """A null pointer, a zero count, a size out of range."""
    OUT_OF_MEMORY = 2
    """There is no memory for a model, a context or preprocessing."""
    WEIGHTS_UNREADABLE = 3
    """The weights file is absent or cannot be mapped."""
    WEIGHTS_MISMATCH = 4
    """The weights file is another model's, truncated or damaged."""
    NO_THREADS = 5
    """The system refused to start threads."""
    UNSUPPORTED_CPU = 6
    """This processor lacks what the code needs."""
    SELFTEST_FAILED = 7
    """A run differs from the self-test values by more than the limit."""
    NO_SELFTEST = 8
    """The library holds no self-test values."""
    NOT_A_MODEL = 100
    """The file is no shared library, or none that vitc compiled. Python's own status."""
    ABI_MISMATCH = 101
    """The library has another version of the binary interface. Python's own status."""
    NOT_FINITE = 102
    """The model made NaN or infinity of finite images. Python's own status."""


class VitError(RuntimeError):
    """A compiled model refused a call.

    The text is the library's own. ``status`` is a ``Status``, or a plain number that this version
    of the package does not know.
    """

    def __init__(self, message: str, status: int = Status.INVALID_ARGUMENT) -> None:
        super().__init__(message)
        self.status: int = Status(status) if status in Status.__members__.values() else status

    def __reduce__(self) -> tuple[type[VitError], tuple[str, int]]:
        return type(self), (str(self), int(self.status))


class ClosedError(VitError):
    """The model was closed."""


class CompileError(RuntimeError):
    """``vitc compile`` refused a model; the text is the command's own.

    ``code`` is its exit code: 1 for a failure, 64 for wrong usage.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[CompileError], tuple[str, int]]:
        return type(self), (str(self), self.code)


class CompileWarning(UserWarning):
    """What ``vitc compile`` warns of; the text is the command's own."""


class TransparencyWarning(UserWarning):
    """A picture is transparent, and the model's preprocessing does not say what is behind it."""
