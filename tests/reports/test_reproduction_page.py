from __future__ import annotations

from pathlib import Path

import pytest
from make_runs import make_folder, make_result

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import write_result
from bench_lipsync.harness.tasks import find_task, task_names
from bench_lipsync.reports.page.reproduction import write_reproduction


def _run(folder: Path, name: str, **changes: object) -> Path:
    task = find_task(name)
    spec = {**task.fixed(), "task": task.model_dump(mode="json"), "models": ["mine"], "size": 256, "seed": 0, **changes}
    folder.mkdir()
    write_result(make_result(["mine"], ["a", "b"], spec=spec), folder)
    return folder


def test_every_task_is_there_with_its_published_values(tmp_path: Path) -> None:
    one = _run(tmp_path / "one", "stylelipsync/voxceleb2-reconstruction", split="test")
    two = _run(tmp_path / "two", "stylelipsync/hdtf-cross", limit=2)
    page = write_reproduction([one, two], tmp_path / "page.html").read_text()
    for name in task_names():
        assert f"{name} <span" in page
    assert "19.607" in page and "0.590" not in page, "PSNR of Table 1 from the task alone"
    assert page.count("<b>Not the task itself:</b> limit changed") == 1
    assert "4.01 +-0.16" in page, "the user study's opinions"
    assert "bench run --task stylelipsync/ablation" in page and "bench run --task stylelipsync/hdtf-cross" not in page
    assert "<script" not in page


def test_a_run_of_no_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is a run of no task; `bench run --task NAME` makes one"):
        write_reproduction([make_folder(tmp_path / "run", media=False)], tmp_path / "page.html")
