"""Named tasks: their definitions, how clips are drawn, and what a run of them says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import typer

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.cli._options import ClipArgs, chosen_clips
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.run.selection import select
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.tasks import Draw, draw_clips, find_task, task_names

PAPER = {
    "stylelipsync/voxceleb2-reconstruction",
    "stylelipsync/hdtf-cross",
    "stylelipsync/ablation",
    "stylelipsync/adaptation",
    "stylelipsync/user-study",
}


def clips(*identities: str) -> list[Clip]:
    return [Clip(f"c{number:03d}", who, Path(f"{number}.mp4")) for number, who in enumerate(identities)]


def spec_of(name: str, **values: object) -> object:
    task = find_task(name)
    return make_spec({**task.fixed(), "task": task, "models": task.models, **values})


@pytest.mark.parametrize("name", task_names())
def test_every_packaged_task_is_a_run_that_can_be_specified(name: str) -> None:
    spec = spec_of(name)
    assert spec.task.name == name and spec.changes_to_task() == []
    assert spec.metrics and set(spec.metrics) <= set(metric_names().words)


def test_the_papers_tables_are_there_with_their_values() -> None:
    assert set(task_names()) >= PAPER
    table = find_task("stylelipsync/voxceleb2-reconstruction").published
    assert table.source == "arXiv 2305.00521, Table 1"
    assert table.rows["StyleLipSync"]["PSNR[rgb255]"] == 19.607 and table.rows["Wav2Lip"]["LSE-C[syncnet_v2]"] == 8.329
    assert set(table.rows) == {"Wav2Lip", "ATVG", "MakeItTalk", "PC-AVS", "StyleLipSync"}


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"limit": 3}, ["limit"]),
        ({"metrics": ["LSE-C"], "clip_seconds": 5.0}, ["clip_seconds", "metrics"]),
        ({"pairs": [("a", "b")]}, ["pairs"]),
        ({"models": ["static"], "seed": 0, "data_root": "somewhere"}, []),
    ],
)
def test_what_a_task_fixes_makes_it_another_task_when_changed(values: dict[str, object], changed: list[str]) -> None:
    spec = spec_of("stylelipsync/hdtf-cross", **values)
    assert spec.changes_to_task() == changed
    signature = spec.task.signature(changed)
    assert signature == (
        f"task=none|from=stylelipsync/hdtf-cross@1|changed={','.join(changed)}"
        if changed
        else "task=stylelipsync/hdtf-cross|version=1"
    )


def test_name_and_version_are_in_the_hash() -> None:
    plain = make_spec({**find_task("demo").fixed(), "models": ["static"]})
    task = find_task("demo")
    hashes = {
        plain.hash(["a"]),
        plain.model_copy(update={"task": task}).hash(["a"]),
        plain.model_copy(update={"task": task.model_copy(update={"version": 2})}).hash(["a"]),
        plain.model_copy(update={"task": task.model_copy(update={"name": "other"})}).hash(["a"]),
    }
    assert len(hashes) == 4
    same = task.model_copy(update={"summary": "other words"})
    assert plain.model_copy(update={"task": same}).hash(["a"]) in hashes


def test_the_cross_draw_takes_no_audio_twice_while_there_is_enough() -> None:
    footage = clips(*(f"p{number % 12}" for number in range(180)))
    driven, notices = draw_clips(Draw(rule="cross", videos=10, audio_per_video=15), footage, 10.0)
    assert len(driven) == 150 and not notices
    assert len({item.audio.id for item in driven}) == 150
    assert set(Counter(item.clip.id for item in driven).values()) == {15}
    assert len({item.clip.identity for item in driven}) == 10
    identity = {clip.id: clip.identity for clip in footage}
    assert all(identity[item.audio.id] != item.clip.identity for item in driven)
    assert all(item.clip.end == item.audio.end == 10.0 for item in driven)
    again, _ = draw_clips(Draw(rule="cross", videos=10, audio_per_video=15), footage[::-1], 10.0)
    assert again == driven, "the order of the footage does not matter"
    other, _ = draw_clips(Draw(rule="cross", videos=10, audio_per_video=15, seed=1), footage, 10.0)
    assert other != driven


def test_fewer_clips_than_the_task_asks_for_are_said() -> None:
    driven, notices = draw_clips(Draw(rule="cross", videos=10, audio_per_video=15), clips("a", "b", "c"), None)
    assert len(driven) == 6
    assert notices[0] == "the task is over 10 x 15 pairs; 3 speakers and 3 clips give 6"
    assert "drives more than one video" in notices[1]
    driven, notices = draw_clips(Draw(rule="hash", clips=340), clips("a", "b"), None)
    assert len(driven) == 2 and notices == ["the task is over 340 clips; the footage has 2"]


def test_a_drawn_subset_only_grows_with_the_footage() -> None:
    small, large = clips(*"abcdefgh"), clips(*"abcdefghij")
    rule = Draw(rule="hash", clips=10)
    ids = [{item.id for item in draw_clips(rule, footage, None)[0]} for footage in (small, large)]
    assert ids[0] < ids[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "holds a list and no task"),
        ("name: Mine\nversion: 1\nsummary: s\ndataset: demo\nmetrics: [PSNR]", "no name of a task"),
        ("name: mine\nversion: 0\nsummary: s\ndataset: demo\nmetrics: [PSNR]", "version"),
        ("name: mine\nversion: 1\nsummary: s\ndataset: demo\nmetrics: []", "metrics"),
        ("name: mine\nversion: 1\nsummary: s\ndatset: demo\nmetrics: [PSNR]", "did you mean dataset"),
        (
            "name: mine\nversion: 1\nsummary: s\ndataset: demo\nmetrics: [PSNR]\n"
            "published: {rows: {a: {'PSNR[x]': 1}}}",
            "published.source",
        ),
        (
            "name: mine\nversion: 1\nsummary: s\ndataset: demo\nmetrics: [PSNR]\n"
            "published: {source: here, rows: {a: {PSNR: 1}}}",
            "'PSNR' is no column",
        ),
        (
            "name: mine\nversion: 1\nsummary: s\ndataset: demo\nmetrics: [PSNR]\ndraw: {rule: cross}",
            "rule cross needs videos",
        ),
    ],
)
def test_a_definition_that_is_wrong_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BenchError, match=said):
        find_task(str(tmp_path / "mine.yaml"))


def test_an_unknown_task_is_told_with_the_nearest() -> None:
    with pytest.raises(
        BenchError, match=r"no task is called 'stylelipsync/hdtf-kross'; did you mean stylelipsync/hdtf-cr"
    ):
        find_task("stylelipsync/hdtf-kross")
    with pytest.raises(BenchError, match="cannot read the task"):
        find_task("nowhere.yaml")


def test_a_published_list_is_checked(tmp_path: Path) -> None:
    task = find_task("diff2lip/voxceleb2-cross-500")
    (tmp_path / "list.txt").write_text("a b\n")
    with pytest.raises(BenchError, match=r"is not the list of the task diff2lip/voxceleb2-cross-500@1: its sha256"):
        task.check_list(tmp_path / "list.txt")
    with pytest.raises(BenchError, match="draws its pairs by itself"):
        find_task("demo").check_list(tmp_path / "list.txt")
    with pytest.raises(BenchError, match="give it with --pairs FILE"):
        draw_clips(task.draw, clips("a"), None)


def test_the_clips_of_a_published_list_cannot_be_others(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("a\n")
    with pytest.raises(typer.BadParameter, match="are named by its list"):
        chosen_clips(ClipArgs(clips=tmp_path / "mine.txt", task="diff2lip/voxceleb2-reconstruction-500"))


def test_a_run_without_lists_makes_no_index_of_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    monkeypatch.delattr("bench_lipsync.harness.run.selection.ByName")
    spec = make_spec({"models": ["static"], "dataset": "folder", "data_root": tmp_path, "metrics": ["PSNR"]})
    assert [item.id for item in select(spec).driven] == ["a"]
