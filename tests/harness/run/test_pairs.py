"""Runs over named clips and over pairs of video and audio, on the made-up clips of `test_pipeline`."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from results_digest import results_parts
from test_pipeline import SIZE, World, world  # noqa: F401 - a fixture

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import write_wav
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.run.pipeline import RunOptions
from bench_lipsync.harness.run.selection import Shard
from bench_lipsync.harness.run.shards import execute_shard, merge
from bench_lipsync.harness.run.spec import make_spec

PAIRS = (("anna/1", "say/one.wav"), ("anna/1", "say/two"), ("bert/1.mp4", "two.wav"))


class Loud:
    """Writes the loudness of the audio that drives it into its frames."""

    from bench_lipsync.harness.api.model import ModelCard

    card = ModelCard(name="loud", kind="model")
    driven: list[tuple[str, int]]

    def fingerprint(self) -> str:
        return "loud"

    def generate(self, clip: PreparedClip, audio: np.ndarray, context: object):
        self.driven.append((clip.id, int(np.abs(audio).max())))
        for chunk in clip.read_frames():
            yield np.full_like(chunk, int(np.abs(audio).max()) // 100)


@pytest.fixture
def speech(world: World, monkeypatch: pytest.MonkeyPatch) -> World:  # noqa: F811
    (world.root / "clips" / "say").mkdir()
    for name, level in (("one", 1000), ("two", 2000)):
        write_wav(world.root / "clips" / "say" / f"{name}.wav", np.full(30000, level, np.int16))
    monkeypatch.setattr(Loud, "driven", [], raising=False)
    monkeypatch.setitem(plugins.MODELS._targets, "loud", Loud)
    return world


def _spec(world: World, **values: object) -> dict[str, object]:  # noqa: F811
    spec = {"models": ("loud",), "dataset": "folder", "data_root": world.root / "clips", "size": SIZE}
    return {**spec, "metrics": ["LSE-C[open-syncnet]"], "pairs": PAIRS, "protocol": "cross", **values}


def test_one_video_is_driven_by_several_audio_files(speech: World) -> None:
    outcome = speech.run("run", "loud", **_spec(speech))
    assert speech.calls["prepare"] == 2, "each video once"
    assert len(Loud.driven) == 3 and sorted({level for _, level in Loud.driven}) == [1000, 2000]
    ids = [clip.id for clip in outcome.result.clips]
    assert len(ids) == 3 and len({clip.identity for clip in outcome.result.clips}) == 2
    assert {name for name, _ in Loud.driven} == set(ids)
    assert sorted(clip.donor.split("-")[0] for clip in outcome.result.clips) == ["say_one", "say_two", "say_two"]
    for name in ids:
        assert (outcome.folder / "generated" / "loud" / f"{name}.mkv").is_file()
    Loud.driven.clear()
    again = speech.run("run", "loud", **_spec(speech))
    assert not Loud.driven and results_parts(again.folder) == results_parts(outcome.folder)


def test_parts_of_a_run_over_pairs_make_the_run(speech: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = speech.run("whole", "loud", **_spec(speech))
    folders = []
    for number in (1, 2, 3):
        monkeypatch.setenv("BENCH_CACHE", str(speech.root / f"cache{number}"))
        options = RunOptions(out=speech.root / f"part{number}")
        folders.append(execute_shard(make_spec(_spec(speech)), options, Shard(number, 3)).folder)
    monkeypatch.setenv("BENCH_CACHE", str(speech.root / "cache-merge"))
    assert results_parts(merge(folders, speech.root / "merged").folder) == results_parts(whole.folder)


def test_audio_that_does_not_decode_fails_its_pairs_only(speech: World) -> None:
    (speech.root / "clips/say/one.wav").write_bytes(b"no audio")
    result = speech.run("run", "loud", **_spec(speech)).result
    failed = {(failure.model, failure.clip.split("-")[0]) for failure in result.failures}
    assert failed == {("loud", "anna_1"), ("shuffled-audio", "anna_1")} or {name for _, name in failed} == {"anna_1"}
    assert {level for _, level in Loud.driven} == {2000}


def test_names_that_nothing_has_end_the_run_before_any_work(speech: World) -> None:
    shutil.rmtree(speech.root / "clips" / "say")
    with pytest.raises(BenchError, match=r"3 of 3 names in the audio column of --pairs are no clips or audio files"):
        speech.run("run", "loud", **_spec(speech))
    with pytest.raises(BenchError, match=r"1 of 2 names in --clips are no clips: carl"):
        speech.run("run", "loud", clips=("anna/1", "carl"))
    assert not speech.calls


def test_clips_are_chosen_by_name_and_cut(speech: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = []
    prepare = __import__("bench_lipsync.harness.stages.prepare_clip", fromlist=["prepare_clip"]).prepare_clip

    def watching(clip: object, *rest: object) -> object:
        cut.append((clip.start, clip.end))
        return prepare(clip, *rest)

    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", watching)
    result = speech.run("run", "static", clips=("cleo/1", "anna/2.mp4"), clip_seconds=2.0).result
    assert [clip.identity for clip in result.clips] == ["anna", "cleo"]
    assert cut == [(None, 2.0)] * 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"pairs": PAIRS, "clips": ("anna/1",), "protocol": "cross"}, "cannot go together"),
        ({"pairs": PAIRS}, "need the protocol cross"),
        ({"clip_seconds": 0.5}, "clip_seconds"),
    ],
)
def test_what_does_not_go_together_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        make_spec({"models": ("static",), "dataset": "demo", **values})


def test_the_hash_of_a_run_without_them_is_what_it_was() -> None:
    spec = make_spec({"models": ("static",), "dataset": "demo", "metrics": ["PSNR"]})
    assert spec.hash(["a"]) == "039d4431ce4fdc2cd474b8bf487284c8290d8fd8dcd48742afccd5e0a5b9c95b"
