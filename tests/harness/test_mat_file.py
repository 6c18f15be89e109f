"""Matlab files: arrays come out as they went in; bombs, towers of cells and fragments are refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from harness.mat_file import MatError, check_unpacked, read_mat

_HEAD = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + struct.pack("<HH", 0x0100, 0x4D49)
_DOUBLE, _CELL = 6, 1


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + b"\0" * (-len(body) % 8)


def described(kind: int, columns: int, name: bytes) -> bytes:
    """What stands before the data of a matrix."""
    return element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<2i", 1, columns)) + element(1, name)


def tower(levels: int) -> bytes:
    """Cells within cells."""
    inner = element(14, described(_DOUBLE, 1, b"") + element(9, struct.pack("<d", 1.0)))
    parts, size = [], len(inner)
    for level in range(levels):
        head = described(_CELL, 1, b"lm" if level == levels - 1 else b"")
        size += len(head)
        parts.append(struct.pack("<II", 14, size) + head)
        size += 8
    return _HEAD + b"".join(reversed(parts)) + inner


def bomb(name: bytes, mebibytes: int) -> bytes:
    """Zeros, far fewer bytes than they pretend."""
    head, size = described(_DOUBLE, mebibytes << 17, name), mebibytes << 20
    pack = zlib.compressobj(1)
    packed = [pack.compress(struct.pack("<II", 14, len(head) + 8 + size) + head + struct.pack("<II", 9, size))]
    packed += [pack.compress(bytes(1 << 20)) for _ in range(mebibytes)]
    data = b"".join([*packed, pack.flush()])
    return struct.pack("<II", 15, len(data)) + data


@pytest.mark.parametrize("form", ["4", "5"])
@pytest.mark.parametrize("packed", [False, True])
def test_arrays_come_out_as_they_went_in(tmp_path: Path, form: str, packed: bool) -> None:
    arrays = {"lm": np.arange(12.0).reshape(4, 3), "tri": np.arange(6, dtype=np.int32).reshape(2, 3)}
    savemat(tmp_path / "a.mat", {**arrays, "other": np.ones(5)}, format=form, do_compression=packed and form == "5")
    found = read_mat(tmp_path / "a.mat", ["lm", "tri"])
    assert sorted(found) == ["lm", "tri"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_is_missing_or_no_number_is_named(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"text": "words", "cells": np.array([1, "a"], dtype=object), "z": np.ones(2) * 1j})
    for name in ("text", "cells", "z", "absent"):
        with pytest.raises(MatError, match=f"no numeric array '{name}'"):
            read_mat(tmp_path / "a.mat", [name])


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(_HEAD + bomb(b"lm", 20))
    check_unpacked(tmp_path / "a.mat", limit=21 << 20)
    with pytest.raises(MatError, match="more than 19 MiB"):
        check_unpacked(tmp_path / "a.mat", limit=19 << 20)
    (tmp_path / "b.mat").write_bytes(_HEAD + bomb(b"a", 12) + bomb(b"b", 12))
    with pytest.raises(MatError, match="more than 19 MiB"):
        check_unpacked(tmp_path / "b.mat", limit=19 << 20)


def test_a_bomb_is_refused_by_the_reader(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(_HEAD + bomb(b"lm", 1100))
    with pytest.raises(MatError, match="more than 1024 MiB"):
        read_mat(tmp_path / "a.mat", ["lm"])


def test_a_tower_of_cells_does_not_end_the_process(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(tower(200_000))
    with pytest.raises(MatError, match="no numeric array 'lm'"):
        read_mat(tmp_path / "a.mat", ["lm"])


def test_a_tower_behind_or_before_an_array_of_its_name_is_refused(tmp_path: Path) -> None:
    array = element(14, described(_DOUBLE, 1, b"lm") + element(9, struct.pack("<d", 1.0)))
    tall = tower(200_000)[len(_HEAD) :]
    for content in (array + tall, tall + array):
        (tmp_path / "a.mat").write_bytes(_HEAD + content)
        with pytest.raises(MatError, match="no numeric array 'lm'"):
            read_mat(tmp_path / "a.mat", ["lm"])
    (tmp_path / "a.mat").write_bytes(_HEAD + array)
    assert read_mat(tmp_path / "a.mat", ["lm"])["lm"] == 1


@pytest.mark.parametrize("packed", [False, True])
def test_every_fragment_and_every_wrong_byte_ends_well(tmp_path: Path, packed: bool) -> None:
    savemat(tmp_path / "good.mat", {"lm": np.arange(204.0).reshape(68, 3)}, do_compression=packed)
    good = (tmp_path / "good.mat").read_bytes()

    @settings(max_examples=150, deadline=None)
    @given(at=st.integers(0, len(good) - 1), byte=st.integers(0, 255), cut=st.booleans())
    def check(at: int, byte: int, cut: bool) -> None:
        data = good[:at] if cut else good[:at] + bytes([byte]) + good[at + 1 :]
        (tmp_path / "a.mat").write_bytes(data)
        try:
            found = read_mat(tmp_path / "a.mat", ["lm"])
        except MatError as error:
            assert str(error)
        else:
            assert found["lm"].dtype.kind in "fiu"

    check()
