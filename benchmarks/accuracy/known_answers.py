"""Do metrics answer as they must? Real clips made worse in known ways, each in three strengths, and every metric.

`python benchmarks/accuracy/known_answers.py --data-root DIR`; what it gave is in docs/metrics/known_answers.md. Nothing
is drawn by a model: outputs are the clips themselves, out of focus, noisy, shaken, with lips that stand still, or with
the sound shifted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.scoring.scorers import ScorerSet, load_scorers
from bench_lipsync.harness.stages.stages import prepare
from bench_lipsync.harness.store.store import Store

Frames = NDArray[np.uint8]
Damage = Callable[[Frames], Frames]
_CHUNK = 25


def blur(frames: Frames, sigma: float) -> Frames:
    """Out of focus."""
    import cv2

    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


def noise(frames: Frames, levels: float) -> Frames:
    """Gaussian noise of its own in every frame."""
    added = frames + np.random.default_rng(0).normal(0, levels, frames.shape)
    noisy: Frames = np.clip(np.round(added), 0, 255).astype(np.uint8)
    return noisy


def shake(frames: Frames, pixels: int) -> Frames:
    """Every frame moved by up to `pixels` to any side."""
    moves = np.random.default_rng(0).integers(-pixels, pixels + 1, (len(frames), 2))
    return np.stack([np.roll(frame, move, axis=(0, 1)) for frame, move in zip(frames, moves, strict=True)])


def freeze(frames: Frames, hold: int) -> Frames:
    """The lower half renewed only every `hold` frames."""
    still = frames.copy()
    half = frames.shape[1] // 2
    still[:, half:] = frames[np.arange(len(frames)) // hold * hold, half:]
    return still


DAMAGES: dict[str, tuple[Damage, ...]] = {
    "blur 1, 2, 4 px": tuple(partial(blur, sigma=value) for value in (1, 2, 4)),
    "noise 4, 8, 16 levels": tuple(partial(noise, levels=value) for value in (4, 8, 16)),
    "shaken 1, 2, 4 px": tuple(partial(shake, pixels=value) for value in (1, 2, 4)),
    "lips held 3, 8, 1000 frames": tuple(partial(freeze, hold=value) for value in (3, 8, 1000)),
}
SHIFTS = (-6, -3, 0, 3, 6)
"""Frames by which the sound is made earlier."""


def measure(scorers: ScorerSet, clip: PreparedClip, frames: Frames, truth: Frames) -> dict[str, float]:
    """Every metric of one clip, set metrics from its frames alone."""
    values: dict[str, float] = {}
    for loaded in scorers.loaded:
        sides = []
        for side in (frames, truth):
            scoring = loaded.scorer.open(clip)
            for start in range(0, len(side), _CHUNK):
                span = slice(start, start + _CHUNK)
                scoring.update(side[span], truth[span])
            sides.append(scoring.compute(clip.audio()[: len(side) * SAMPLES_PER_FRAME]))
            if not sides[0].features:
                break
        values.update(sides[0].values)
        if sides[0].features:
            for info in loaded.wanted:
                parts = [[side.features[info.column]] for side in sides]
                values[info.column] = loaded.scorer.pool(*parts).get(info.column, float("nan"))
    return {info.column: values[info.column] for one in scorers.loaded for info in one.wanted if info.column in values}


def offsets(scorers: ScorerSet, clip: PreparedClip, frames: Frames) -> Iterator[float]:
    """The measured offset for each of `SHIFTS`, relative to the one without."""
    loaded = next(one for one in scorers.loaded if any(info.name == "AV-offset" for info in one.wanted))
    column = next(info.column for info in loaded.wanted if info.name == "AV-offset")
    readings = []
    for shift in SHIFTS:
        scoring = loaded.scorer.open(clip)
        scoring.update(frames, frames)
        heard = np.roll(clip.audio(), -shift * SAMPLES_PER_FRAME)[: len(frames) * SAMPLES_PER_FRAME]
        readings.append(scoring.compute(heard).values[column])
    yield from (reading - readings[SHIFTS.index(0)] for reading in readings)


def show(name: str, table: Mapping[str, list[float]], directions: Mapping[str, str]) -> None:
    """A row for each metric: the clip itself, then the three strengths, and whether it got worse every time."""
    print(f"\n{name}")
    for column, values in table.items():
        steps = np.diff(values)
        worse = steps > 0 if directions[column] == "lower" else steps < 0
        verdict = {"none": "-"}.get(directions[column], "worse each time" if worse.all() else "NOT monotone")
        print(f"  {column:28}" + "".join(f"{value:11.4f}" for value in values) + f"  {verdict}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--frames", type=int, default=50, help="of each clip (default: 50)")
    parser.add_argument("--metrics", default="LSE-C,LSE-D,AV-offset,FID,KID,SSIM,PSNR,LPIPS,LMD,CPBD,TWE,Jitter")
    options = parser.parse_args()
    spec = make_spec({"models": ("ground-truth",), "dataset": "folder", "data_root": options.data_root, "split": "all"})
    scorers = load_scorers(options.metrics.split(","), "cpu")
    directions = {info.column: info.direction for one in scorers.loaded for info in one.wanted}
    clips: list[PreparedClip] = []
    for found in select_clips(spec).clips:
        try:
            clips.append(prepare(found, spec.size, Store()))
        except ClipError as error:
            print(f"{found.id} left out: {error}")
    for clip in [clip for clip in clips if clip.frames >= options.frames][: options.clips]:
        truth = np.concatenate(list(clip.read_frames(stop=options.frames)))
        own = measure(scorers, clip, truth, truth)
        print(f"\n=== {clip.id}: offsets for sound made {SHIFTS} frames earlier: {list(offsets(scorers, clip, truth))}")
        for name, damages in DAMAGES.items():
            found_values = [measure(scorers, clip, damage(truth), truth) for damage in damages]
            table = {column: [own[column], *(values[column] for values in found_values)] for column in own}
            show(name, table, directions)


if __name__ == "__main__":
    main()
