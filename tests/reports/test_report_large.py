"""A page of a large run: some clips, chosen by a rule that it tells, and the rest in the files."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from make_runs import make_folder, make_result

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.clip_table import clip_columns, clip_records
from bench_lipsync.harness.results.schema import CLIPS_FILE, ClipFacts, Failure, write_result
from bench_lipsync.reports.page.clip_selection import MAX_CLIPS, choose_clips
from bench_lipsync.reports.page.write import write_page
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import load_runs

CLIPS = [f"clip-{number:04}" for number in range(1000)]
COLUMN = "LSE-C[open-syncnet]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1000 clips of one model, better and better; 400 of them failed in the bound `static`."""
    failures = [Failure(model="static", clip=clip, status="no_face", reason=f"none in {clip}") for clip in CLIPS[:400]]
    made = make_folder(
        tmp_path_factory.mktemp("large") / "run", clips=CLIPS, media=False, curves=True, failures=failures
    )
    records = pd.read_parquet(made / CLIPS_FILE)
    mine = records["model"] == "stylelipsync"
    records.loc[mine, COLUMN] = [float(number) for number in range(len(CLIPS))]
    records.to_parquet(made / "clips.parquet")
    return made


def test_worst_best_and_a_sample_are_shown(folder: Path) -> None:
    runs = load_runs(folder)
    shown = choose_clips(runs, make_grid(runs))
    assert len(shown.numbers) == MAX_CLIPS and shown.left_out == 1000 - MAX_CLIPS
    assert set(range(100)) | set(range(900, 1000)) <= set(shown.numbers)
    assert list(shown.numbers) == sorted(shown.numbers)
    between = [number for number in shown.numbers if 100 <= number < 900]
    assert max(b - a for a, b in pairwise(between)) <= 10, "spread evenly"
    assert f"100 best of stylelipsync in {COLUMN}" in shown.rule
    assert choose_clips(runs, make_grid(runs)) == shown


def test_the_page_says_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    text = write_page(folder, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "300 of 1000 clips are shown: the 100 worst and the 100 best of stylelipsync" in text
    assert text.count('<article class="clip card"') == 300
    assert "200 more are listed in run.json" in text and "none in clip-0199" in text


def test_asked_clips_are_shown(folder: Path, tmp_path: Path) -> None:
    text = write_page(folder, tmp_path / "page.html", clips=["clip-0500", "clip-0007"]).read_text(encoding="utf-8")
    assert text.count('<article class="clip card"') == 2
    assert text.index("clip-0007") < text.index("clip-0500") and "2 of 1000 clips are shown" in text
    with pytest.raises(BenchError, match=r"the run has no clip 'nobody'; clips.parquet lists all 1000"):
        write_page(folder, tmp_path / "page.html", clips=["nobody"])


def test_small_runs_show_everything_and_failed_clips_are_counted_apart(tmp_path: Path) -> None:
    gone = [Failure(model=row, clip="b", status="no_face", reason="") for row in ("m", "ground-truth", "static")]
    gone += [Failure(model="shuffled-audio", clip="b", status="metric_failed", reason="")]
    made = make_folder(tmp_path / "run", ["m"], ["a", "b", "c"], media=False, failures=gone[:3])
    runs = load_runs(made)
    assert choose_clips(runs, make_grid(runs)).numbers == (0, 1, 2), "one row still has frames"
    write_result(make_result(["m"], ["a", "b"], failures=gone), made)
    facts = [ClipFacts(id="a", identity="a", status="no_face"), ClipFacts(id="b", identity="b", status="ok")]
    write_result(make_result(["m"], ["a", "b"]).model_copy(update={"clips": facts}), made)
    runs = load_runs(made)
    assert choose_clips(runs, make_grid(runs)).numbers == (1,)


def test_records_are_read_in_parts(folder: Path) -> None:
    some = list(clip_records(folder, ["clip-0003"]))
    assert [row["model"] for row in some] == ["stylelipsync", "ground-truth", "static", "shuffled-audio"]
    assert some[0][COLUMN] == 3.0 and some[2]["status"] == "no_face" and some[2][COLUMN] is None
    columns = clip_columns(folder, [COLUMN, "no such column"])
    assert set(columns) == {(row["model"], COLUMN) for row in some}
    assert columns["stylelipsync", COLUMN].tolist() == list(range(1000))
    assert list(clip_records(folder.parent)) == [] and clip_columns(folder.parent, [COLUMN]) == {}
