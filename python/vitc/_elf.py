"""What a look into a library's file tells before the dynamic linker maps it.

``dlopen`` believes the headers: touching a page beyond the end of a truncated library kills the
process (SIGBUS). The same walk finds the one symbol that a generic loader needs.
"""

from __future__ import annotations

import errno
import os
import platform
import stat
import struct
from typing import NamedTuple

from .errors import Status, VitError

_SUFFIX = b"_vitc_entry"
# e_machine: EM_X86_64, EM_AARCH64 and those that people meet besides.
_MACHINES = {
    62: "x86-64",
    183: "64-bit Arm",
    3: "32-bit x86",
    40: "32-bit Arm",
    243: "RISC-V",
    21: "64-bit PowerPC",
    22: "s390x",
    258: "LoongArch",
}
_OWN_MACHINE = 183 if platform.machine() in ("aarch64", "arm64") else 62

_DT_HASH, _DT_STRTAB, _DT_SYMTAB = 4, 5, 6
_PT_LOAD, _PT_DYNAMIC = 1, 2


class LibraryFile(NamedTuple):
    """A library that may be loaded."""

    path: str
    """Its absolute path."""
    identity: tuple[int, int, int, int]
    """Device, inode, size and time of change: the same file has the same."""
    symbol: str
    """The name of the function NAME_vitc_entry."""


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    file_bytes: int


def inspect(path: str) -> LibraryFile:
    """Looks into the file at ``path``.

    Raises FileNotFoundError, IsADirectoryError, PermissionError or another OSError if it cannot be
    read, VitError if it is truncated, for another processor or no model that vitc compiled.
    """
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, expected a compiled model", path)
    if not stat.S_ISREG(found.st_mode):
        raise VitError(f"cannot load '{path}': it is not a regular file", Status.NOT_A_MODEL)
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())
        identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        return LibraryFile(path, identity, _Reader(path, file.fileno(), found.st_size).symbol())


class _Reader:
    """Reads an ELF file for a 64-bit little-endian processor."""

    def __init__(self, path: str, file: int, size: int) -> None:
        self._path, self._file, self._size = path, file, size

    def _refusal(self, reason: str) -> VitError:
        return VitError(f"cannot load '{self._path}': {reason}", Status.NOT_A_MODEL)

    def _bytes(self, offset: int, count: int) -> bytes:
        data = os.pread(self._file, count, offset) if offset + count <= self._size else b""
        if len(data) != count:
            raise self._refusal("it is truncated")
        return data

    def _segments(self) -> list[_Segment]:
        if self._size < 4 or self._bytes(0, 4) != b"\x7fELF":
            raise self._refusal("it is not a shared library")
        header = self._bytes(0, 64)
        kind, machine = struct.unpack_from("<HH", header, 16)
        # Class 2 (64 bits), byte order 1 (little), ET_DYN.
        if header[4] != 2 or header[5] != 1 or kind != 3:
            raise self._refusal("it is not a shared library for a 64-bit processor")
        if machine != _OWN_MACHINE:
            name = _MACHINES.get(machine, f"machine {machine}")
            own = _MACHINES[_OWN_MACHINE]
            raise self._refusal(f"it is a library for {name}, this program runs on {own}")
        (start,) = struct.unpack_from("<Q", header, 32)
        stride, count = struct.unpack_from("<HH", header, 54)
        if stride != 56:
            raise self._refusal("it is truncated")
        table = self._bytes(start, 56 * count)
        segments = []
        for at in range(0, len(table), 56):
            (kind,) = struct.unpack_from("<I", table, at)
            offset, address, _, file_bytes = struct.unpack_from("<QQQQ", table, at + 8)
            if offset + file_bytes > self._size:
                end = offset + file_bytes
                raise self._refusal(f"it is truncated: {self._size} bytes, expected at least {end}")
            segments.append(_Segment(kind, offset, address, file_bytes))
        return segments

    def symbol(self) -> str:
        """The name of the function whose name ends in _vitc_entry."""
        segments = self._segments()

        def place(address: int) -> int:
            for segment in segments:
                inside = address - segment.address
                if segment.kind == _PT_LOAD and 0 <= inside < segment.file_bytes:
                    return segment.offset + inside
            raise self._refusal("its dynamic section is damaged")

        tables: dict[int, int] = {}
        for segment in segments:
            if segment.kind == _PT_DYNAMIC:
                data = self._bytes(segment.offset, segment.file_bytes // 16 * 16)
                tables.update((key, value) for key, value in struct.iter_unpack("<qQ", data))
        missing = VitError(
            f"'{self._path}' is not a model compiled by vitc", Status.NOT_A_MODEL
        )
        if not {_DT_HASH, _DT_STRTAB, _DT_SYMTAB} <= tables.keys():
            raise missing
        # The second word of the hash table is the number of symbols, of 24 bytes each.
        _, count = struct.unpack("<II", self._bytes(place(tables[_DT_HASH]), 8))
        symbols = self._bytes(place(tables[_DT_SYMTAB]), 24 * count)
        strings = place(tables[_DT_STRTAB])
        for name, _, _, section, _, _ in struct.iter_unpack("<IBBHQQ", symbols):
            if section == 0:
                continue
            # Names of identifiers; a longer one is none of vitc's.
            text = os.pread(self._file, 512, strings + name).split(b"\0", 1)[0]
            if text.endswith(_SUFFIX) and len(text) > len(_SUFFIX):
                return text.decode("utf-8", "replace")
        raise missing
