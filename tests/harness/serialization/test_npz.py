"""The fast reader gives what numpy gives, and leaves everything unusual to it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.serialization.npz import _stored, read_npz


def test_everything_that_numpy_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "LSE-C[open-syncnet]": rng.normal(size=70).astype(np.float32),
        "table": rng.normal(size=(5, 2048)),
        "empty": np.empty((0, 4), np.float32),
        "name": np.array("FID[x]"),
        "number": np.int64(7),
        "by column": np.asfortranarray(rng.normal(size=(3, 4))),
        "ä": np.array([True, False]),
    }
    for kept in (arrays, {}, {"one": arrays["table"]}, {key: arrays[key] for key in ("name", "number")}):
        for write in (np.savez, np.savez_compressed):
            write(tmp_path / "a.npz", **kept)  # type: ignore[operator]
            found = read_npz(tmp_path / "a.npz")
            assert list(found) == list(kept)
            for name, array in kept.items():
                np.testing.assert_array_equal(found[name], array)
                assert found[name].dtype == np.asarray(array).dtype


def test_what_scoring_writes_takes_the_short_way(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=False, **{"SSIM[x]": np.zeros(70, np.float32), "name": np.array("FID")})
    assert set(_stored((tmp_path / "a.npz").read_bytes()) or ()) == {"SSIM[x]", "name"}


def test_broken_and_hostile_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, values=np.arange(1000.0))
    whole = path.read_bytes()
    path.write_bytes(whole[:2000] + b"\x01" + whole[2001:])
    with pytest.raises(zipfile.BadZipFile):
        read_npz(path)
    path.write_bytes(whole[:3000])
    with pytest.raises((zipfile.BadZipFile, ValueError, EOFError)):
        read_npz(path)
    np.savez(path, values=np.array([{"code": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_npz(path)
