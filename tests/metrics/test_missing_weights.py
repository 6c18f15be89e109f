"""Scorers whose weights are missing say which command fetches them, and still describe their metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.assets.lookup import AssetMissing
from bench_lipsync.harness.registry.plugins import SCORERS


@pytest.mark.parametrize(
    ("scorer", "asset", "columns"),
    [
        ("fid", "inception_fid", ["FID[inception-2015-12-05]", "KID[inception-2015-12-05]"]),
        ("fvd", "i3d_kinetics", ["FVD[i3d-kinetics-400]"]),
        ("lpips", "alexnet_lpips", ["LPIPS[alex]"]),
        ("mouth-lpips", "alexnet_lpips", ["LPIPS-mouth[alex]"]),
        ("lmd-atvg", "dlib_landmarks", ["LMD[atvg-sum]", "LMD[atvg-mean]", "LMD-missed[atvg]"]),
        ("csim-input", "arcface_mbf", ["CSIM[arcface-mbf-input]"]),
        ("csim-first-frame", "arcface_mbf", ["CSIM[arcface-mbf-first-frame]"]),
        ("landmarks", "face_landmarker", ["LMD[mediapipe]", "LMD-mouth[mediapipe]"]),
    ],
)
def test_missing_weights_are_an_error_with_the_command(
    scorer: str, asset: str, columns: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    factory = SCORERS.get(scorer)
    with pytest.raises(AssetMissing, match=f"bench assets fetch {asset}"):
        factory(device="cpu")
    assert [info.column for info in factory.describe()][: len(columns)] == columns
