from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.output_guard import RUN_FILES, check_out_file, check_out_folder
from bench_lipsync.harness.util.output_marker import mark_output


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    mark_output(folder, "run", "abc")
    return folder


@pytest.mark.parametrize(
    "name", [*sorted(RUN_FILES), "generated/static/a.mkv", "media/static/a.mp4", "sub/../run.json"]
)
def test_files_of_a_run_are_not_replaced_whether_they_exist_or_not(run: Path, name: str) -> None:
    (run / "sub").mkdir()
    with pytest.raises(BenchError, match="is a file of the run in"):
        check_out_file(run / name)


def test_other_files_may_lie_in_a_run_folder(run: Path) -> None:
    check_out_file(run / "table.tex")
    (run / "table.tex").touch()
    check_out_file(run / "table.tex")
    check_out_file(run / "tables" / "a.csv")
    check_out_file(run / "report.html", own=["report.html"])


def test_a_file_that_is_read_is_not_written_by_any_of_its_names(tmp_path: Path) -> None:
    file = tmp_path / "base.yaml"
    file.touch()
    (tmp_path / "link.yaml").symlink_to(file)
    (tmp_path / "hard.yaml").hardlink_to(file)
    for name in ("base.yaml", "x/../base.yaml", "link.yaml", "hard.yaml"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(BenchError, match=r"--junit .* is a file that the command reads; name another file"):
            check_out_file(tmp_path / name, [file], "--junit")
    check_out_file(tmp_path / "other.xml", [file], "--junit")
    with pytest.raises(BenchError, match="is a folder"):
        check_out_file(tmp_path)


def test_files_of_other_output_are_not_replaced(tmp_path: Path) -> None:
    mark_output(tmp_path / "work", "training")
    (tmp_path / "work" / "weights.safetensors").touch()
    with pytest.raises(BenchError, match="is a file of the training in"):
        check_out_file(tmp_path / "work" / "weights.safetensors")
    check_out_file(tmp_path / "work" / "table.md")


def test_a_folder_of_another_kind_or_around_an_input_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is the folder of a run, not of a training"):
        check_out_folder(run, "training", {})
    check_out_folder(run, "run", {})
    (tmp_path / "data").mkdir()
    for folder in (tmp_path, tmp_path / "data", tmp_path / "data" / ".." / "data"):
        with pytest.raises(BenchError, match="holds --data-root"):
            check_out_folder(folder, "run", {"--data-root": tmp_path / "data"})
    check_out_folder(tmp_path / "data" / "results", "run", {"--data-root": tmp_path / "data"})
