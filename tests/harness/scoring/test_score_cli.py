"""`bench score` from inputs to table, on small real files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import typer
from external_clips import FRAMES, crop, pictures, prepare, write_video
from typer.testing import CliRunner, Result

from bench_lipsync.harness.cli.score import register
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.schema import CLIPS_FILE, MetricRow, RunResult, read_result
from bench_lipsync.harness.util.output_marker import MARKER

PEOPLE = ("anna", "bert", "cleo", "dora", "emil", "fay")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder data set of six people, a clip each; only the face finding is replaced."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "bench_lipsync.harness.stages.prepare_clip.prepare_clip", lambda clip, directory, size: prepare(clip, directory)
    )
    for name in PEOPLE:
        path = tmp_path / "clips" / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def bench(root: Path, *arguments: object) -> Result:
    app = typer.Typer()
    register(app)
    fixed = ["--dataset", "folder", "--data-root", str(root / "clips"), "--metrics", "PSNR,SSIM"]
    return CliRunner().invoke(app, [*map(str, arguments), *fixed], catch_exceptions=False)


def score(root: Path, *arguments: object) -> RunResult:
    done = bench(root, *arguments, "--out", root / "run", "--no-report")
    assert done.exit_code == 0, done.output
    return read_result(root / "run")


def rows(result: RunResult, metric: str) -> dict[str, MetricRow]:
    return {row.model: row for row in result.metrics if row.name == metric}


def test_the_inputs_themselves_score_as_the_ground_truth(root: Path) -> None:
    done = bench(root, "--inputs", root / "mine")
    assert done.exit_code == 0 and "6 clips" in done.output
    assert sorted(path.name for path in (root / "mine").iterdir())[:3] == [MARKER, "anna.mkv", "anna.wav"]
    result = score(root, root / "mine")
    assert [card["name"] for card in result.models] == ["precomputed:mine", *BOUNDS]
    for metric in ("PSNR", "SSIM"):
        mine, truth = (rows(result, metric)[name] for name in ("precomputed:mine", "ground-truth"))
        assert (mine.value, mine.n_ok, mine.n_total) == (truth.value, 6, 6)
    assert result.status == "complete" and result.failures == []


def test_every_kind_of_mismatch_ends_typed_and_counted(root: Path) -> None:
    mine = root / "mine"
    write_video(mine / "anna.mp4", crop(pictures("anna")))
    write_video(mine / "bert.mkv", pictures("bert"), codec="ffv1")
    write_video(mine / "cleo.mkv", crop(pictures("cleo", FRAMES - 3)), codec="ffv1")
    write_video(mine / "dora.mp4", pictures("dora", width=128, height=128))
    (mine / "emil.mp4").write_bytes(b"nothing")
    write_video(mine / "stranger.mkv", crop(pictures("s")), codec="ffv1")
    done = bench(root, mine, "--out", root / "run", "--no-report")
    assert done.exit_code == 0
    assert "videos for 5 of 6 clips; belonging to none of them: 1 (stranger.mkv)" in done.output
    result = read_result(root / "run")
    failed = {f.clip: (f.status, f.reason) for f in result.failures}
    assert {clip: status for clip, (status, _) in failed.items()} == {
        "dora": "bad_output",
        "emil": "decode_error",
        "fay": "bad_output",
    }
    assert "128x128" in failed["dora"][1] and "no video is named fay" in failed["fay"][1]
    row = rows(result, "PSNR")["precomputed:mine"]
    assert (row.n_ok, row.n_total) == (3, 6) and row.value is not None and result.status == "partial"
    told = [text for text in result.notices if text.startswith("precomputed:mine")]
    assert any("h264 yuv420p" in text and "(1 clip: anna)" in text for text in told)
    assert any("3 of 45 frames missing" in text and "cleo" in text for text in told)
    notes = pd.read_parquet(root / "run" / CLIPS_FILE).query("model == 'precomputed:mine'").set_index("clip")["note"]
    assert "h264" in notes["anna"] and notes["fay"] == "" and "own crop" in notes["bert"]


def test_two_videos_of_a_clip_are_told_before_and_in_the_results(root: Path) -> None:
    for name in ("anna.mkv", "sub/bert.mkv", "sub/bert.avi"):
        write_video(root / "mine" / name, crop(pictures(Path(name).stem)), codec="ffv1")
    done = bench(root, root / "mine", "--out", root / "run", "--no-report")
    assert "videos for 1 of 6 clips; 2 videos for bert: sub/bert.avi and sub/bert.mkv\n" in done.output
    failed = {failure.clip: failure.reason for failure in read_result(root / "run").failures}
    assert failed["bert"] == "2 videos are named bert: sub/bert.avi and sub/bert.mkv"
    (root / "mine/anna.mkv").unlink()
    with pytest.raises(BenchError, match=r"2 videos for bert: sub/bert.avi and sub/bert.mkv; leave one of them"):
        bench(root, root / "mine")


def test_notes_are_told_again_when_everything_comes_from_the_store(root: Path) -> None:
    write_video(root / "mine" / "anna.mp4", crop(pictures("anna")))
    first, second = score(root, root / "mine"), score(root, root / "mine")
    assert first.notices == second.notices and any("h264" in text for text in second.notices)


def test_a_changed_file_is_scored_anew(root: Path) -> None:
    write_video(root / "mine" / "anna.mkv", crop(pictures("anna")), codec="ffv1")
    before = rows(score(root, root / "mine"), "PSNR")["precomputed:mine"].value
    write_video(root / "mine" / "anna.mkv", crop(pictures("anna")) // 2, codec="ffv1")
    after = rows(score(root, root / "mine"), "PSNR")["precomputed:mine"].value
    assert before == 100 and after is not None and after < 20


def test_two_folders_are_compared_and_the_clear_winner_is_marked(root: Path) -> None:
    from bench_lipsync.reports.table.grid import make_grid
    from bench_lipsync.reports.table.loading import load_runs

    for name in PEOPLE:
        truth = crop(pictures(name))
        write_video(root / "good" / f"{name}.mkv", truth // 16 * 16, codec="ffv1")
        write_video(root / "poor" / f"{name}.mkv", truth // 2, codec="ffv1")
    result = score(root, root / "good", root / "poor")
    assert {(test.one, test.two) for test in result.tests} == {("precomputed:good", "precomputed:poor")}
    assert all(test.p_holm is not None and test.p_holm < 0.01 and test.n_people == 6 for test in result.tests)
    row = rows(result, "PSNR")["precomputed:poor"]
    assert row.value is not None and row.ci_low is not None and row.ci_high is not None
    assert row.ci_low <= row.value <= row.ci_high
    best = [row.label for row in make_grid(load_runs(result)).rows if row.cells[0].best]
    assert best == ["precomputed:good"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (None, "needs a folder of videos"),
        ("notes.txt", "no videos below that folder"),
        ("result_1.mp4", r"none of the videos in .* is named as one of the 6 clips .*expected anna.mp4"),
    ],
)
def test_a_wrong_folder_is_explained_before_anything_is_computed(root: Path, make: str | None, said: str) -> None:
    if make:
        (root / "mine").mkdir()
        (root / "mine" / make).touch()
    with pytest.raises(BenchError, match=said):
        bench(root, root / "mine", "--out", root / "run")
    assert not (root / "run").exists()


def test_nothing_to_score_is_wrong_use(root: Path) -> None:
    assert bench(root).exit_code == 2


def test_what_was_written_for_others_is_theirs_to_change(root: Path) -> None:
    bench(root, "--inputs", root / "mine")
    shutil.copyfile(root / "mine" / "anna.mkv", root / "mine" / "bert.mkv")
    result = score(root, root / "mine")
    assert rows(result, "PSNR")["ground-truth"].value == 100
    mine = rows(result, "PSNR")["precomputed:mine"]
    assert mine.value is not None and mine.value < 100
