"""The benchmarks of cost: what they compute from measurements, never how long anything takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench_lipsync.harness.results.schema import read_result
from bench_lipsync.harness.run.finalize import finalize
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.store.store import Store
from benchmarks.cost.driver_cost import made_up, scorers
from benchmarks.cost.voxceleb2_model import CLIPS, HOURS, SCENARIOS, Costs, check, frames_of_clips, simulate


def test_clips_are_as_many_and_as_long_as_the_real_ones() -> None:
    frames = frames_of_clips(CLIPS)
    assert frames.sum() / 25 / 3600 == pytest.approx(HOURS, rel=0.01)
    assert frames.min() >= 100


def test_one_worker_does_everything_one_after_the_other() -> None:
    costs = Costs(workers_a_gpu=1, driver_a_task=0.0)
    one, frames = simulate(costs, 1, 40, models=2), frames_of_clips(40)
    rows = 2 + 4
    own = 40 * (costs.prepare + rows * costs.pair) + frames.sum() * (costs.prepare_a_frame + rows * costs.pair_a_frame)
    gpu = frames.sum() * (rows * costs.score_gflop + 2 * costs.generate_gflop) / (1000 * costs.effective_tflops)
    assert one.work_hours * 3600 == pytest.approx(own + gpu)
    assert one.gpu_busy == pytest.approx(gpu / (own + gpu))


def test_more_gpus_are_faster_until_the_driver_or_the_store_is_the_limit() -> None:
    hours = [simulate(Costs(), gpus, 400).work_hours for gpus in (1, 8, 64)]
    assert hours[0] / 8 == pytest.approx(hours[1], rel=0.1) and hours[1] / 8 < hours[2] < hours[1]
    tight = replace(Costs(), store_gb_a_s=0.01)
    bound = simulate(tight, 64, 400)
    assert bound.store_gb_a_s <= 0.0101
    slow = replace(Costs(), driver_a_task=1.0)
    assert simulate(slow, 64, 400).driver_busy > 0.99
    assert all(simulate(costs, 8, 100).hours > 0 for costs in SCENARIOS.values())


def test_a_linear_cost_is_found_and_predicted() -> None:
    sizes = [(10, 440), (100, 4400), (2, 500), (2, 3000), (1000, 44_000), (2, 30_000)]
    runs: dict[str, Any] = {
        f"{clips} {frames}": {
            "kind": "run",
            "workers": 1,
            "clips": clips,
            "frames": frames,
            "cpu_s": 5 + 0.4 * clips + 0.03 * frames,
        }
        for clips, frames in sizes
    }
    fit, *lines = check(runs)
    assert [fit["start_s"], fit["a_clip_s"], fit["a_frame_s"]] == pytest.approx([5, 0.4, 0.03])
    assert [line["use"] for line in lines].count("predicted") == 2
    assert all(abs(float(line["error_%"])) < 1e-6 for line in lines)


def test_the_driver_takes_made_up_results_and_says_so(tmp_path: Path) -> None:
    store, found = Store(tmp_path / "store"), scorers()
    ledger = made_up(12, 2, 50, store, found)
    spec = make_spec({"models": ["a", "b"], "dataset": "demo", "metrics": "all"})
    (tmp_path / "run").mkdir()
    finalize(spec, ledger, found, store, tmp_path / "run")
    result = read_result(tmp_path / "run")
    assert any("MADE-UP" in notice for notice in result.notices)
    assert len(result.clips) == 12 and np.isfinite([row.value for row in result.metrics if row.value is not None]).all()
    assert {row.model for row in result.metrics} == {card["name"] for card in result.models}
