"""The results table as data: order, marks, coverage, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from make_runs import UNAVAILABLE, make_folder, make_result, metric_row, pair_test, signature

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import CLIPS_FILE, MetricRow, PairTest, PeopleRecord
from bench_lipsync.reports.page.write import write_page
from bench_lipsync.reports.table.format import decimals_for, footnote_mark, format_value
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import ComparisonError, load_runs
from bench_lipsync.reports.table.model import Grid
from bench_lipsync.reports.table.remarks import remarks
from bench_lipsync.reports.table.render import render_table


def grid_of(*rows: MetricRow, models: tuple[str, ...] = ("m1", "m2"), tests: Sequence[PairTest] = ()) -> Grid:
    return make_grid(load_runs(make_result(models, ["c1", "c2", "c3"], metrics=list(rows), tests=list(tests))))


def marked(grid: Grid) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Best and second as (row, metric)."""
    cells = [(row.label, cell.row.name, cell) for row in grid.rows for cell in row.cells if cell.row]
    return {(r, m) for r, m, cell in cells if cell.best}, {(r, m) for r, m, cell in cells if cell.second}


def test_models_come_as_given_and_bounds_last_in_a_fixed_order() -> None:
    result = make_result(["zeta", "alpha"], ["c"])
    shuffled = result.model_copy(update={"models": result.models[::-1]})
    assert [row.label for row in make_grid(load_runs(result)).rows[:2]] == ["zeta", "alpha"]
    for one in (result, shuffled):
        bounds = [row.label for row in make_grid(load_runs(one)).rows if row.bound]
        assert bounds == ["ground-truth", "static", "shuffled-audio"]


def test_two_signatures_of_one_metric_are_an_error_that_names_both() -> None:
    rows = metric_row("m1"), metric_row("m2", signature="LSE-C|other|v2")
    with pytest.raises(ComparisonError, match=r"LSE-C\[open-syncnet\] comes with 2 signatures.*m1 has.*m2 has LSE-C"):
        grid_of(*rows)


def test_signature_of_a_missing_value_does_not_count() -> None:
    missing = metric_row("m2", signature="LSE-C|other|v2", value=None, ci_low=None, ci_high=None, note=UNAVAILABLE)
    assert grid_of(metric_row("m1"), missing).signatures == (signature("LSE-C", "open-syncnet"),)


def test_two_variants_are_two_columns() -> None:
    other = metric_row("m1", variant="syncnet_v2", signature="LSE-C|syncnet_v2")
    assert [column.key for column in grid_of(metric_row("m1"), other).columns] == [
        "LSE-C[open-syncnet]",
        "LSE-C[syncnet_v2]",
    ]


def test_unavailable_value_is_na_with_a_footnote_and_never_a_number() -> None:
    grid = grid_of(metric_row("m1"), metric_row("m2", value=None, ci_low=None, ci_high=None, n_ok=0, note=UNAVAILABLE))
    cell = grid.rows[1].cells[0]
    assert (cell.text, cell.interval, cell.marks) == ("n/a", "", ("a",))
    assert grid.footnotes[0] == ("a", UNAVAILABLE)


def test_metric_that_nobody_has_is_listed_with_its_reason() -> None:
    none = [metric_row(m, "FID", value=None, ci_low=None, ci_high=None, note=UNAVAILABLE) for m in ("m1", "m2")]
    grid = grid_of(metric_row("m1"), *none)
    assert [column.name for column in grid.columns] == ["LSE-C"]
    assert grid.unmeasured == (("FID[inception]", UNAVAILABLE),)


def test_coverage_and_cells_that_differ_from_it() -> None:
    grid = grid_of(
        metric_row("m1"), metric_row("m1", "SSIM"), metric_row("m1", "FID", n_ok=2), metric_row("m2", n_ok=1)
    )
    first, second = grid.rows[:2]
    assert (first.coverage, second.coverage) == ("3/3", "1/3")
    assert ("a", "over 2 of 3 clips") in grid.footnotes
    assert [cell.marks for cell in first.cells] == [(), (), ("a",)]


def test_best_is_by_direction_among_models_only() -> None:
    grid = grid_of(
        metric_row("m1", value=5.0), metric_row("m2", value=6.0), metric_row("ground-truth", value=9.0),
        metric_row("m1", "FID", value=5.0), metric_row("m2", "FID", value=6.0),
        metric_row("m1", "AV-offset", direction="none"), metric_row("m2", "AV-offset", direction="none"),
        tests=[pair_test("m1", "m2", difference=-1.0), pair_test("m1", "m2", "FID[inception]", difference=-1.0)],
    )  # fmt: skip
    assert marked(grid) == ({("m2", "LSE-C"), ("m1", "FID")}, set())
    assert "p < 0.05 after Holm's correction for 2 tests" in grid.verdicts.test_note


def test_a_lead_that_may_be_chance_is_not_marked() -> None:
    """p = 0.03 would count alone and does not beside another test."""
    tests = [pair_test("m1", "m2", p=0.03, difference=-1.0), pair_test("m1", "m2", "FID[inception]", p=0.9)]
    rows = [metric_row(m, name, value=v) for m, v in (("m1", 5.0), ("m2", 6.0)) for name in ("LSE-C", "FID")]
    assert marked(grid_of(*rows, tests=tests)) == (set(), set())
    assert marked(grid_of(*rows[::2], tests=tests[:1]))[0] == {("m2", "LSE-C")}


def test_second_best_needs_a_best_and_a_lead_over_the_rest() -> None:
    models = ("m1", "m2", "m3")
    rows = [metric_row(name, value=value) for name, value in zip(models, (7.0, 6.0, 5.0), strict=True)]
    clear = [pair_test("m1", "m2"), pair_test("m1", "m3"), pair_test("m2", "m3")]
    assert marked(grid_of(*rows, models=models, tests=clear)) == ({("m1", "LSE-C")}, {("m2", "LSE-C")})
    level_below = [*clear[:2], pair_test("m2", "m3", p=0.5)]
    assert marked(grid_of(*rows, models=models, tests=level_below)) == ({("m1", "LSE-C")}, set())
    level_above = [pair_test("m1", "m2", p=0.5), *clear[1:]]
    assert marked(grid_of(*rows, models=models, tests=level_above)) == (set(), set())


def test_nothing_is_marked_where_nothing_could_be_tested() -> None:
    grid = grid_of(metric_row("m1", value=5.0), metric_row("m2", value=6.0))
    assert marked(grid) == (set(), set())
    assert "none could be tested" in grid.verdicts.test_note


def _people(clips: str, shift: float) -> PeopleRecord:
    sums = [5.0 + shift, 5.1 + shift, 5.3 + shift * 1.1, 4.9 + shift, 4.7 + shift * 0.9, 5.0 + shift]
    return PeopleRecord(groups=list("abcdef"), sums=sums, weights=[1.0] * 6, clips=clips)


def test_models_of_two_runs_are_tested_by_what_their_rows_hold(tmp_path: Path) -> None:
    folders = []
    for name, shift, clips in (("m1", 0.0, "x"), ("m2", 1.0, "x"), ("m3", 1.0, "y")):
        row = metric_row(name, value=5.0 + shift, people=_people(clips, shift))
        folders.append(make_folder(tmp_path / name, [name], ["c"], media=False, metrics=[row]))
    grid = make_grid(load_runs(folders[:2]))
    assert marked(grid)[0] == {("m2", "LSE-C")}
    assert grid.verdicts.tests[0].p_holm is not None and grid.verdicts.tests[0].p_holm < 0.001
    (folders[2] / CLIPS_FILE).unlink()
    other = make_grid(load_runs([folders[0], folders[2]]))
    assert marked(other)[0] == set() and "different clips" in other.verdicts.test_note


def test_the_distance_from_the_ground_truth_is_shown() -> None:
    grid = grid_of(metric_row("m1", value=5.0, from_truth=2.25), metric_row("ground-truth", value=7.25))
    assert [row.cells[0].gap for row in grid.rows if row.cells[0].row] == ["2.25", ""]
    assert grid.has_gaps


def test_two_runs_with_two_signatures_share_no_table(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["m1"], ["c"], media=False, metrics=[metric_row("m1")])
    row = metric_row("m2", signature="LSE-C|variant=open-syncnet|fps=30|v1")
    two = make_folder(tmp_path / "two", ["m2"], ["c"], media=False, metrics=[row])
    names = r"m1 has LSE-C\|variant=open-syncnet\|fps=25\|v1; m2 has LSE-C\|variant=open-syncnet\|fps=30\|v1"
    with pytest.raises(ComparisonError, match=names):
        make_grid(load_runs([one, two]))
    for command in (render_table, lambda runs: write_page(runs, tmp_path / "page.html")):
        with pytest.raises(ComparisonError, match=names):
            command([one, two])
    assert not (tmp_path / "page.html").exists()


def test_one_model_alone_is_not_best() -> None:
    assert not any(cell.best for cell in grid_of(metric_row("m1"), models=("m1",)).rows[0].cells)


def test_beating_the_ground_truth_is_said_and_so_is_losing_to_a_still_picture() -> None:
    rows = [
        metric_row("m1", value=7.0),
        metric_row("m2", value=1.0),
        metric_row("ground-truth", value=6.0),
        metric_row("static", value=2.0),
    ]
    said = remarks(grid_of(*rows))
    assert len(said) == 2
    assert said[0].startswith("m1 scores better than the ground truth on LSE-C[open-syncnet] (7.00 against 6.00)")
    assert said[1].startswith("m2 is no better than static on LSE-C[open-syncnet] (1.00 against 2.00)")


def test_runs_that_agree_share_rows_and_the_others_are_told_apart(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["m1"], ["c"], media=False)
    two = make_folder(tmp_path / "two", ["m1"], ["c"], media=False)
    assert len(make_grid(load_runs([one, two])).rows) == 4
    changed = make_folder(tmp_path / "changed", ["m1"], ["c"], media=False, metrics=[metric_row("m1", value=1.5)])
    labels = [row.label for row in make_grid(load_runs([one, changed])).rows if row.model == "m1"]
    assert labels == ["m1 @ one", "m1 @ changed"]


def test_runs_over_other_clips_or_data_share_no_table(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["m1"], ["c1"], media=False)
    two = make_folder(tmp_path / "two", ["m1"], ["c2"], media=False)
    spec = {**make_result(["m1"], []).spec, "dataset": "hdtf"}
    three = make_folder(tmp_path / "three", ["m1"], ["c1"], media=False, spec=spec)
    with pytest.raises(ComparisonError, match="different clips"):
        load_runs([one, two])
    with pytest.raises(ComparisonError, match="dataset is 'demo' in one and 'hdtf'"):
        load_runs([one, three])


def test_a_folder_without_a_run_and_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no run\.json"):
        load_runs(tmp_path)
    with pytest.raises(BenchError, match="no run folder was given"):
        load_runs([])


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([118.3, 4.0], 1), ([31.2], 2), ([7.2, 0.1], 2), ([0.9, 1.0], 3), ([0.13], 3), ([0.05], 4), ([0.0, None], 2)],
)
def test_decimals_follow_the_largest_value(values: list[float | None], decimals: int) -> None:
    assert decimals_for(values) == decimals


def test_values_as_text() -> None:
    assert [format_value(value, 2) for value in (None, float("nan"), float("inf"), -0.001, -1.5)] == [
        "n/a",
        "n/a",
        "∞",
        "0.00",
        "-1.50",
    ]
    assert [footnote_mark(index) for index in (0, 25, 26, 27, 701, 702)] == ["a", "z", "aa", "ab", "zz", "aaa"]
