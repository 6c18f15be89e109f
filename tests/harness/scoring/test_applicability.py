"""Metrics are computed only where they say something: same pose, same field of view."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.harness.scoring.applicability import applicable, inapplicable, why_not
from bench_lipsync.harness.scoring.scorers import LoadedScorer, load_scorers


def cards() -> dict[str, ModelCard]:
    return {
        "edit": ModelCard("edit", "model"),
        "face": ModelCard("face", "model", covers="face"),
        "own": ModelCard("own", "model", pose="own", covers="face"),
    }


def columns() -> dict[str, MetricInfo]:
    return {info.column: info for name in SCORERS.names() for info in SCORERS.get(name).describe()}


@pytest.mark.parametrize(
    ("column", "edit", "face", "own"),
    [
        ("PSNR[rgb255]", True, False, False),
        ("SSIM[wang2004]", True, False, False),
        ("LPIPS[alex]", True, False, False),
        ("FID[inception-2015-12-05]", True, False, False),
        ("FVD[i3d-kinetics-400]", True, False, False),
        ("CPBD[narvekar2011]", True, False, False),
        ("PSNR-mouth[rgb255]", True, True, False),
        ("LMD[mediapipe]", True, True, False),
        ("LMD[atvg-mean]", True, True, False),
        ("CPBD-mouth[narvekar2011]", True, True, True),
        ("CSIM[arcface-mbf]", True, True, True),
        ("CSIM[arcface-mbf-input]", True, True, True),
        ("CSIM[arcface-mbf-first-frame]", True, True, False),
        ("LSE-C[open-syncnet]", True, True, True),
        ("LSE-D[whole-frame]", True, True, True),
    ],
)
def test_each_metric_for_each_kind_of_model(column: str, edit: bool, face: bool, own: bool) -> None:
    info = columns()[column]
    found = {name: not why_not(card, info) for name, card in cards().items()}
    assert found == {"edit": edit, "face": face, "own": own}


def test_foreign_audio_leaves_what_needs_no_true_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    words = ["PSNR", "TWE", "CSIM", "CSIM[arcface-mbf-first-frame]"]
    own, foreign = (load_scorers(words, "cpu", with_reference=known) for known in (True, False))
    names = {loaded.name for loaded in own.loaded}, {loaded.name for loaded in foreign.loaded}
    assert names == ({"psnr", "steadiness"}, {"steadiness"})
    missing = [[info.variant for scorer in found.unavailable for info in scorer.wanted] for found in (own, foreign)]
    assert missing == [["arcface-mbf", "arcface-mbf-first-frame"], ["arcface-mbf-input", "arcface-mbf-first-frame"]]
    measured = {column for column, info in columns().items() if info.is_measured(with_truth=False)}
    assert {"FID[inception-2015-12-05]", "LSE-C[open-syncnet]", "LipLeak[opening-speed]"} <= measured
    assert not {"SSIM[wang2004]", "LPIPS[alex]", "LMD[mediapipe]", "CSIM[arcface-mbf]"} & measured


def test_a_scorer_keeps_what_is_left_and_goes_where_nothing_is() -> None:
    infos: dict[str, Any] = columns()
    scorer = SimpleNamespace(metrics=())
    loaded = [
        LoadedScorer("fid", scorer, (infos["FID[inception-2015-12-05]"],)),  # type: ignore[arg-type]
        LoadedScorer("x", scorer, (infos["PSNR[rgb255]"], infos["CSIM[arcface-mbf]"])),  # type: ignore[arg-type]
    ]
    kept = applicable(loaded, cards()["own"])
    assert [(one.name, [info.name for info in one.wanted]) for one in kept] == [("x", ["CSIM"])]
    reasons = inapplicable(loaded, cards()["own"])
    assert set(reasons) == {"FID[inception-2015-12-05]", "PSNR[rgb255]"}
    assert all(reason.startswith("n/a: ") for reason in reasons.values())
    assert applicable(loaded, cards()["edit"]) == tuple(loaded)
