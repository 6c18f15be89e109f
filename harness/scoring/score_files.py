"""The files of a score in the store: values, features and curves.

Arrays lie in safetensors files, always float32. Features that several metrics share (FID and KID) are stored once: the
metadata entry `shared` maps the other columns to the one that holds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import shown

VALUES_FILE = "values.json"
FEATURES_FILE = "features.safetensors"
CURVES_FILE = "curves.safetensors"
VERSION = 2
"""Of these files; part of a score's key in the store."""
_SHARED = "shared"
_LENGTH_BYTES = 8  # a safetensors file begins with the length of its header


class ArrayPlace(NamedTuple):
    """Where an array lies in its file."""

    offset: int
    """Bytes from the beginning of the file."""
    shape: tuple[int, ...]


def save_features(path: Path, features: Mapping[str, NDArray[np.float32]]) -> None:
    """Write features (rows, dimensions) by column; an array that several columns name is written once."""
    first: dict[int, str] = {}
    owners = {column: first.setdefault(id(array), column) for column, array in features.items()}
    shared = {column: owner for column, owner in owners.items() if column != owner}
    # One metadata entry, because the library writes several in an order that changes from call to call.
    _save(path, {owner: features[owner] for owner in first.values()}, {_SHARED: json.dumps(shared)} if shared else None)


def load_features(path: Path, column: str) -> NDArray[np.float32]:
    """Features (rows, dimensions) of one set metric. Raises `BenchError` for a file that is none of `save_features`."""
    return np.array(map_features(path, find_features(path, column)))


def find_features(path: Path, column: str) -> ArrayPlace:
    """Where the features of `column` lie; reads the head of the file only. Raises as `load_features`."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))
        owner = json.loads(header.get("__metadata__", {}).get(_SHARED, "{}")).get(column, column)
        entry = header[owner]
        begin, end = entry["data_offsets"]
        shape = tuple(int(side) for side in entry["shape"])
        if entry["dtype"] != "F32" or begin < 0 or end - begin != 4 * int(np.prod(shape)):
            raise ValueError(f"{owner} is no array of float32")
        return ArrayPlace(_LENGTH_BYTES + length + begin, shape)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _unreadable(path, error) from error


def map_features(path: Path, place: ArrayPlace) -> NDArray[np.float32]:
    """The array at `place`, mapped from its file: only the rows that are looked at are read."""
    if 0 in place.shape:  # Nothing cannot be mapped.
        return np.empty(place.shape, np.float32)
    try:
        return np.memmap(path, np.float32, mode="r", offset=place.offset, shape=place.shape)
    except (OSError, ValueError) as error:  # ValueError: the file ends before the array.
        raise _unreadable(path, error) from error


def save_curves(path: Path, curves: Mapping[str, NDArray[np.float32]]) -> None:
    """Write per-frame values (frames,) by column."""
    _save(path, curves, None)


def load_curves(path: Path) -> dict[str, NDArray[np.float32]]:
    """All that one scorer measured frame by frame, by column, each (frames,); NaN where a frame has no value.

    Raises `BenchError` for a file that is none of `save_curves`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(path.read_bytes()))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def _save(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str] | None) -> None:
    from safetensors.numpy import save

    # Written here and not by the library, whose error for a full disk is no `OSError`.
    path.write_bytes(save({name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}, metadata))


def _unreadable(path: Path, error: Exception) -> BenchError:
    reason = f"{type(error).__name__}: {shown(error, 200)}"
    return BenchError(
        f"{shown(path)} holds no scores that this version reads ({reason}); the same run makes them again"
    )
