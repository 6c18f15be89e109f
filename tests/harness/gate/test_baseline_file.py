"""Baseline files: what they hold, how they are read back, and what is wrong with those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from gate_runs import result, usual

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.gate.baseline import baseline_of
from bench_lipsync.harness.gate.baseline_file import open_reference, read_baseline, save_baseline
from bench_lipsync.harness.gate.compare import compare
from bench_lipsync.harness.results.schema import write_result


def test_a_saved_run_passes_against_itself_with_all_tests(tmp_path: Path) -> None:
    run = result(usual(("a", "static")), {"a": 1.5})
    answer = compare(read_baseline(save_baseline(run, tmp_path / "b.yaml")), baseline_of(run))
    assert answer.passed and answer.judged == 23
    assert all(f.p == 1 for f in answer.findings if not f.bound and f.column.endswith("[v]"))


def test_the_file_is_small_sorted_and_changes_where_the_numbers_do(tmp_path: Path) -> None:
    run = result(usual())
    one = save_baseline(run, tmp_path / "1.yaml").read_text(encoding="utf-8").splitlines()
    rows = [r if r.name != "SSIM" else r.model_copy(update={"value": 0.5}) for r in run.metrics]
    two = save_baseline(run.model_copy(update={"metrics": rows}), tmp_path / "2.yaml").read_text(encoding="utf-8")
    changed = [line for line in two.splitlines() if line not in one]
    assert [line.strip() for line in changed] == ["value: 0.5"]
    assert sum(map(len, one)) < 8000
    data = yaml.safe_load(two)
    assert list(data["models"]["sls"]["metrics"]) == sorted(data["models"]["sls"]["metrics"])


def test_unavailable_numbers_and_speed_are_left_out(tmp_path: Path) -> None:
    run = result(usual(), {"sls": 1.0})
    rows = [r if r.name != "FID" else r.model_copy(update={"value": None}) for r in run.metrics]
    path = save_baseline(run.model_copy(update={"metrics": rows}), tmp_path / "b.yaml", speed=False)
    text = path.read_text(encoding="utf-8")
    assert "FID" not in text and "seconds" not in text and "stages" not in text
    none = [r.model_copy(update={"value": None}) for r in run.metrics]
    with pytest.raises(BenchError, match="no value at all"):
        save_baseline(run.model_copy(update={"metrics": none}), path)


def test_a_folder_and_a_file_are_both_references(tmp_path: Path) -> None:
    run = result(usual())
    write_result(run, tmp_path)
    save_baseline(run, tmp_path / "b.yaml")
    opened = [open_reference(tmp_path), open_reference(tmp_path / "run.json"), baseline_of(run)]
    assert opened[0].model_dump() == opened[1].model_dump() == opened[2].model_dump()
    assert open_reference(tmp_path / "b.yaml").models.keys() == {"sls"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no baseline at .* make one .*bench baseline save RUN --out"),
        ("a: [", "is not YAML"),
        ("a: 1", "neither a run folder nor a baseline"),
        ("baseline: 99", "version 99, this bench reads 1"),
        ("baseline: 1\nbench: x", "is not a baseline that this bench reads: created"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_other_files_are_errors(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "b.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError, match=message):
        open_reference(path)


@pytest.mark.parametrize("damage", ["people", "column", "parts"])
def test_a_damaged_file_is_an_error(tmp_path: Path, damage: str) -> None:
    path = save_baseline(result(usual()), tmp_path / "b.yaml")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if damage == "people":
        data["people"] = {}
    elif damage == "column":
        del data["columns"]["FID[v]"]
    else:
        data["models"]["sls"]["metrics"]["FID[v]"]["sums"] = [1.0]
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(BenchError, match=r"was damaged: the .* parts of sls, .*save it again"):
        read_baseline(path)
