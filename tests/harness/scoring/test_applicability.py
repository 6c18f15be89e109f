"""Metrics are computed only where they say something: same pose, same field of view."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.harness.scoring.applicability import applicable, inapplicable, why_not
from bench_lipsync.harness.scoring.scorers import LoadedScorer


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
        ("CPBD-mouth[narvekar2011]", True, True, True),
        ("CSIM[arcface-mbf]", True, True, True),
        ("LSE-C[open-syncnet]", True, True, True),
        ("LSE-D[whole-frame]", True, True, True),
    ],
)
def test_each_metric_for_each_kind_of_model(column: str, edit: bool, face: bool, own: bool) -> None:
    info = columns()[column]
    found = {name: not why_not(card, info) for name, card in cards().items()}
    assert found == {"edit": edit, "face": face, "own": own}


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
