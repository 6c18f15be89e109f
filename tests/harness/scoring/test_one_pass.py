"""One reading for all scorers: every frame once and in order, failures kept apart, no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import LosslessWriter, read_lossless
from bench_lipsync.harness.scoring.one_pass import one_pass
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.metrics.image.psnr import INFO

SOUND = np.zeros(0, np.int16)


class Recorder:
    """Keeps what it is shown; `fail` is called with the number of frames seen so far."""

    metrics = (INFO,)

    def __init__(self, fail: Callable[[int], None] = lambda seen: None) -> None:
        self.shown: list[tuple[np.ndarray, np.ndarray]] = []
        self._fail = fail

    def open(self, clip: PreparedClip) -> Recorder:
        return self

    def update(self, output: np.ndarray, truth: np.ndarray) -> None:
        self._fail(sum(len(pair[0]) for pair in self.shown))
        self.shown.append((output, truth))

    def compute(self, audio: np.ndarray) -> ClipScore:
        return ClipScore()


def loaded(name: str, scorer: Recorder) -> LoadedScorer:
    return LoadedScorer(name, scorer, (INFO,))  # type: ignore[arg-type]


@pytest.fixture
def clip(tmp_path: Path) -> PreparedClip:
    rng = np.random.default_rng(0)
    for name in ("video", "output"):
        with LosslessWriter(tmp_path / f"{name}.mkv", 64, 64) as writer:
            writer.write(rng.integers(0, 256, (75, 64, 64, 3), np.uint8))
    return PreparedClip("a", "b", tmp_path, {"frames": 75, "size": 64})


def test_every_frame_comes_once_and_in_order(clip: PreparedClip) -> None:
    recorder = Recorder()
    one_pass([loaded("it", recorder)], clip, Generated(clip.directory / "output.mkv", ""), SOUND)
    for side, name in enumerate(("output.mkv", "video.mkv")):
        seen = np.concatenate([pair[side] for pair in recorder.shown])
        np.testing.assert_array_equal(seen, np.concatenate(list(read_lossless(clip.directory / name))))
    assert [len(pair[0]) for pair in recorder.shown] == [32, 32, 11]


def test_the_truth_itself_is_read_once(clip: PreparedClip) -> None:
    recorder = Recorder()
    one_pass([loaded("it", recorder)], clip, Generated(clip.video_path, ""), SOUND)
    assert all(output is truth for output, truth in recorder.shown)


def test_one_that_fails_is_not_shown_more_and_the_others_go_on(clip: PreparedClip) -> None:
    def fail(seen: int) -> None:
        if seen >= 32:
            raise ZeroDivisionError("no")

    broken, healthy = Recorder(fail), Recorder()
    found = one_pass(
        [loaded("broken", broken), loaded("healthy", healthy)], clip, Generated(clip.video_path, ""), SOUND
    )
    error = found["broken"]
    assert isinstance(error, ClipError) and error.status is Status.METRIC_FAILED and "ZeroDivision" in error.reason
    assert isinstance(found["healthy"], ClipScore)
    assert (len(broken.shown), len(healthy.shown)) == (1, 3)


def test_when_all_fail_reading_ends_and_no_thread_stays(clip: PreparedClip) -> None:
    def fail(seen: int) -> None:
        raise ClipError(Status.BAD_OUTPUT, "at once")

    found = one_pass([loaded("it", Recorder(fail))], clip, Generated(clip.video_path, ""), SOUND)
    assert isinstance(found["it"], ClipError)
    assert not [thread for thread in threading.enumerate() if thread.name == "bench-prefetch"]


def test_a_torn_video_is_a_decode_error(clip: PreparedClip) -> None:
    torn = clip.directory / "torn.mkv"
    torn.write_bytes(b"not a video")
    with pytest.raises(ClipError) as caught:
        one_pass([loaded("it", Recorder())], clip, Generated(torn, ""), SOUND)
    assert caught.value.status is Status.DECODE_ERROR
    assert not [thread for thread in threading.enumerate() if thread.name == "bench-prefetch"]
