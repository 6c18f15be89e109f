"""Curves packed for the page: gaps stay gaps, levels are true, poses are named."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.reports.page.strips import GAP, pose_of, strips
from bench_lipsync.reports.table.model import Column, Row

COLUMN = Column("SSIM", "x", "higher", "", "SSIM|v1", 3)


def row(name: str) -> Row:
    return Row(name, name, "zero-shot", False, 0, "1/1", ())


def levels(text: str) -> list[int]:
    return list(base64.b64decode(text))


def curve(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_models_share_one_scale_and_gaps_stay() -> None:
    one, two = {"SSIM[x]": curve(0, 0.5, np.nan)}, {"SSIM[x]": curve(1, np.inf, 0.25)}
    made = strips({}, [(row("a"), one), (row("b"), {}), (row("c"), two)], [COLUMN])
    (metric,) = made["metrics"]
    assert (metric["low"], metric["high"]) == (0.0, 1.0)
    assert set(metric["lines"]) == {"0", "2"}  # places of the players; the second has no curve
    assert levels(metric["lines"]["0"]) == [0, 127, GAP]
    assert levels(metric["lines"]["2"]) == [254, GAP, 64]
    assert made["yaw"] is None and made["sound"] is None


def test_a_packed_value_is_within_half_a_level() -> None:
    values = np.random.default_rng(0).normal(size=200).astype(np.float32)
    (metric,) = strips({}, [(row("a"), {"SSIM[x]": values})], [COLUMN])["metrics"]
    span = metric["high"] - metric["low"]
    back = metric["low"] + np.array(levels(metric["lines"]["0"])) / 254 * span
    assert np.abs(back - values).max() <= span / 254 / 2 + 1e-6


def test_a_constant_curve_and_one_without_values() -> None:
    made = strips({}, [(row("a"), {"SSIM[x]": curve(0.5, 0.5)})], [COLUMN])
    assert levels(made["metrics"][0]["lines"]["0"]) == [0, 0]
    assert strips({}, [(row("a"), {"SSIM[x]": curve(np.nan)})], [COLUMN])["metrics"] == []


@pytest.mark.parametrize(("yaw", "name"), [([5, -20, 3], "frontal"), ([-20, -30], "turned"), ([80, 70, 0], "profile")])
def test_poses(yaw: list[float], name: str) -> None:
    assert pose_of({"yaw": curve(*yaw)}) == name


def test_an_unknown_pose_is_not_named() -> None:
    assert pose_of({}) == "" and pose_of({"yaw": curve(np.nan)}) == ""
