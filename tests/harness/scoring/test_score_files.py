"""The files of a score: what is written comes back bit for bit, and what is no such file is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.scoring.score import _parts, _save
from bench_lipsync.harness.scoring.score_files import (
    CURVES_FILE,
    FEATURES_FILE,
    VERSION,
    find_features,
    load_curves,
    load_features,
    map_features,
    save_curves,
    save_features,
)
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.image.psnr import INFO


def features() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shared, own = rng.normal(size=(30, 64)).astype(np.float32), rng.normal(size=(2, 4)).astype(np.float32)
    return {"FID[x]": shared, "KID[x]": shared, "ä": own, "empty": np.empty((0, 4), np.float32)}


def test_features_come_back_and_shared_ones_are_stored_once(tmp_path: Path) -> None:
    path, written = tmp_path / FEATURES_FILE, features()
    save_features(path, written)
    for column, expected in written.items():
        read = load_features(path, column)
        np.testing.assert_array_equal(read, expected)
        assert read.dtype == np.float32 and type(read) is np.ndarray
        np.testing.assert_array_equal(map_features(path, find_features(path, column)), expected)
    assert find_features(path, "FID[x]") == find_features(path, "KID[x]")
    assert path.stat().st_size < 1.2 * written["FID[x]"].nbytes
    assert path.stat().st_mode & 0o777 == 0o644


def test_only_the_rows_that_are_looked_at_are_read(tmp_path: Path) -> None:
    save_features(tmp_path / "a", features())
    mapped = map_features(tmp_path / "a", find_features(tmp_path / "a", "KID[x]"))
    assert isinstance(mapped, np.memmap) and not mapped.flags.writeable
    np.testing.assert_array_equal(mapped[[7, 3]], features()["KID[x]"][[7, 3]])


def test_the_same_features_give_the_same_file(tmp_path: Path) -> None:
    written = features() | {f"also {number}": features()["ä"] for number in range(9)}
    written |= {f"again {number}": written["FID[x]"] for number in range(9)}
    files = set()
    for number in range(6):
        save_features(tmp_path / f"{number}", written)
        files.add((tmp_path / f"{number}").read_bytes())
    assert len(files) == 1


def test_curves_come_back_with_their_gaps(tmp_path: Path) -> None:
    curves = {"SSIM[x]": np.array([0.5, np.nan, 1], np.float32), "none": np.empty(0, np.float32)}
    save_curves(tmp_path / "a", curves)
    read = load_curves(tmp_path / "a")
    assert set(read) == set(curves)
    for column, values in curves.items():
        np.testing.assert_array_equal(read[column], values)
    save_curves(tmp_path / "b", {})
    assert load_curves(tmp_path / "b") == {}


@pytest.mark.parametrize("content", [b"", b"\x10", b"PK\x03\x04" + bytes(99), b"\xff" * 99, b"\x02" + bytes(7) + b"[]"])
def test_anything_else_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BenchError, match="holds no scores that this version reads"):
        load_features(tmp_path / "a", "FID[x]")
    with pytest.raises(BenchError, match="the same run makes them again"):
        load_curves(tmp_path / "a")


def test_a_file_that_is_cut_off_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_features(path, features())
    with pytest.raises(BenchError, match="FVD"):
        load_features(path, "FVD[y]")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BenchError, match="holds no scores"):
        load_features(path, "FID[x]")


def test_scores_of_older_versions_are_made_again(tmp_path: Path) -> None:
    """They have another key, so nothing tries to read their files."""
    clip = PreparedClip("a", "b", tmp_path, {"content_hash": "c"})
    loaded = LoadedScorer("psnr", SimpleNamespace(metrics=(INFO,)), (INFO,))  # type: ignore[arg-type]
    parts, store = _parts(loaded, clip, Generated(tmp_path, "h"), "s"), Store(tmp_path / "store")
    older = {name: value for name, value in parts.items() if name != "version"}
    store.make("score", older, lambda folder: np.savez(folder / "features.npz", x=np.ones(3)))
    assert store.find("score", older) is not None and store.find("score", parts) is None
    assert parts["version"] == VERSION


def test_a_score_has_all_files(tmp_path: Path) -> None:
    _save(ClipScore({"A[x]": 1.5}, features(), {"A[x]": np.ones(3, np.float32)}), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CURVES_FILE, FEATURES_FILE, "values.json"]
