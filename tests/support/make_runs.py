"""Run folders made by code: small, complete, and as hostile as a test asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bench_lipsync.harness.results.frame_curves import Curve, write_table
from bench_lipsync.harness.results.schema import (
    CLIPS_FILE,
    ClipFacts,
    MetricRow,
    PairTest,
    Provenance,
    RunResult,
    write_result,
)
from bench_lipsync.harness.util.sanitize import safe_id

METRICS = [
    ("LSE-C", "open-syncnet", "higher", 5.0),
    ("LSE-D", "open-syncnet", "lower", 8.0),
    ("FID", "inception", "lower", 20.0),
    ("SSIM", "wang2004", "higher", 0.8),
]
BOUNDS = ("ground-truth", "static", "shuffled-audio")
UNAVAILABLE = "unavailable: syncnet_v2 is missing; run `bench assets add syncnet_v2 PATH`"


def signature(name: str, variant: str) -> str:
    return f"{name}|variant={variant}|fps=25|v1"


def metric_row(model: str, name: str = "LSE-C", **changes: Any) -> MetricRow:
    """One plausible row; `changes` replace its fields."""
    variant, direction = next(((v, d) for n, v, d, _ in METRICS if n == name), ("open-syncnet", "higher"))
    values: dict[str, Any] = {
        "model": model,
        "mode": "zero-shot",
        "name": name,
        "variant": variant,
        "signature": signature(name, variant),
        "direction": direction,
        "value": 5.0,
        "ci_low": 4.5,
        "ci_high": 5.5,
        "n_ok": 3,
        "n_total": 3,
    }
    return MetricRow(**{**values, **changes})


def pair_test(
    one: str, two: str, column: str = "LSE-C[open-syncnet]", p: float | None = 0.0001, difference: float = 0.1
) -> PairTest:
    """A paired test as a run stores it."""
    return PairTest(one=one, two=two, column=column, difference=difference, p=p, p_holm=p, n_clips=3, n_people=3)


def make_result(models: Sequence[str], clips: Sequence[str], **changes: Any) -> RunResult:
    """A complete result of `models` and the bounds over `clips`; `changes` replace its fields."""
    names = [*models, *(bound for bound in BOUNDS if bound not in models)]
    rows = [
        metric_row(
            name,
            metric,
            value=base + place / 10,
            ci_low=base - 0.1,
            ci_high=base + 0.5,
            n_ok=len(clips),
            n_total=len(clips),
        )
        for place, name in enumerate(names)
        for metric, _, _, base in METRICS
    ]
    cards = [
        {
            "name": name,
            "kind": "bound" if name in BOUNDS else "model",
            "description": f"about {name}",
            "native_size": 256,
        }
        for name in names
    ]
    values: dict[str, Any] = {
        "status": "complete",
        "created": "2026-01-02T03:04:05+00:00",
        "spec": {"models": list(models), "dataset": "demo", "split": "test", "protocol": "reconstruction", "size": 256},
        "spec_hash": "0123456789abcdef" * 4,
        "provenance": Provenance(bench_version="0.1.0", python="3.11.2", platform="Linux", device="cpu"),
        "models": cards,
        "metrics": rows,
        "clips": [ClipFacts(id=clip, identity=f"person {clip}", status="ok", frames=6, seconds=0.24) for clip in clips],
        "failures": [],
        "timings": {"prepare": 1.5, "generate": 12.25},
    }
    return RunResult(**{**values, **changes})


def write_records(result: RunResult, folder: Path) -> None:
    """`clips.parquet` of `result`, with the table's value in every clip."""
    import pandas as pd

    failed = {(failure.model, failure.clip): failure for failure in result.failures}
    records = []
    for card in result.models:
        for clip in result.clips:
            failure = failed.get((card["name"], clip.id))
            record: dict[str, Any] = {"model": card["name"], "clip": clip.id, "identity": clip.identity}
            record |= {"status": failure.status if failure else "ok", "reason": failure.reason if failure else ""}
            for row in result.metrics:
                if row.model == card["name"] and row.level == "clip":
                    record[row.column] = None if failure else row.value
            records.append(record)
    columns = ["model", "clip", "identity", "status", "reason"]
    pd.DataFrame(records, columns=None if records else columns).to_parquet(folder / CLIPS_FILE)


def write_curves(result: RunResult, folder: Path, frames: int) -> None:
    """`frames.parquet` of `result`: SSIM rises from 0 to 1 with a gap at frame 1; every next clip is turned further."""
    rise = np.linspace(0, 1, frames, dtype=np.float32)
    rise[1] = np.nan
    curves = []
    for number, clip in enumerate(result.clips):
        flat = np.ones(frames, np.float32)
        own = {"yaw": 25 * number * flat, "audio-low": -0.5 * flat, "audio-high": 0.5 * flat}
        curves += [Curve("", clip.id, name, values) for name, values in own.items()]
        curves += [Curve(str(card["name"]), clip.id, "SSIM[wang2004]", rise) for card in result.models]
    write_table(curves, folder)


def write_video(path: Path, frames: int = 6, size: int = 64, seed: int = 0) -> None:
    """A tiny H.264 + AAC file that a browser plays."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        video = file.add_stream("libx264", rate=25)
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        audio = file.add_stream("aac", rate=16000, layout="mono")
        for number in range(frames):
            picture = np.full((size, size, 3), (40 * seed) % 256, np.uint8)
            picture[:, : (number * size) // frames] = 220
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        samples = np.sin(np.arange(frames * 640) * 2 * math.pi * (220 + 40 * seed) / 16000)
        sound = av.AudioFrame.from_ndarray((samples * 8000).astype(np.int16)[None], format="s16", layout="mono")
        sound.sample_rate, sound.time_base, sound.pts = 16000, Fraction(1, 16000), 0
        file.mux(audio.encode(sound))
        for stream in (video, audio):
            file.mux(stream.encode(None))


def make_folder(  # noqa: PLR0917
    folder: Path,
    models: Sequence[str] = ("stylelipsync",),
    clips: Sequence[str] = ("clip-1", "clip-2", "clip-3"),
    media: bool = True,
    frames: int = 6,
    curves: bool = False,
    **changes: Any,
) -> Path:
    """A whole run folder; failed pairs get no preview. `curves` adds per-frame values."""
    folder.mkdir(parents=True)
    result = make_result(models, clips, **changes)
    write_result(result, folder)
    write_records(result, folder)
    if curves:
        write_curves(result, folder, frames)
    failed = {(failure.model, failure.clip) for failure in result.failures}
    for seed, card in enumerate(result.models):
        for clip in clips:
            if media and (card["name"], clip) not in failed:
                write_video(folder / "media" / safe_id(card["name"]) / f"{safe_id(clip)}.mp4", frames=frames, seed=seed)
    return folder
