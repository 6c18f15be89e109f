"""Peak memory of scoring by the length of the clip.

`python benchmarks/cost/memory.py --seconds 5 20 60 120`. A demo clip is repeated to each length; each length is scored
in a process of its own, with an empty store, against a blurred copy. What it gave is in docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import FPS, SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.faces.track import FaceTrack
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.run.selection import select_clips
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.stages.stages import Generated, prepare
from bench_lipsync.harness.store.store import Store


def repeated(clip: PreparedClip, frames: int, folder: Path) -> None:
    """`clip` over and over, `frames` long, as a prepared clip in `folder`; beside it a blurred `output.mkv`."""
    import cv2

    folder.mkdir()
    size = clip.size
    with (
        LosslessWriter(folder / "video.mkv", size, size) as truth,
        LosslessWriter(folder / "output.mkv", size, size) as output,
    ):
        for chunk in _chunks(clip, frames):
            truth.write(chunk)
            output.write(np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in chunk]))
    write_wav(folder / "audio.wav", np.resize(clip.audio(), frames * SAMPLES_PER_FRAME))
    index = np.arange(frames) % clip.frames
    FaceTrack(**{part.name: getattr(clip.faces, part.name)[index] for part in fields(FaceTrack)}).save(
        folder / "faces.npz"
    )
    meta = {**clip.meta, "frames": frames, "content_hash": f"{clip.content_hash} to {frames} frames"}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _chunks(clip: PreparedClip, frames: int) -> Iterator[NDArray[np.uint8]]:
    while frames > 0:
        for chunk in clip.read_frames():
            yield chunk[:frames]
            frames -= len(chunk)
            if frames <= 0:
                return


def measure(folder: Path, metrics: list[str]) -> dict[str, float]:
    """Score `folder` here. MB of this process with everything loaded and at its peak, and seconds of scoring."""
    from bench_lipsync.harness.scoring.score import score_clip
    from bench_lipsync.harness.scoring.scorers import load_scorers

    clip = PreparedClip.load(folder)
    scorers = load_scorers(metrics, "cpu").loaded
    output = Generated(folder / "output.mkv", "blurred")
    loaded, began = _peak(), time.perf_counter()
    with tempfile.TemporaryDirectory() as store:
        scores = score_clip(scorers, clip, output, clip.audio(), Store(Path(store)))
    if scores.failures:
        raise SystemExit(f"scoring failed: {scores.failures}")
    return {"loaded": loaded, "peak": _peak(), "seconds": time.perf_counter() - began}


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    """Measure every length and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[5, 20, 60, 120])
    parser.add_argument("--metrics", nargs="+", default=list(metric_names().default), help="default: the default run's")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.metrics)))
        return
    spec = make_spec({"models": ("ground-truth",), "dataset": "demo", "split": "test", "limit": 1})
    clip = prepare(select_clips(spec).clips[0], spec.size, Store())
    print(f"{'seconds':>8} {'frames':>7} {'loaded MB':>10} {'peak MB':>8} {'kB a frame more':>16} {'ms a frame':>11}")
    first: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory() as name:
        for seconds in options.seconds:
            frames = round(seconds * FPS)
            folder = Path(name) / f"{frames}"
            repeated(clip, frames, folder)
            command = [sys.executable, __file__, "--only", str(folder), "--metrics", *options.metrics]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            more = 1e3 * (found["peak"] - first[1]) / (frames - first[0]) if first else float("nan")
            first = first or (frames, found["peak"])
            print(
                f"{seconds:8.0f} {frames:7d} {found['loaded']:10.0f} {found['peak']:8.0f} {more:16.1f} "
                f"{1e3 * found['seconds'] / frames:11.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
