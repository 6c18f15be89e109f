"""Matlab files: arrays come out as SciPy reads them; bombs, towers of cells and damage end in a message."""

from __future__ import annotations

import random
import struct
import tempfile
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes as arrays_shapes
from hypothesis.extra.numpy import arrays
from scipy.io import loadmat, savemat

from bench_lipsync.harness.serialization.matlab import MatError, read_mat

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


def bomb(name: bytes, mebibytes: int, columns: int | None = None) -> bytes:
    """Zeros, far fewer bytes than they pretend."""
    head, size = described(_DOUBLE, columns or mebibytes << 17, name), mebibytes << 20
    pack = zlib.compressobj(1)
    packed = [pack.compress(struct.pack("<II", 14, len(head) + 8 + size) + head + struct.pack("<II", 9, size))]
    packed += [pack.compress(bytes(1 << 20)) for _ in range(mebibytes)]
    data = b"".join([*packed, pack.flush()])
    return struct.pack("<II", 15, len(data)) + data


@pytest.mark.parametrize("packed", [False, True])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_arrays_come_out_as_they_went_in(packed: bool, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]))
    shape = data.draw(arrays_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5))
    array = data.draw(arrays(kind, shape))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mat"
        savemat(path, {"text": "words", "lm": array, "a_longer_name": array.T}, do_compression=packed)
        found, theirs = read_mat(path, ["lm", "a_longer_name"]), loadmat(path)
    for name, ours in found.items():
        assert ours.dtype == theirs[name].dtype and ours.flags.c_contiguous
        np.testing.assert_array_equal(ours, theirs[name], strict=True)


def test_whole_numbers_may_be_stored_in_less_room(tmp_path: Path) -> None:
    head = element(6, struct.pack("<II", _DOUBLE, 0)) + element(5, struct.pack("<2i", 2, 3)) + element(1, b"lm")
    (tmp_path / "a.mat").write_bytes(_HEAD + element(14, head + element(2, bytes([1, 2, 3, 4, 5, 255]))))
    found = read_mat(tmp_path / "a.mat", ["lm"])["lm"]
    np.testing.assert_array_equal(found, np.array([[1.0, 3, 5], [2, 4, 255]]), strict=True)
    np.testing.assert_array_equal(found, loadmat(tmp_path / "a.mat")["lm"])  # which keeps the smaller type


def test_the_other_order_of_bytes(tmp_path: Path) -> None:
    def swapped(kind: int, body: bytes) -> bytes:
        return struct.pack(">II", kind, len(body)) + body + b"\0" * (-len(body) % 8)

    head = swapped(6, struct.pack(">II", _DOUBLE, 0)) + swapped(5, struct.pack(">2i", 1, 2)) + swapped(1, b"lm")
    content = _HEAD[:124] + b"\1\0MI" + swapped(14, head + swapped(9, struct.pack(">2d", 0.5, -7)))
    (tmp_path / "a.mat").write_bytes(content)
    found = read_mat(tmp_path / "a.mat", ["lm"])["lm"]
    np.testing.assert_array_equal(found, np.array([[0.5, -7]]), strict=True)
    np.testing.assert_array_equal(found, loadmat(tmp_path / "a.mat")["lm"])


def test_what_is_missing_or_no_number_is_named(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"text": "words", "cells": np.array([1, "a"], dtype=object), "z": np.ones(2) * 1j})
    for name in ("text", "cells", "z", "absent"):
        with pytest.raises(MatError, match=f"no numeric array '{name}'"):
            read_mat(tmp_path / "a.mat", [name])


@pytest.mark.parametrize("content", [b"", b"no matlab", bytes(500), _HEAD[:124] + b"\0\2IM" + bytes(400)])
def test_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(MatError, match="no Matlab file of level 5"):
        read_mat(tmp_path / "a.mat", ["lm"])


def test_an_older_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"lm": np.ones((20, 20))}, format="4")
    with pytest.raises(MatError, match="save it with -v7 or -v6"):
        read_mat(tmp_path / "a.mat", ["lm"])


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    small = element(14, described(_DOUBLE, 1, b"lm") + element(9, struct.pack("<d", 1.0)))
    (tmp_path / "a.mat").write_bytes(_HEAD + bomb(b"other", 200) + small)
    (tmp_path / "b.mat").write_bytes(_HEAD + bomb(b"lm", 200, columns=1))
    (tmp_path / "c.mat").write_bytes(_HEAD + bomb(b"lm", 1, columns=1 << 28))
    tracemalloc.start()
    assert read_mat(tmp_path / "a.mat", ["lm"])["lm"] == 1
    with pytest.raises(MatError, match="cut off"):
        read_mat(tmp_path / "b.mat", ["lm"])
    with pytest.raises(MatError, match="larger than 1024 MiB"):
        read_mat(tmp_path / "c.mat", ["lm"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_tower_of_cells_is_not_climbed(tmp_path: Path) -> None:
    array = element(14, described(_DOUBLE, 1, b"lm") + element(9, struct.pack("<d", 1.0)))
    tall = tower(200_000)[len(_HEAD) :]
    (tmp_path / "a.mat").write_bytes(_HEAD + tall)
    with pytest.raises(MatError, match="no numeric array 'lm'"):
        read_mat(tmp_path / "a.mat", ["lm"])
    for content in (array + tall, tall + array):  # of one name
        (tmp_path / "a.mat").write_bytes(_HEAD + content)
        assert read_mat(tmp_path / "a.mat", ["lm"])["lm"] == 1


@pytest.mark.parametrize("packed", [False, True])
def test_every_fragment_and_every_wrong_byte_ends_well(tmp_path: Path, packed: bool) -> None:
    savemat(tmp_path / "good.mat", {"lm": np.arange(12.0).reshape(4, 3), "t": "words"}, do_compression=packed)
    good = (tmp_path / "good.mat").read_bytes()
    dice = random.Random(0)  # the same damage every time
    contents = [good[:end] for end in range(len(good))]
    contents += [good[:at] + bytes([wrong]) + good[at + 1 :] for at in range(len(good)) for wrong in (0, 7, 14, 255)]
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(dice.choice([2, 5])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        contents.append(bytes(data))
    refused = 0
    for content in contents:
        (tmp_path / "a.mat").write_bytes(content)
        try:
            assert read_mat(tmp_path / "a.mat", ["lm"])["lm"].dtype.kind in "fiu"
        except MatError as error:
            refused += bool(str(error))
    assert len(good) < refused < len(contents)
