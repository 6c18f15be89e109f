"""Arrays of numbers out of Matlab files that come from anywhere, and nothing else out of them.

SciPy's reader ends the process for a file with a wrong type of data, or with cells within cells, and unpacks without
end. Layout: MathWorks' "MAT-File Format", level 5, as Matlab up to `-v7` and `scipy.io.savemat` write it.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 30
"""Of one array; the largest in the Basel Face Model has about 0.1 GB."""
_HEADER = 128
_ORDERS = {b"\0\1IM": "<", b"\1\0MI": ">"}
"""Version and order of bytes at the end of the header; -v7.3 has another version."""
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Types of data, as NumPy calls them."""
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""Classes of numeric arrays; whole numbers of a larger class may be stored in a smaller type."""
_COMPLEX = 0x800
_MAX_SIDES = 8
_PEEK = 4096
"""Enough for everything that stands before the numbers."""


class MatError(ValueError):
    """The file cannot be read, is larger than it may be, or lacks an array; the message says which."""


def read_mat(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The real, full numeric arrays `names`; the first where a name occurs twice. Raises `MatError`, `OSError`."""
    arrays: dict[str, NDArray[Any]] = {}
    with path.open("rb") as stream:
        for variable in _variables(stream):
            header = _read_header(_Cursor(variable.bytes(_PEEK), variable.order))
            if header is not None and header.name in names and header.name not in arrays:
                arrays[header.name] = _numbers(variable, header)
    if missing := [name for name in names if name not in arrays]:
        raise MatError(f"no numeric array {missing[0]!r}")
    return arrays


@dataclass(frozen=True)
class _Variable:
    """A part of the file, unread."""

    stream: IO[bytes]
    order: str
    """`<` or `>`, as `struct` has it."""
    at: int
    length: int
    packed: bool

    def bytes(self, most: int) -> bytes:
        """What it holds, the first `most` bytes of it; the tag of a packed one is left out."""
        self.stream.seek(self.at)
        if not self.packed:
            return self.stream.read(min(self.length, most))
        unpack = zlib.decompressobj()
        data, left, made = b"", self.length, bytearray()
        try:
            while len(made) < most + 8 and not unpack.eof:
                if not data:
                    data = self.stream.read(min(left, 1 << 20))
                    left -= len(data)
                if not data:
                    break
                made += unpack.decompress(data, most + 8 - len(made))
                data = unpack.unconsumed_tail
        except zlib.error as error:
            raise MatError(f"no Matlab file that can be unpacked: {error}") from None
        return bytes(made[8:])


class _Cursor:
    """Goes through the elements of a variable."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._at, self._order = data, 0, order

    def element(self) -> tuple[int, memoryview]:
        """Type and content of the next element. Raises `MatError` where it is cut off."""
        (word,) = struct.unpack(f"{self._order}I", self._take(4))
        if word >> 16:  # up to four bytes share the tag's room
            content = self._take(4)
            return word & 0xFFFF, content[: word >> 16]
        (size,) = struct.unpack(f"{self._order}I", self._take(4))
        content = self._take(size)
        self._at += -size % 8
        return word, content

    def array(self) -> NDArray[Any]:
        """The next element as numbers, in the machine's own order."""
        kind, content = self.element()
        if kind not in _STORED:
            raise MatError(f"type of data {kind} is no number's")
        dtype = np.dtype(self._order + _STORED[kind])
        if len(content) % dtype.itemsize:
            raise MatError(f"{len(content)} bytes are no whole number of {dtype.name}")
        return np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))

    def integers(self) -> list[int]:
        """The next element, which is of whole numbers."""
        numbers = self.array()
        if numbers.dtype.kind not in "iu":
            raise MatError(f"{numbers.dtype.name} where whole numbers belong")
        return [int(number) for number in numbers[:_MAX_SIDES]]

    def _take(self, size: int) -> memoryview:
        part = memoryview(self._data)[self._at : self._at + size]
        if len(part) < size:
            raise MatError("cut off")
        self._at += size
        return part


@dataclass(frozen=True)
class _ArrayHeader:
    """What stands before the numbers of a numeric array."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def _variables(stream: IO[bytes]) -> Iterator[_Variable]:
    order = _ORDERS.get(stream.read(_HEADER)[-4:])
    if order is None:
        raise MatError("no Matlab file of level 5; save it with -v7 or -v6")
    at = _HEADER
    stream.seek(at)
    while len(tag := stream.read(8)) == 8:
        kind, length = struct.unpack(f"{order}II", tag)
        if kind in (_MATRIX, _COMPRESSED):
            yield _Variable(stream, order, at + 8, length, kind == _COMPRESSED)
        at += 8 + length
        stream.seek(at)


def _read_header(cursor: _Cursor) -> _ArrayHeader | None:
    """`None` for what is no array of real numbers."""
    flags = [*cursor.integers(), 0][0]
    if flags & _COMPLEX or flags & 0xFF not in _CLASSES:
        return None
    shape = tuple(cursor.integers())
    if not 2 <= len(shape) < _MAX_SIDES or min(shape) < 0:
        raise MatError(f"an array of shape {shape}")
    _, name = cursor.element()
    return _ArrayHeader(bytes(name).decode("latin-1"), shape, _CLASSES[flags & 0xFF])


def _numbers(variable: _Variable, header: _ArrayHeader) -> NDArray[Any]:
    most = math.prod(header.shape) * 8
    if most > MAX_BYTES:
        raise MatError(f"{header.name!r} of shape {header.shape} is larger than {MAX_BYTES >> 20} MiB")
    cursor = _Cursor(variable.bytes(most + _PEEK), variable.order)
    for _ in range(3):  # flags, shape, name
        cursor.element()
    values = cursor.array()
    if len(values) != math.prod(header.shape):
        raise MatError(f"{header.name!r} has {len(values)} numbers for the shape {header.shape}")
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(values.astype(header.dtype).reshape(header.shape, order="F"))
