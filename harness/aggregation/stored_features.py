"""Stored features of many clips as one sequence, of which only what is looked at is in memory."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.scoring.score import load_features


class _Place(NamedTuple):
    """Where an array lies in its file."""

    offset: int
    shape: tuple[int, ...]


class StoredFeatures(Sequence[NDArray[np.float32]]):
    """Features of one metric, one array (rows, dimensions) float32 a clip, in the order of `files`.

    An item is mapped from its file where that is possible, so taking a few rows of it reads a few rows; nothing is kept
    between two looks but where the arrays lie.
    """

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self.files = tuple(files)
        self._column = column
        self._places: dict[int, _Place | None] = {}

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> StoredFeatures: ...

    def __getitem__(self, index: int | slice) -> NDArray[np.float32] | StoredFeatures:
        if isinstance(index, slice):
            return StoredFeatures(self.files[index], self._column)
        place = self._place(index)
        if place is None:
            return load_features(self.files[index], self._column)
        return np.memmap(self.files[index], np.float32, mode="r", offset=place.offset, shape=place.shape)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[index] for index in range(len(self)))

    def rows(self) -> NDArray[np.int64]:
        """(clips,) how many rows each has; only the heads of the files are read."""
        places = (self._place(index) for index in range(len(self)))
        counts = [len(self[index]) if place is None else place.shape[0] for index, place in enumerate(places)]
        return np.array(counts, dtype=np.int64)

    @property
    def dimensions(self) -> int:
        """Columns of every array."""
        return int(self[0].shape[1])

    def _place(self, index: int) -> _Place | None:
        if index not in self._places:
            self._places[index] = _find(self.files[index], self._column)
        return self._places[index]


def _find(path: Path, column: str) -> _Place | None:
    """Where `column` lies in an `.npz`; `None` where it cannot be mapped, as when it is compressed or empty."""
    with zipfile.ZipFile(path) as archive:
        for _ in range(2):  # The entry may be the name of another metric with the same features.
            info = archive.getinfo(f"{column}.npy")
            with archive.open(info) as member:
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, by_column, dtype = read(member)
                head = member.tell()
                if dtype.kind != "U":
                    break
                column = str(np.frombuffer(member.read(), dtype).reshape(shape))
        usable = info.compress_type == zipfile.ZIP_STORED and dtype == np.float32 and not by_column and 0 not in shape
    if not usable:
        return None
    with path.open(
        "rb"
    ) as file:  # The list at the end of the archive says where an entry begins, not where its data do.
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
    return _Place(info.header_offset + 30 + name + extra + head, shape)
