"""Whatever compares two rows does so over the clips that both have: property tests with clips missing at random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from gate_runs import metric, result
from numpy.typing import NDArray

from bench_lipsync.harness.ablation.deltas import deltas, mode_deltas
from bench_lipsync.harness.ablation.variants import FULL, Ablation, CurvePoint, Variants
from bench_lipsync.harness.cli._run_common import show
from bench_lipsync.harness.gate.baseline_file import open_reference, save_baseline
from bench_lipsync.harness.gate.compare import compare
from bench_lipsync.harness.gate.rules import make_gate
from bench_lipsync.harness.gate.verdicts import Verdict
from bench_lipsync.harness.results.schema import CLIPS_FILE, PairTest, RunResult, read_result, write_result
from bench_lipsync.harness.run.finalize import RunOutcome
from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.reports.ablation.page import write_ablation
from bench_lipsync.reports.ablation.tables import ablation_table
from bench_lipsync.reports.gate.text import gate_json
from bench_lipsync.reports.page.write import write_page
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import load_runs
from bench_lipsync.reports.table.remarks import remarks
from bench_lipsync.reports.table.render import render_table

CLIPS = tuple(f"c{number}" for number in range(12))
PHRASES = {"ground-truth": "better than the ground truth", "static": "no better than static"}
Values = dict[str, dict[str, NDArray[np.float64]]]
"""(clips,) by row and metric, NaN where the row lacks the clip."""


def folder_of(path: Path, values: Values, **changes: Any) -> Path:
    """A run folder with exactly these values of single clips, and the rows' own means over them."""
    rows = []
    for model, metrics in values.items():
        for name, numbers in metrics.items():
            kept = [clip for clip, number in zip(CLIPS, numbers, strict=True) if np.isfinite(number)]
            own = metric(model, name, numbers[np.isfinite(numbers)].tolist(), kept)
            rows.append(own.model_copy(update={"n_total": len(CLIPS), "clips": sha256_json(sorted(kept))}))
    path.mkdir(parents=True)
    write_result(result({model: {} for model in values}, people=CLIPS, **{"metrics": rows, **changes}), path)
    records = [
        {"model": model, "clip": clip, "identity": clip, "status": "ok", "reason": "", "note": ""}
        | {f"{name}[v]": numbers[place] for name, numbers in metrics.items()}
        for model, metrics in values.items()
        for place, clip in enumerate(CLIPS)
    ]
    pd.DataFrame(records).to_parquet(path / CLIPS_FILE)
    return path


def random_values(seed: int, models: tuple[str, ...] = ("m1", "m2")) -> Values:
    """Rows that lack clips at random; clips differ far more than rows do, so that a mean is of its clips first."""
    rng = np.random.default_rng(seed)
    hard = {"LSE-C": 20 * rng.random(len(CLIPS)), "LSE-D": 20 * rng.random(len(CLIPS))}
    made: Values = {}
    for model in (*models, "ground-truth", "static"):
        lacks = rng.random(len(CLIPS)) < 0.3
        made[model] = {
            name: np.where(lacks, np.nan, values + rng.normal(0, 0.5) + rng.normal(0, 0.2, len(CLIPS)))
            for name, values in hard.items()
        }
    return made


def common(one: NDArray[np.float64], two: NDArray[np.float64]) -> tuple[float, float, int]:
    """Both means over the clips that both have, and how many there are."""
    both = np.isfinite(one) & np.isfinite(two)
    return float(one[both].mean()), float(two[both].mean()), int(both.sum())


def better(name: str, one: float, two: float) -> bool:
    return one > two if name == "LSE-C" else one < two


def test_one_of_two_clips_is_not_better_than_the_truth_over_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clip that is left out is a hard one: 0.545 beats the truth's mean of 0.544, and not its 0.556."""
    nan = [np.nan] * 10
    values = {
        "half": {"LSE-C": np.array([0.545, np.nan, *nan])},
        "ground-truth": {"LSE-C": np.array([0.556, 0.532, *nan])},
    }
    assert remarks(make_grid(load_runs(folder_of(tmp_path / "run", values)))) == []
    values["half"]["LSE-C"][0] = 0.557
    said = remarks(make_grid(load_runs(folder_of(tmp_path / "better", values))))
    show(RunOutcome(tmp_path / "better", read_result(tmp_path / "better"), None), as_json=False)
    assert "1 of 12 clips that both have" in " ".join(capsys.readouterr().out.split()), "what `bench score` prints"
    assert len(said) == 1 and "LSE-C[v] (0.557 against 0.556, over the 1 of 12 clips that both have)" in said[0]


@pytest.mark.parametrize("seed", range(12))
def test_remarks_are_over_common_clips(tmp_path: Path, seed: int) -> None:
    values = random_values(seed)
    said = " ".join(remarks(make_grid(load_runs(folder_of(tmp_path / "run", values)))))
    for model in ("m1", "m2"):
        for name in ("LSE-C", "LSE-D"):
            for bound, phrase in (
                ("ground-truth", "better than the ground truth"),
                ("static", "no better than static"),
            ):
                mine, its, count = common(values[model][name], values[bound][name])
                expected = better(name, mine, its) == (bound == "ground-truth")
                part = next((s for s in said.split(". ") if s.startswith(f"{model} ") and phrase in s), "")
                assert (f"{name}[v] (" in part) == expected
                if expected:
                    cover = "" if count == len(CLIPS) else f", over the {count} of 12 clips that both have"
                    assert f"{name}[v] ({mine:.2f} against {its:.2f}{cover})" in part


@pytest.mark.parametrize("seed", range(12))
def test_marks_and_tests_of_two_runs_are_over_common_clips(tmp_path: Path, seed: int) -> None:
    values = random_values(seed)
    runs = [folder_of(tmp_path / name, {name: values[name]}) for name in ("m1", "m2")]
    grid = make_grid(load_runs(runs))
    tests = {test.column: test for test in grid.verdicts.tests}
    for place, column in enumerate(grid.columns):
        one, two, count = common(values["m1"][column.name], values["m2"][column.name])
        test = tests[column.key]
        assert test.difference == pytest.approx(one - two) and test.n_clips == count
        best = [row.label for row in grid.rows if row.cells[place].best]
        counts = test.p_holm is not None and test.p_holm < 0.05
        assert best == ([("m1" if better(column.name, one, two) else "m2")] if counts else [])
    if any(test.n_clips < 12 and test.p is not None for test in tests.values()):
        for form in ("text", "markdown", "latex"):
            assert "over the clips that both rows have" in " ".join(render_table(runs, form).split())
        page = write_page(runs, tmp_path / "page.html").read_text(encoding="utf-8")
        assert "over the clips that both rows have" in page and "their order and the charts compare nothing" in page


def test_the_best_is_the_one_that_wins_over_common_clips_and_not_the_one_with_the_larger_mean(tmp_path: Path) -> None:
    """`easy` lacks the hard half, so that its own mean is far above that of a row which beats it on every clip."""
    hard = np.repeat([1.0, 9.0], 6)
    noise = 0.01 * np.arange(12)
    values = {"good": {"LSE-C": hard + 0.5 + noise}, "easy": {"LSE-C": np.where(hard < 2, np.nan, hard)}}
    grid = make_grid(load_runs([folder_of(tmp_path / name, {name: row}) for name, row in values.items()]))
    cells = {row.label: row.cells[0] for row in grid.rows}
    assert (cells["easy"].value or 0) > (cells["good"].value or 0)
    assert cells["good"].best and not cells["easy"].best
    assert "over the clips that both rows have (6 of 12)" in grid.verdicts.test_note


def test_a_run_s_own_test_decides_by_its_own_difference(tmp_path: Path) -> None:
    """Set metrics: the run pooled them over the common clips, whatever the rows' own values say."""
    rng = np.random.default_rng(0)
    values = {name: {"FID": rng.normal(3, 0.1, 12)} for name in ("a", "b")}
    values["a"]["FID"][:4] = np.nan
    test = {"one": "a", "two": "b", "column": "FID[v]", "difference": 0.5, "p": 1e-4, "n_clips": 8, "n_people": 8}
    run = folder_of(tmp_path / "run", values, tests=[test])
    (run / CLIPS_FILE).unlink()
    grid = make_grid(load_runs(run))
    assert [row.label for row in grid.rows if row.cells[0].best] == ["b"]
    other = make_grid(load_runs(_bare(run)))
    assert not any(row.cells[0].best for row in other.rows) and "different clips" in other.verdicts.test_note


def _bare(run: Path) -> RunResult:
    """The run without its tests and without the values of single clips."""
    return read_result(run).model_copy(update={"tests": []})


def test_a_remark_that_cannot_be_made_over_common_clips_says_so(tmp_path: Path) -> None:
    values = random_values(1, ("m1",))
    values["m1"]["LSE-C"][:] = 30.0
    values["m1"]["LSE-C"][:3] = np.nan
    run = _bare(folder_of(tmp_path / "run", values))
    said = remarks(make_grid(load_runs(run)))
    reason = "the rows are over different clips, and what each clip adds is not at hand"
    assert f"m1 is not compared with ground-truth, static on LSE-C[v], LSE-D[v]: {reason}." in said
    assert not any("better than" in text and "LSE-C" in text for text in said)


@pytest.mark.parametrize("seed", range(12))
def test_changes_of_an_ablation_are_over_common_clips(tmp_path: Path, seed: int) -> None:
    values = random_values(seed, ("m", "m@less", "m (adapted)", "m@less (adapted)"))
    folder = folder_of(tmp_path / "run", values)
    variants = Variants("m", {"less": "m@less"})
    ablation = Ablation(variants, ("zero-shot", "adapted"), read_result(folder), folder)
    pairs = [("m@less", "m"), ("m@less (adapted)", "m (adapted)")]
    for (own, base), mode in zip(pairs, ablation.modes, strict=True):
        for delta in (delta for delta in deltas(ablation) if delta.mode == mode):
            name = delta.column.partition("[")[0]
            one, two, count = common(values[own][name], values[base][name])
            assert delta.delta == pytest.approx(one - two) and delta.n_clips == count
            assert delta.worse == better(name, two, one)
            assert delta.low is None or delta.high is None or delta.low <= delta.delta <= delta.high
            cover = f"over the {count} of 12 clips that both have"
            for text in (ablation_table(ablation, "latex"), ablation_table(ablation, "markdown")):
                assert count == 12 or cover in text
    for delta in mode_deltas(ablation):
        name, row = delta.column.partition("[")[0], "m" if delta.label == FULL else "m@less"
        one, two, _ = common(values[f"{row} (adapted)"][name], values[row][name])
        assert delta.delta == pytest.approx(one - two)
    page = write_ablation(ablation, tmp_path / "ablation.html").read_text(encoding="utf-8")
    assert all(delta.coverage in page for delta in [*deltas(ablation), *mode_deltas(ablation)])


def test_a_change_without_common_clips_at_hand_is_not_made(tmp_path: Path) -> None:
    values = random_values(0, ("m", "m@less"))
    values["m"]["LSE-C"][:2] = np.nan
    result = read_result(folder_of(tmp_path / "run", values))
    ablation = Ablation(Variants("m", {"less": "m@less"}), ("zero-shot",), result)
    delta = next(delta for delta in deltas(ablation) if delta.column == "LSE-C[v]")
    assert (delta.delta, delta.low, delta.p, delta.worse) == (None, None, None, False)
    assert "n/a" in ablation_table(ablation, "markdown") and "not compared: the rows are over different clips" in (
        ablation_table(ablation, "markdown")
    )
    write_ablation(ablation, tmp_path / "ablation.html")


def test_a_run_s_own_test_gives_the_change_of_a_set_metric(tmp_path: Path) -> None:
    values: Values = {name: {"FID": np.linspace(3, 4, 12)} for name in ("m", "m@less")}
    values["m"]["FID"][:3] = np.nan
    test = {"one": "m", "two": "m@less", "column": "FID[v]", "difference": -0.25, "p": 0.01, "n_clips": 9}
    result = _bare(folder_of(tmp_path / "run", values)).model_copy(update={"tests": [PairTest(**test)]})
    delta = deltas(Ablation(Variants("m", {"less": "m@less"}), ("zero-shot",), result))[0]
    assert (delta.delta, delta.p, delta.n_clips, delta.low) == (0.25, 0.01, 9, None)


@pytest.mark.parametrize("seed", range(12))
def test_the_gate_judges_over_common_clips(tmp_path: Path, seed: int) -> None:
    """The candidate lost no clip and has some that the baseline lacks: what it loses is over the baseline's."""
    before, now = random_values(seed, ("m",)), random_values(seed + 100, ("m",))
    for row, metrics in now.items():
        for name, numbers in metrics.items():
            lost = np.isnan(numbers) & np.isfinite(before[row][name])
            numbers[lost] = before[row][name][lost]
    folders = folder_of(tmp_path / "before", before), folder_of(tmp_path / "now", now)
    answer = compare(open_reference(folders[0]), open_reference(folders[1]), make_gate({}))
    for finding in (finding for finding in answer.findings if finding.model == "m"):
        name = finding.column.partition("[")[0]
        old, new, count = common(before["m"][name], now["m"][name])
        assert finding.loss == pytest.approx(old - new if name == "LSE-C" else new - old)
        assert finding.n_clips == count and ("clips that both have" in finding.reason) == (count < 12)
        assert finding.reason in gate_json(answer)
    counts = [finding.n_clips for finding in answer.findings if finding.n_clips is not None]
    assert any("clips that both have" in notice for notice in answer.notices) == any(count < 12 for count in counts)


def test_the_gate_compares_with_the_truth_over_common_clips(tmp_path: Path) -> None:
    """An offset that is the truth's on every clip is no worse, whatever clips the truth has beside them."""
    offset = np.array([0.0] * 6 + [3.0] * 6)
    before = {"m": {"AV-offset": offset}, "ground-truth": {"AV-offset": offset}}
    now = {"m": {"AV-offset": offset}, "ground-truth": {"AV-offset": np.where(offset > 0, np.nan, offset)}}
    folders = folder_of(tmp_path / "before", before), folder_of(tmp_path / "now", now)
    answer = compare(open_reference(folders[0]), open_reference(folders[1]), make_gate({"bounds": False}))
    finding = next(finding for finding in answer.findings if finding.model == "m")
    assert finding.loss == 0.0 and "over the 6 of 12 clips" in finding.reason


def test_a_lost_clip_fails_the_gate_even_where_another_came(tmp_path: Path) -> None:
    before, now = ({"m": {"LSE-C": np.linspace(3, 4, 12)}} for _ in range(2))
    before["m"]["LSE-C"][0] = now["m"]["LSE-C"][1] = np.nan
    folders = folder_of(tmp_path / "before", before), folder_of(tmp_path / "now", now)
    answer = compare(open_reference(folders[0]), open_reference(folders[1]))
    assert [finding.verdict for finding in answer.failed] == [Verdict.FEWER]
    saved = save_baseline(read_result(folders[0]), tmp_path / "base.yaml")
    answer = compare(open_reference(saved), open_reference(folders[1]))
    assert [finding.verdict for finding in answer.failed] == [Verdict.OTHER]
    assert "save the baseline again" in answer.failed[0].reason
    assert compare(open_reference(saved), open_reference(folders[0])).passed


def test_a_distance_from_the_truth_says_how_many_clips_it_is_over(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "run", {"m": {"LSE-C": np.linspace(3, 4, 12)}})
    result = read_result(folder)
    rows = [row.model_copy(update={"from_truth": 0.5, "n_from_truth": 7}) for row in result.metrics]
    grid = make_grid(load_runs(result.model_copy(update={"metrics": rows})))
    assert [text for _, text in grid.footnotes] == ["Δ over the 7 of 12 clips that both have"]


def test_a_curve_says_which_rows_lack_clips(tmp_path: Path) -> None:
    values = random_values(0, ("m", "m (adapted)"))
    values["m"] = {name: np.linspace(3, 4, 12) for name in values["m"]}
    result = read_result(folder_of(tmp_path / "run", values))
    variants = Variants("m", {})
    points = tuple(CurvePoint(seconds, None, result) for seconds in (2.0, 5.0))
    page = write_ablation(
        Ablation(variants, ("zero-shot", "adapted"), result, tmp_path / "run", curve=points), tmp_path / "a.html"
    )
    assert "these rows lack some: m (adapted)." in page.read_text(encoding="utf-8")
