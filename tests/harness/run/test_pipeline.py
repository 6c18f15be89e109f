"""Runs on small clips made of noise: the real pipeline, store, scorers and files; only the face finding is replaced."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from face_tracks import still_track

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, Clip, PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.assets.lookup import AssetMissing
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.schema import CLIPS_FILE, read_result
from bench_lipsync.harness.run.pipeline import RunOptions, RunOutcome, execute
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.metrics.image.psnr import PsnrScorer
from bench_lipsync.reports.table.render import FORMATS, render_table

SIZE, FRAMES = 64, 45


@dataclass
class World:
    """A folder data set and what was done to it."""

    root: Path
    calls: Counter[str] = field(default_factory=Counter)

    def run(self, out: str, *models: str, **values: object) -> RunOutcome:
        spec = {"models": models, "dataset": "folder", "data_root": self.root / "clips", "size": SIZE}
        options = RunOptions(out=self.root / out)
        return execute(make_spec({**spec, "metrics": ["PSNR", "SSIM"], **values}), options)


def _rng(text: str) -> np.random.Generator:
    return np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))


def _prepare(clip: Clip, directory: Path, size: int) -> PreparedClip:
    if "noface" in clip.id:
        raise ClipError(Status.NO_FACE, "no face in any frame")
    rng = _rng(clip.id)
    frames = rng.integers(0, 256, (FRAMES, size, size, 3), dtype=np.uint8)
    audio = rng.integers(-3000, 3000, FRAMES * SAMPLES_PER_FRAME, dtype=np.int16)
    with LosslessWriter(directory / "video.mkv", size, size) as writer:
        writer.write(frames)
    write_wav(directory / "audio.wav", audio)
    track = still_track(FRAMES, SIZE)
    track.save(directory / "faces.npz")
    meta = {"id": clip.id, "identity": clip.identity, "frames": FRAMES, "size": size}
    meta["content_hash"] = hashlib.sha256(frames.tobytes() + audio.tobytes()).hexdigest()
    (directory / "meta.json").write_text(json.dumps(meta))
    return PreparedClip.load(directory)


class Darker:
    """Halves the brightness: a model without weights and with a known PSNR order."""

    card = ModelCard(name="darker", kind="model")
    world: World

    def fingerprint(self) -> str:
        return "darker-v1"

    def generate(self, clip: PreparedClip, audio: np.ndarray, context: GenerateContext):
        self.world.calls[f"generate {clip.id}"] += 1
        assert audio.shape == (clip.frames * SAMPLES_PER_FRAME,)
        for chunk in clip.read_frames(chunk=context.batch_size):
            yield chunk // 2


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("anna/1", "anna/2", "bert/1", "cleo/1"):
        path = tmp_path / "clips" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())

    def prepare(clip: Clip, directory: Path, size: int) -> PreparedClip:
        world.calls["prepare"] += 1
        return _prepare(clip, directory, size)

    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", prepare)
    update = PsnrScorer.open

    def counting(self, clip):
        world.calls["score"] += 1
        return update(self, clip)

    monkeypatch.setattr(PsnrScorer, "open", counting)
    monkeypatch.setattr(Darker, "world", world, raising=False)
    monkeypatch.setitem(plugins.MODELS._targets, "darker", Darker)
    return world


def _with_model(monkeypatch: pytest.MonkeyPatch, name: str, generate, card: ModelCard | None = None) -> None:
    members = {
        "card": card or ModelCard(name=name, kind="model"),
        "fingerprint": lambda self: name,
        "generate": generate,
    }
    monkeypatch.setitem(plugins.MODELS._targets, name, type("Model", (), members))


def _values(outcome: RunOutcome) -> dict[tuple[str, str], float | None]:
    return {(row.model, row.column): row.value for row in outcome.result.metrics}


def test_a_run_folder_holds_everything(world: World) -> None:
    outcome = world.run("run", "darker")
    folder = outcome.folder
    result = read_result(folder)
    assert result == outcome.result
    assert result.status == "complete" and result.failures == []
    assert [card["name"] for card in result.models] == ["darker", *BOUNDS]
    values = _values(outcome)
    psnr = next(row.column for row in result.metrics if row.name == "PSNR")
    assert values["ground-truth", psnr] == values["shuffled-audio", psnr] == 100
    assert values["static", psnr] < values["ground-truth", psnr]
    assert all(row.n_ok == row.n_total == 4 and row.signature for row in result.metrics)
    assert all(row.ci_low is None for row in result.metrics), "three people are too few for an interval"

    clips = pd.read_parquet(folder / CLIPS_FILE)
    assert list(clips.columns[:5]) == ["model", "clip", "identity", "status", "reason"]
    assert len(clips) == 4 * (1 + len(BOUNDS)) and set(clips.status) == {"ok"}
    mean = clips[clips.model == "darker"][psnr].mean()
    assert values["darker", psnr] == pytest.approx(mean, rel=1e-12)
    for clip in clips["clip"].unique():
        assert (folder / "generated" / "darker" / f"{clip}.mkv").is_file()
        assert not (folder / "media").exists(), "previews are only made for a report"
    assert (folder / "run.yaml").is_file() and (folder / "log.txt").is_file()


class Journal:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.items: Counter[str] = Counter()

    @contextmanager
    def __call__(self, totals: Mapping[str, int]) -> Iterator[Journal]:
        self.totals = dict(totals)
        yield self

    def tick(self, stage: str, note: str = "", seconds: float = 0.0) -> None:
        self.items[stage] += 1

    def active(self, workers: Sequence[object]) -> None:
        pass


@pytest.mark.parametrize("model", ["darker", "no-such-model"])
def test_a_run_leaves_its_process_as_it_was(
    world: World, model: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("bench_lipsync")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    environment, logging_before = dict(os.environ), (logger.propagate, list(logger.handlers), logger.level)
    torch.set_num_threads(2)
    try:
        with nullcontext() if model == "darker" else pytest.raises(BenchError):
            world.run("run", model)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == environment
    assert (logger.propagate, logger.handlers, logger.level) == logging_before
    assert logger.propagate, "the process's own handlers get the records of what comes next"


def test_progress_goes_to_the_display(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal()
    options = RunOptions(out=world.root / "run", display=journal, profile=True)
    spec = {"models": ("darker",), "dataset": "folder", "data_root": world.root / "clips", "size": SIZE}
    outcome = execute(make_spec({**spec, "metrics": ["PSNR"]}), options)
    assert journal.totals == dict(journal.items) == dict.fromkeys(("prepare", "darker", *BOUNDS), 4)
    assert outcome.profile is not None and (outcome.folder / "profile.json").is_file()
    assert capfd.readouterr() == ("", "")


def test_the_same_command_again_recomputes_nothing(world: World) -> None:
    first = world.run("run", "darker")
    assert world.calls["prepare"] == 4
    world.calls.clear()
    second = world.run("run", "darker")
    assert not world.calls
    assert second.result.metrics == first.result.metrics
    assert second.result.clips == first.result.clips
    one, two = (pd.read_parquet(outcome.folder / CLIPS_FILE) for outcome in (first, second))
    pd.testing.assert_frame_equal(two, one)


def test_another_run_reuses_what_it_shares(world: World) -> None:
    world.run("one", "ground-truth")
    world.calls.clear()
    world.run("two", "darker")
    assert world.calls["prepare"] == 0
    assert world.calls["score"] == 4, "only the new model's frames are scored"


def test_an_interrupted_run_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.run("whole", "darker")
    monkeypatch.setenv("BENCH_CACHE", str(world.root / "fresh"))
    world.calls.clear()
    generate = Darker.generate

    def interrupted(self, clip, audio, context):
        for index, chunk in enumerate(generate(self, clip, audio, context)):
            if sum(world.calls[key] for key in world.calls if key.startswith("generate")) == 3 and index == 2:
                raise KeyboardInterrupt
            yield chunk

    monkeypatch.setattr(Darker, "generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.run("broken", "darker")
    assert not (world.root / "broken" / "run.json").exists()
    monkeypatch.setattr(Darker, "generate", generate)
    resumed = world.run("broken", "darker")
    assert sorted(world.calls[key] for key in world.calls if key.startswith("generate")) == [1, 1, 1, 2]
    assert world.calls["prepare"] == 4
    assert resumed.result.metrics == whole.result.metrics
    for mkv in sorted((whole.folder / "generated" / "darker").iterdir()):
        assert mkv.read_bytes() == (resumed.folder / "generated" / "darker" / mkv.name).read_bytes()


def _raises(self, clip, audio, context):
    yield next(iter(clip.read_frames()))
    raise ValueError("out of cheese")


def _short(self, clip, audio, context):
    yield from clip.read_frames(stop=FRAMES - 1)


def _long(self, clip, audio, context):
    yield from clip.read_frames()
    yield from clip.read_frames(stop=1)


def _small(self, clip, audio, context):
    yield np.zeros((FRAMES, SIZE // 2, SIZE // 2, 3), np.uint8)


def _floats(self, clip, audio, context):
    yield np.zeros((FRAMES, SIZE, SIZE, 3), np.float32)


def _typed(self, clip, audio, context):
    raise ClipError(Status.TIMEOUT, "took 61 s of 60")
    yield


@pytest.mark.parametrize(
    ("generate", "status", "reason"),
    [
        (_raises, "model_failed", "ValueError: out of cheese"),
        (_short, "bad_output", "44 frames for a clip of 45"),
        (_long, "bad_output", "more than 45 frames"),
        (_small, "bad_output", "(45, 32, 32, 3)"),
        (_floats, "bad_output", "float32"),
        (_typed, "timeout", "took 61 s"),
    ],
)
def test_a_model_that_misbehaves_ends_in_a_typed_status(
    world: World, monkeypatch: pytest.MonkeyPatch, generate, status: str, reason: str
) -> None:
    _with_model(monkeypatch, "bad", generate)
    result = world.run("run", "bad", "darker").result
    mine = [failure for failure in result.failures if failure.model == "bad"]
    assert len(mine) == len(result.failures) == 4
    assert all(failure.status == status and reason in failure.reason for failure in mine)
    rows = {row.model: row for row in result.metrics if row.name == "PSNR"}
    assert rows["bad"].value is None and rows["bad"].n_ok == 0 and rows["bad"].n_total == 4
    assert rows["darker"].value is not None and rows["darker"].n_ok == 4
    assert result.status == "partial"


def test_a_clip_without_a_face_fails_for_everybody_and_is_counted(world: World) -> None:
    (world.root / "clips" / "noface.mp4").write_bytes(b"x")
    result = world.run("run", "darker").result
    assert {(f.model, f.clip, f.status) for f in result.failures} == {
        (card["name"], "noface", "no_face") for card in result.models
    }
    assert all(row.n_ok == 4 and row.n_total == 5 and row.value is not None for row in result.metrics)
    world.calls.clear()
    world.run("run", "darker")
    assert not world.calls, "the failed preparation is remembered"


def test_one_failing_metric_does_not_take_the_others_along(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        metrics = PsnrScorer().metrics
        describe = PsnrScorer.describe

        def __init__(self, device: str = "cpu") -> None: ...

        def open(self, clip):
            return self

        def update(self, output, truth) -> None:
            raise ZeroDivisionError("no")

        def compute(self, audio) -> ClipScore:
            raise AssertionError("closed although it failed")

        def pool(self, output, truth):
            return {}

    monkeypatch.setitem(plugins.SCORERS._targets, "psnr", Broken)
    result = world.run("run", "darker").result
    assert {failure.status for failure in result.failures} == {"metric_failed"}
    assert all("psnr: ZeroDivisionError: no" in failure.reason for failure in result.failures)
    assert all((row.value is None) == (row.name == "PSNR") for row in result.metrics)


def test_missing_weights_make_a_row_unavailable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object):
        raise BenchError("weights of fancy are missing; run `bench train fancy`")

    monkeypatch.setitem(plugins.MODELS._targets, "fancy", missing)
    result = world.run("run", "fancy").result
    rows = [row for row in result.metrics if row.model == "fancy"]
    assert rows and all(row.value is None and "run `bench train fancy`" in row.note for row in rows)
    assert [row.value is not None for row in result.metrics if row.model == "static"] == [True, True]


LONG = "\n".join(["asset 'toy_net' (toy.bin, 1.0 MB), needed for PSNR, is not here", *["  tried a source"] * 40])


@pytest.fixture
def other_psnr(monkeypatch: pytest.MonkeyPatch) -> None:
    """PSNR has a second variant, whose weights are nowhere."""
    info = replace(PsnrScorer.metrics[0], variant="other", aliases=(), signature="PSNR|other|v1")

    class Other(PsnrScorer):
        metrics = (info,)

        def __init__(self, device: str = "cpu") -> None:
            raise AssetMissing(LONG, "toy_net")

    monkeypatch.setitem(plugins.SCORERS._targets, "psnr-other", Other)


def test_a_variant_that_nobody_named_makes_no_run_partial(world: World, other_psnr: None) -> None:
    for metrics, status in (
        (["PSNR"], "complete"),
        (["PSNR[other]"], "partial"),
        (["PSNR", "PSNR[other]"], "partial"),
        (["SSIM"], "complete"),
    ):
        assert world.run("-".join(metrics), "darker", metrics=metrics).result.status == status, metrics


def test_a_metric_without_any_weights_makes_a_run_partial(
    world: World, other_psnr: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plugins.SCORERS._targets, "psnr", plugins.SCORERS.get("psnr-other"))
    monkeypatch.delitem(plugins.SCORERS._targets, "psnr-other")
    assert world.run("run", "darker", metrics=["PSNR", "SSIM"]).result.status == "partial"


def test_what_fails_in_a_bound_row_alone_makes_no_run_partial(world: World) -> None:
    """The one clip has no other to take its sound from, so `shuffled-audio` cannot be made; nobody asked for it."""
    result = world.run("run", "darker", limit=1).result
    assert {failure.model for failure in result.failures} == {"shuffled-audio"}
    assert result.status == "complete"
    assert world.run("asked", "shuffled-audio", limit=1).result.status == "partial"


def test_tables_say_in_a_sentence_what_the_log_says_in_full(world: World, other_psnr: None) -> None:
    outcome = world.run("run", "darker")
    note = next(row.note for row in outcome.result.metrics if row.variant == "other")
    assert note == "unavailable: no weights toy_net here: bench assets fetch toy_net"
    for form in FORMATS:
        text = " ".join(render_table(outcome.folder, form).replace("\\_", "_").split())
        assert "tried a source" not in text and note in text
    assert LONG in (outcome.folder / "log.txt").read_text(encoding="utf-8")


def test_weights_are_named_with_the_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Taught(Darker):
        def __init__(self, weights: str) -> None:
            self.weights = weights

    monkeypatch.setitem(plugins.MODELS._targets, "taught", Taught)
    result = world.run("run", "taught:/somewhere/mine.pth", "darker").result
    assert [card["name"] for card in result.models][:2] == ["taught:mine.pth", "darker"]
    assert all(row.n_ok == 4 for row in result.metrics)
    with pytest.raises(BenchError, match=r"both be called 'taught:mine\.pth'"):
        world.run("run", "taught:/a/mine.pth", "taught:/b/mine.pth")


def test_the_cross_protocol_gives_foreign_audio_and_drops_full_reference_metrics(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: dict[str, bytes] = {}

    def listens(self, clip, audio, context):
        heard[clip.id] = audio.tobytes()
        assert not np.array_equal(audio, clip.audio())
        yield from clip.read_frames()

    _with_model(monkeypatch, "listens", listens)
    result = world.run("run", "listens", protocol="cross").result
    assert len(heard) == 4
    assert result.metrics == [], "PSNR and SSIM need a reference that foreign audio does not have"


def test_a_models_caveat_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    card = ModelCard(name="toy", kind="model", caveat="only a toy")
    _with_model(monkeypatch, "toy", lambda self, clip, audio, context: clip.read_frames(), card)
    assert "toy: only a toy" in world.run("run", "toy", "darker").result.notices


def test_names_from_outside_stay_names(world: World) -> None:
    (world.root / "clips" / "<script>alert(1)<b>.mp4").write_bytes(b"s")
    result = world.run("run", "darker").result
    written = {path.name for path in (world.root / "run").rglob("*")}
    assert all("<" not in name for name in written)
    assert len(result.clips) == 5


def test_a_limit_only_adds_clips_when_it_grows(world: World) -> None:
    sizes = [{clip.id for clip in world.run(f"run{n}", "static", limit=n).result.clips} for n in (1, 2, 3)]
    assert [len(ids) for ids in sizes] == [1, 2, 3]
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_lone_clip_has_no_shuffled_audio(world: World) -> None:
    result = world.run("run", "static", limit=1).result
    assert [(failure.model, failure.status) for failure in result.failures] == [("shuffled-audio", "no_audio")]


def test_a_model_that_moves_heads_as_it_likes_is_not_compared_with_the_true_frames(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ModelCard(name="free", kind="model", pose="own", covers="face")
    _with_model(monkeypatch, "free", Darker.generate, own)
    monkeypatch.setattr(plugins.MODELS._targets["free"], "world", world, raising=False)
    outcome = world.run("run", "free", "darker")
    rows = {(row.model, row.name): row for row in outcome.result.metrics}
    for name in ("PSNR", "SSIM"):
        assert rows["free", name].value is None and rows["free", name].n_ok == 0
        assert rows["free", name].note == "n/a: the model moves heads as it likes (pose free)"
        assert rows["darker", name].value is not None
    assert outcome.result.failures == [], "that a metric says nothing is no failure"
    assert {test.note for test in outcome.result.tests} == {"n/a: the model moves heads as it likes (pose free)"}
    assert all(test.p is None for test in outcome.result.tests)
