"""The consistency check: a scorer that measures synchrony follows the sound, one that does not is found out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.metrics.lse.clip import sync_metrics
from bench_lipsync.metrics.lse.formulas import read_sync
from benchmarks.accuracy.lse_check import check_clips

INFOS = sync_metrics("toy", "net=toy", None)


class ToyScoring:
    """Compares the brightness of frames with the loudness of the sound; `deaf` returns what it always returns."""

    def __init__(self, deaf: bool) -> None:
        self.deaf = deaf
        self.levels: list[float] = []

    def update(self, output: np.ndarray, truth: np.ndarray) -> None:
        self.levels += list(output.mean(axis=(1, 2, 3)))

    def compute(self, audio: np.ndarray) -> ClipScore:
        loudness = audio.reshape(-1, 640).astype(np.float32).mean(axis=1)
        lips = np.lib.stride_tricks.sliding_window_view(np.asarray(self.levels, np.float32), 5)
        sound = np.lib.stride_tricks.sliding_window_view(loudness, 5)
        reading = read_sync(lips, lips[::-1] if self.deaf else sound, edges="pairs")
        values = (reading.confidence, reading.distance, float(reading.offset))
        return ClipScore({info.column: value for info, value in zip(INFOS, values, strict=True)})


class ToyScorer:
    def __init__(self, deaf: bool = False) -> None:
        self.metrics = INFOS
        self.deaf = deaf

    def open(self, clip: object) -> ToyScoring:
        return ToyScoring(self.deaf)

    def pool(self, output: object, truth: object) -> dict[str, float]:
        return {}


def toy_clip(seed: int, late: int = 0) -> SimpleNamespace:
    """60 frames whose brightness is the loudness of the sound, which comes `late` frames late."""
    levels = np.random.default_rng(seed).integers(0, 255, 60)
    frames = np.tile(levels[:, None, None, None], (1, 4, 4, 3)).astype(np.uint8)
    sound = np.repeat(np.roll(levels, late), 640).astype(np.int16)
    return SimpleNamespace(
        id=f"toy{seed}", frames=60, read_frames=lambda: [frames[:25], frames[25:]], audio=lambda: sound
    )


def test_readings_follow_the_sound() -> None:
    checks = list(check_clips(ToyScorer(), [toy_clip(1), toy_clip(2, late=3)]))  # type: ignore[arg-type, list-item]
    assert [check.offset for check in checks] == [0, -3]
    for check in checks:
        assert check.moved == {-5: -5, 5: 5}
        assert check.consistent
        assert check.confidence > check.stranger_confidence
        assert check.distance < check.stranger_distance


def test_a_deaf_scorer_is_found_out() -> None:
    (check,) = check_clips(ToyScorer(deaf=True), [toy_clip(1)])  # type: ignore[arg-type, list-item]
    assert check.moved == {-5: 0, 5: 0}
    assert not check.consistent
