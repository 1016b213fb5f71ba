"""Where the program vitc is."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

_HINT = (
    "set VITC to its path, put it on PATH, or install a wheel that carries it ('make wheel' after "
    "'make dist')"
)


def find() -> str:
    """The path of vitc: what the environment variable VITC names, else the one of this package,
    else the first on PATH.

    Raises FileNotFoundError if there is none.
    """
    named = os.environ.get("VITC")
    if named:
        if not _is_program(Path(named)):
            raise FileNotFoundError(f"VITC names '{named}', which is no program")
        return named
    places = [Path(__file__).with_name("bin")]
    places += [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for place in places:
        if _is_program(place / "vitc"):
            return str(place / "vitc")
    raise FileNotFoundError(f"there is no program vitc: {_HINT}")


def _is_program(path: Path) -> bool:
    """Whether a file may be run and is no script: one of this package's would start itself."""
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def digest(path: str) -> str:
    """SHA-256 of the program: what another vitc compiles may differ."""
    found = os.stat(path)
    return _digest(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _digest(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
