"""Published values stand beside the measured ones in every format, and are never taken for measured."""

from __future__ import annotations

import json
import re

import pytest
from make_runs import make_result

from bench_lipsync.harness.results.schema import RunResult
from bench_lipsync.harness.tasks import Task, find_task
from bench_lipsync.reports.page.html_table import table_view
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import load_runs
from bench_lipsync.reports.table.render import render_table

SOURCE = "arXiv 2305.00521, Table 1"


def result(**changes: object) -> RunResult:
    task = find_task("stylelipsync/voxceleb2-reconstruction")
    spec = {**task.fixed(), "task": task.model_dump(mode="json"), "models": ["mine"], "split": "test", **changes}
    return make_result(["mine"], ["a", "b", "c"], spec={**spec, "size": 256, "seed": 0})


@pytest.mark.parametrize("format", ["text", "markdown", "latex"])
def test_every_format_shows_them_with_their_source(format: str) -> None:
    text = render_table(result(), format)
    assert "Wav2Lip (published)" in text and "0.631" in text
    flat = re.sub(r"\s+", " ", text)
    assert SOURCE in flat and "were not measured here" in flat
    assert "task=stylelipsync/voxceleb2-reconstruction" in text.replace("\\", "")


def test_json_has_them_apart_from_the_metrics() -> None:
    data = json.loads(render_table(result(), "json"))
    labels = {row["label"]: row["values"] for row in data["published"]}
    assert labels["StyleLipSync"] == {"SSIM[wang2004]": 0.631}
    assert data["task"] == "task=stylelipsync/voxceleb2-reconstruction|version=1"
    assert all(
        row["model"] in ("mine", "ground-truth", "static", "shuffled-audio") for row in data["runs"][0]["metrics"]
    )


def test_they_take_part_in_no_comparison() -> None:
    grid = make_grid(load_runs(result()))
    assert {row.label for row in grid.published}.isdisjoint(row.label for row in grid.rows)
    assert all(len(row.values) == len(grid.columns) for row in grid.published)
    view = table_view(grid)
    assert {item.row.label for item in (*view.models, *view.bounds)} == {row.label for row in grid.rows}


def test_a_changed_task_is_called_none() -> None:
    assert "task=none|from=stylelipsync/voxceleb2-reconstruction@1|changed=limit" in render_table(
        result(limit=2), "markdown"
    )


def test_a_column_that_only_the_publication_has_is_shown() -> None:
    one = result()
    rows = [
        row.model_copy(update={"variant": "syncnet_v2", "value": None, "note": "unavailable: no weights"})
        if row.name == "LSE-C"
        else row
        for row in one.metrics
    ]
    grid = make_grid(load_runs(one.model_copy(update={"metrics": rows})))
    place = [column.key for column in grid.columns].index("LSE-C[syncnet_v2]")
    assert {row.label: row.values[place] for row in grid.published}["Wav2Lip"] == "8.329"
    assert all(row.cells[place].value is None for row in grid.rows)


def test_hostile_names_are_escaped() -> None:
    task = find_task("demo").model_dump(mode="json")
    evil = "<script>\\input{x}|`"
    task["published"] = {"source": evil, "rows": {evil: {"SSIM[wang2004]": 1.0}}}
    one = result(task=Task.model_validate(task).model_dump(mode="json"))
    assert "\\input" not in render_table(one, "latex").replace("textbackslash{}input", "")
    assert "<script>" not in render_table(one, "markdown")
