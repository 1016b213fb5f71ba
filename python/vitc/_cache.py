"""Compiled libraries that were made before: a folder for each, named after all that it depends on."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

# Raised where the same key would mean something else.
_FORMAT = b"vitc-cache-1"
# What vitc reads of a folder.
_SUFFIXES = {".json", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".npz", ".txt"}
_PHOTOS = {".png", ".jpg", ".jpeg"}


def folder() -> Path:
    """Libraries in the cache: in VITC_CACHE, else in vitc in XDG_CACHE_HOME, else in ~/.cache/vitc.

    The compiler keeps code in the same cache, see 'vitc cache'.
    """
    named = os.environ.get("VITC_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    caches = Path(base) if base else Path.home() / ".cache"
    return (Path(named) if named else caches / "vitc") / "libraries"


class Key:
    """The hash of everything that a library depends on."""

    def __init__(self, compiler: str, arguments: Iterable[str]) -> None:
        """Begins with the digest of the compiler and its arguments, paths of inputs left out."""
        self._hash = hashlib.sha256()
        self.add(_FORMAT, compiler.encode(), *(argument.encode() for argument in arguments))

    def add(self, *parts: bytes) -> None:
        """Adds parts, whose borders count."""
        for part in parts:
            self._hash.update(len(part).to_bytes(8, "little"))
            self._hash.update(part)

    def add_input(self, path: Path, *, photos: bool = False) -> None:
        """Adds a file's bytes, or of a folder the names and bytes of the files that vitc reads."""
        if path.is_dir():
            suffixes = _PHOTOS if photos else _SUFFIXES
            for file in sorted(path.iterdir()):
                if file.suffix.lower() in suffixes and file.is_file():
                    self.add(file.name.encode())
                    self._add_file(file)
        else:
            self._add_file(path)

    def _add_file(self, path: Path) -> None:
        with path.open("rb") as file:
            self.add(hashlib.file_digest(file, "sha256").digest())

    def text(self) -> str:
        """The hash in hexadecimal digits."""
        return self._hash.hexdigest()


def library(key: Key, name: str, make: Callable[[Path], None]) -> Path:
    """The library of this key; ``make`` writes it to the path that it gets, if it is not there.

    Any number of processes may ask for one at once: a folder appears complete or not at all.
    """
    place = folder() / key.text()
    found = place / name
    if found.is_file():
        return found
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=place.parent))
    try:
        make(unfinished / name)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(place)
        except OSError:
            # Another process was faster.
            if not found.is_file():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return found
