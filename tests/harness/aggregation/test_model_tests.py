"""Rows and paired tests of whole runs: coverage, small samples, distances from the ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.aggregation.measurements import Measurements
from bench_lipsync.harness.aggregation.model_tests import pair_tests
from bench_lipsync.harness.aggregation.rows import metric_rows
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.scoring.score import ClipResult
from bench_lipsync.harness.scoring.scorers import LoadedScorer, ScorerSet
from bench_lipsync.harness.store.store import Store

SYNC = MetricInfo("LSE-C", "v", "higher", "", (0.0, 10.0), "clip", frozenset({"audio"}), "LSE-C|v1")
LIKE = MetricInfo("SSIM", "v", "higher", "", (-1.0, 1.0), "clip", frozenset({"truth"}), "SSIM|v1")
OFFSET = MetricInfo("AV-offset", "v", "none", "frames", (None, None), "clip", frozenset({"audio"}), "AV-offset|v1")


class _Scorer:
    metrics = (SYNC, LIKE, OFFSET)


def scored(tmp_path: Path, people: int, **shifts: float) -> Measurements:
    """Models whose every value is the truth's plus their shift; `people` clips of as many people."""
    rng = np.random.default_rng(0)
    clips = {f"c{i}": PreparedClip(f"c{i}", f"p{i}", tmp_path, {}) for i in range(people)}
    truth = {clip: float(rng.normal(6, 1)) for clip in clips}
    runs = []
    for name, shift in {"ground-truth": 0.0, **{key.replace("_", "-"): value for key, value in shifts.items()}}.items():
        run = ModelRun(name)
        for clip, value in truth.items():
            noisy = value + (shift + 0.1 * rng.normal() if name != "ground-truth" else 0.0)
            like = 1.0 if name == "ground-truth" else 0.995 + 0.01 * rng.random()
            run.scores[clip] = ClipResult({SYNC.column: noisy, LIKE.column: min(1.0, like), OFFSET.column: 1.0})
        runs.append(run)
    loaded = LoadedScorer("fake", _Scorer(), _Scorer.metrics)  # type: ignore[arg-type]
    return Measurements(runs, clips, ScorerSet((loaded,), ()), people, 0, Store(tmp_path / "store"))


def test_models_are_tested_and_bounds_are_not(tmp_path: Path) -> None:
    tests = pair_tests(scored(tmp_path, 8, good=1.0, poor=-1.0, static=-3.0))
    assert {(test.one, test.two) for test in tests} == {("good", "poor")}
    assert [test.column for test in tests] == [SYNC.column, LIKE.column], "an offset has no better direction"
    sync = tests[0]
    assert sync.difference == pytest.approx(2.0, abs=0.2) and sync.n_people == sync.n_clips == 8
    assert sync.p is not None and sync.p_holm is not None and sync.p < sync.p_holm < 0.001


def test_only_common_clips_are_compared(tmp_path: Path) -> None:
    run = scored(tmp_path, 9, one=0.0, two=0.0)
    for clip in ("c0", "c1"):
        del run.runs[1].scores[clip]
    run.runs[2].scores["c0"] = ClipResult({SYNC.column: 1e6})
    test = pair_tests(run)[0]
    assert test.n_clips == 7 and test.difference is not None and abs(test.difference) < 1
    row = next(row for row in metric_rows(run) if (row.model, row.name) == ("one", "LSE-C"))
    assert (row.n_ok, row.n_total) == (7, 9) and row.from_truth is not None and row.from_truth < 0.2


def test_a_small_sample_has_values_and_neither_interval_nor_p(tmp_path: Path) -> None:
    run = scored(tmp_path, 4, one=0.0, two=1.0)
    rows = [row for row in metric_rows(run) if row.model != "ground-truth"]
    assert all(row.value is not None and row.ci_low is None and row.ci_high is None for row in rows)
    assert all(test.p is None and test.p_holm is None and "too few people" in test.note for test in pair_tests(run))


def test_distance_from_the_truth_is_stored_where_it_says_something(tmp_path: Path) -> None:
    rows = {(row.model, row.name): row for row in metric_rows(scored(tmp_path, 8, model=-2.0))}
    assert rows["model", "LSE-C"].from_truth == pytest.approx(2.0, abs=0.2)
    assert rows["model", "AV-offset"].from_truth == 0.0
    assert rows["model", "SSIM"].from_truth is None, "it compares with the ground truth itself"
    assert rows["ground-truth", "LSE-C"].from_truth is None


def test_intervals_stay_within_the_metrics_range(tmp_path: Path) -> None:
    rows = [row for row in metric_rows(scored(tmp_path, 6, model=0.0)) if row.name == "SSIM"]
    assert all(row.ci_high is not None and row.value is not None and row.value <= row.ci_high <= 1 for row in rows)
