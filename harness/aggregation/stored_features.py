"""Stored features of many clips as one sequence, of which only what is accessed is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.scoring.score_files import ArrayPlace, find_features, map_features


class StoredFeatures(Sequence[NDArray[np.float32]]):
    """Features of one metric, one array (rows, dimensions) float32 a clip, in the order of `files`.

    An item is mapped from its file, so taking a few rows of it reads a few rows; nothing but the places of the arrays
    is kept between two accesses.
    """

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self.files = tuple(files)
        self._column = column
        self._places: dict[int, ArrayPlace] = {}

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float32]: ...
    @overload
    def __getitem__(self, index: slice) -> StoredFeatures: ...

    def __getitem__(self, index: int | slice) -> NDArray[np.float32] | StoredFeatures:
        if isinstance(index, slice):
            return StoredFeatures(self.files[index], self._column)
        return map_features(self.files[index], self._place(index))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[index] for index in range(len(self)))

    def rows(self) -> NDArray[np.int64]:
        """(clips,) how many rows each has; only the heads of the files are read."""
        return np.array([self._place(index).shape[0] for index in range(len(self))], dtype=np.int64)

    @property
    def dimensions(self) -> int:
        """Columns of every array."""
        return self._place(0).shape[1]

    def _place(self, index: int) -> ArrayPlace:
        if index not in self._places:
            self._places[index] = find_features(self.files[index], self._column)
        return self._places[index]
