"""Curves: what is written, what a run that goes on forgets, and TensorBoard where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.models.training import metrics_log
from bench_lipsync.models.training.metrics_log import MetricsLog


@pytest.fixture
def no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_log, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_board")
def test_rows_after_the_state_are_forgotten(tmp_path: Path) -> None:
    first = MetricsLog(tmp_path / "log.csv", ("a", "b", "seconds"), 0)
    for step in (20, 40, 60):
        first.add(step, {"b": 1 / 3, "a": step})
    MetricsLog(tmp_path / "log.csv", ("a", "b", "seconds"), 50).add(60, {"a": -1.0, "b": float("nan")})
    rows = [row.rsplit(",", 1)[0] for row in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows == ["step,a,b", "20,20,0.333333", "40,40,0.333333", "60,-1,nan"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"], "no TensorBoard without the package"


@pytest.mark.usefixtures("no_board")
@pytest.mark.parametrize("left", ["", "step,a", "step,a,seconds\n2", "step,a,seconds\n20,1"])
def test_what_a_kill_left_unfinished_is_forgotten(tmp_path: Path, left: str) -> None:
    (tmp_path / "log.csv").write_text(left)
    MetricsLog(tmp_path / "log.csv", ("a", "seconds"), 40).add(60, {"a": 5.0})
    assert [row.rsplit(",", 1)[0] for row in (tmp_path / "log.csv").read_text().splitlines()] == ["step,a", "60,5"]


@pytest.mark.usefixtures("no_board")
def test_columns_have_formats_of_their_own(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "deep" / "log.csv", ("seconds", "a", "b"), 0, formats={"a": ".2f", "seconds": ".6g"})
    log.add(1, {"a": 1 / 3, "b": 1 / 3, "seconds": 12.5})
    assert log.path.read_text() == "step,seconds,a,b\n1,12.5,0.33,0.333333\n"


def test_tensorboard_gets_the_same(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="NOT CHECKED: TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    MetricsLog(tmp_path / "validation.csv", ("lpips", "seconds"), 0).add(5, {"lpips": 0.25})
    events = EventAccumulator(str(tmp_path / "tensorboard" / "validation"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("lpips")] == [(5, 0.25)]
