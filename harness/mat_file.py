"""Arrays of Matlab files that come from anywhere: nothing is run, unpacked without end, or nested without end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAX_UNPACKED = 1 << 30
"""Bytes; the largest file that a model here reads, the Basel Face Model, unpacks to about 0.2 GB."""
_HEADER = 128
_COMPRESSED = 15  # miCOMPRESSED of the MAT-File Format, level 5
_PIECE = 1 << 20
_NUMERIC = frozenset(
    ("double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
)  # as `whosmat` calls them


class MatError(ValueError):
    """The file cannot be read, is larger than it may be, or lacks an array; the message says which."""


def read_mat(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The numeric arrays `names` of a Matlab file before 7.3. Raises `MatError`."""
    from scipy.io import loadmat, whosmat

    try:
        check_unpacked(path)
        held = whosmat(path)
        for name in names:
            # Before anything is loaded: SciPy reads cells within cells by recursion, which ends the process.
            kinds = [kind for other, _, kind in held if other == name]  # one name may be there twice
            if not kinds or not _NUMERIC.issuperset(kinds):
                raise MatError(f"no numeric array {name!r}")
        found = loadmat(path, variable_names=list(names))
    except MatError:
        raise
    except Exception as error:  # a hostile or cut file fails in many ways
        raise MatError(f"no Matlab file that can be read: {error}") from error
    for name in names:
        array = found.get(name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise MatError(f"no numeric array {name!r}")
    return {name: found[name] for name in names}


def check_unpacked(path: Path, limit: int = MAX_UNPACKED) -> None:
    """Raise `MatError` if the compressed parts of `path` hold more than `limit` bytes together."""
    total = 0
    with path.open("rb") as stream:
        for packed in _compressed_parts(stream):
            for size in _unpacked_sizes(stream, packed):
                total += size
                if total > limit:
                    raise MatError(f"more than {limit >> 20} MiB when unpacked")


def _compressed_parts(stream: IO[bytes]) -> Iterator[int]:
    """Lengths of the compressed elements; `stream` stands at the beginning of each when its length is given."""
    mark = stream.read(_HEADER)[126:128]
    if mark not in (b"IM", b"MI"):
        return  # an older version, which has no compression
    tag = struct.Struct("<II" if mark == b"IM" else ">II")
    at = _HEADER
    while len(head := stream.read(tag.size)) == tag.size:
        kind, length = tag.unpack(head)
        if kind == _COMPRESSED:
            yield length
        at += tag.size + length
        stream.seek(at)


def _unpacked_sizes(stream: IO[bytes], length: int) -> Iterator[int]:
    """Sizes of the pieces that the next `length` bytes of `stream` unpack to."""
    unpack = zlib.decompressobj()
    while length > 0 and not unpack.eof:
        data = stream.read(min(length, _PIECE))
        if not data:
            return
        length -= len(data)
        while data and not unpack.eof:
            yield len(unpack.decompress(data, _PIECE))
            data = unpack.unconsumed_tail
