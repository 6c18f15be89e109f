"""Time and peak memory of real runs against number and length of clips, and what the harness adds to the bare work.

`python benchmarks/cost/scaling_clips.py --out scaling.json`: runs of 10, 100 and 1,000 short clips, of two clips of 10
s to 10 min, each with one and two workers, and rounds of the same clips with and without the harness. Every run is a
process of its own with an empty store; memory is that of the process and its workers together. What is finished is in
the JSON file and not done again. Short clips are stretches of the demo's test clips, each another one; long ones are
demo clips forwards and backwards until they are long enough, written for the run and deleted after it. Metrics are PSNR
and SSIM, the rows are the bounds, crops have 128 pixels: what costs is preparing, reading, writing, and the harness.
What it gave is in docs/cost.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import FPS, SAMPLES_PER_FRAME, Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.util.paths import cache_dir
from benchmarks.cost.peak_memory import TreePeak

SIZE = 128
METRICS = ("PSNR", "SSIM")
SHORT = range(42, 48)
"""Frames of short clips: 1.7 to 1.9 s."""
KEPT = ("assets", "demo")
"""What a run takes from the cache of the caller; its store is empty."""


@dataclass(frozen=True)
class Job:
    """One measured process."""

    kind: str
    """`run`: the harness. `bare`: the same work in a plain loop."""
    clips: int
    length: float | None = None
    """Seconds of each clip; `None`: short stretches."""
    workers: int = 1
    round: int = 0

    @property
    def key(self) -> str:
        """Its name in the JSON file."""
        length = "short" if self.length is None else f"{self.length:g}s"
        return f"{self.kind} {self.clips}x{length} workers={self.workers} round={self.round}"


def demo_clips() -> tuple[Clip, ...]:
    """The demo's test clips."""
    from bench_lipsync.harness.run.selection import select_clips
    from bench_lipsync.harness.run.spec import make_spec

    return select_clips(make_spec({"models": ("static",), "dataset": "demo", "split": "test"})).clips


def stretches(count: int) -> tuple[Clip, ...]:
    """`count` different stretches of the demo's clips, those of one clip far apart first."""
    from bench_lipsync.harness.media import decode_video

    sources = {source: sum(map(len, decode_video(source.video))) for source in demo_clips()}
    found: list[Clip] = []
    for length in SHORT:
        for offset in range(max(sources.values())):
            for source, frames in sources.items():
                if offset + length < frames and len(found) < count:
                    name = f"{source.id}-{offset:03d}-{length}"
                    begin, end = offset / FPS, (offset + length) / FPS
                    found.append(Clip(name, source.identity, source.video, source.audio, begin, end))
            if len(found) == count:
                return tuple(sorted(found, key=lambda clip: clip.id))
    raise SystemExit(f"the demo's test clips have only {len(found)} such stretches")


def long_clips(count: int, seconds: float, folder: Path) -> tuple[Clip, ...]:
    """`count` people of the demo, each `seconds` long."""
    from bench_lipsync.harness.media import decode_audio, write_preview

    clips = []
    for source in demo_clips()[:count]:
        path = folder / f"{source.id}.mp4"
        frames = round(seconds * FPS)
        sound = np.resize(decode_audio(source.audio or source.video), frames * SAMPLES_PER_FRAME)
        write_preview(path, _to_and_fro(source.video, frames), sound)
        clips.append(Clip(source.id, source.identity, path))
    return tuple(clips)


def _to_and_fro(video: Path, frames: int) -> Iterator[NDArray[np.uint8]]:
    from bench_lipsync.harness.media import decode_video

    once = np.concatenate(list(decode_video(video)))
    order = cycle([*range(len(once)), *range(len(once) - 2, 0, -1)])
    while frames > 0:
        chosen = list(islice(order, min(32, frames)))
        frames -= len(chosen)
        yield once[chosen]


class _Given:
    """A dataset of clips that are there already."""

    found: tuple[Clip, ...] = ()
    name = "given"

    def clips(self, request: ClipRequest) -> ClipList:
        """All of them."""
        return ClipList(self.found, "all")


def carry_out(job: Job, folder: Path) -> dict[str, float]:
    """In a process of its own: seconds by the clock and of the CPU, workers included, from the first import on."""
    from bench_lipsync.harness.registry.plugins import DATASETS
    from bench_lipsync.harness.run.spec import make_spec

    _Given.found = stretches(job.clips) if job.length is None else long_clips(job.clips, job.length, folder)
    DATASETS._targets["given"] = _Given
    spec = make_spec({"models": ("static",), "dataset": "given", "metrics": METRICS, "size": SIZE})
    began, used = time.perf_counter(), _cpu()
    frames = _bare(spec, folder) if job.kind == "bare" else _run(job, spec, folder)
    return {"seconds": time.perf_counter() - began, "cpu_s": _cpu() - used, "frames": frames}


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _run(job: Job, spec: Any, folder: Path) -> int:
    from bench_lipsync.harness.run.executors.factory import ExecutorOptions
    from bench_lipsync.harness.run.pipeline import RunOptions, execute

    workers = ExecutorOptions(workers=job.workers)
    done = execute(spec, RunOptions(out=folder / "run", executor=workers)).result
    if done.failures:
        raise SystemExit(f"{len(done.failures)} failures, for example {done.failures[0]}")
    return sum(clip.frames or 0 for clip in done.clips)


def _bare(spec: Any, folder: Path) -> int:
    """Prepare, generate and score by the same functions: no store, no schedule, no progress, no run folder."""
    from bench_lipsync.harness.api.model import GenerateContext
    from bench_lipsync.harness.media import LosslessWriter
    from bench_lipsync.harness.run.audio_donors import fit_audio
    from bench_lipsync.harness.run.model_loading import load_models
    from bench_lipsync.harness.scoring.one_pass import one_pass
    from bench_lipsync.harness.scoring.scorers import load_scorers
    from bench_lipsync.harness.stages.prepare_clip import prepare_clip
    from bench_lipsync.harness.stages.stages import Generated

    scorers, models = load_scorers(spec.metrics, "cpu").loaded, load_models(spec.models).models
    context = GenerateContext(seed=spec.seed)
    prepared = []
    for clip in _Given.found:
        place = folder / "bare" / clip.id
        place.mkdir(parents=True)
        prepared.append(prepare_clip(clip, place, spec.size))
    output = folder / "output.mkv"
    for row in models:
        for number, clip in enumerate(prepared):
            heard = clip.audio()
            if row.card.scores_audio == "shuffled":
                heard = fit_audio(prepared[(number + 1) % len(prepared)].audio(), clip.frames * SAMPLES_PER_FRAME)
            video = clip.video_path
            if not getattr(row.model, "frames_are_truth", False):
                video = output
                with LosslessWriter(output, clip.size, clip.size) as writer:
                    for chunk in row.model.generate(clip, clip.audio(), context):
                        writer.write(np.ascontiguousarray(chunk))
            one_pass(scorers, clip, Generated(video, ""), heard)
    return sum(clip.frames for clip in prepared)


def measure(job: Job, scratch: Path | None) -> dict[str, float]:
    """Carry `job` out in a process with a cache whose store is empty, and watch it."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        cache = Path(name) / "cache"
        cache.mkdir()
        for kept in KEPT:
            if (cache_dir() / kept).is_dir():
                (cache / kept).symlink_to(cache_dir() / kept)
        given = [json.dumps(job.__dict__), name]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--only", *given]
        where = {**os.environ, **threads, "BENCH_CACHE": str(cache)}
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=where) as child,
            TreePeak(child.pid) as peak,
        ):
            told, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{job.key} ended with {child.returncode}")
        found: dict[str, float] = json.loads(told.splitlines()[-1])
        return {**found, "peak_mb": peak.mb, "processes": peak.processes}


def jobs(options: argparse.Namespace) -> list[Job]:
    """In the order in which they are done: cheap ones first, rounds in turns."""
    listed = []
    for number in range(options.rounds):
        listed += [Job(kind, options.pair_clips, None, 1, number) for kind in ("bare", "run")]
    sizes = [(count, None) for count in options.clips] + [(2, seconds) for seconds in options.lengths]
    sizes.sort(key=lambda size: size[0] * (size[1] or SHORT[0] / FPS))
    return listed + [Job("run", count, length, workers) for count, length in sizes for workers in options.workers]


def main() -> None:
    """Do what is not done yet, after every job keep all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--lengths", type=float, nargs="*", default=[10, 60, 600], help="seconds of each of two clips")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="of bare work and run, in turns")
    parser.add_argument("--pair-clips", type=int, default=16, help="short clips of such a round")
    parser.add_argument("--out", type=Path, default=Path("scaling.json"))
    parser.add_argument("--scratch", type=Path, help="folder for stores and footage (default: the system's)")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        job, folder = Job(**json.loads(options.only[0])), Path(options.only[1])
        print(json.dumps(carry_out(job, folder)))
        return
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    for job in jobs(options):
        if job.key not in known:
            known[job.key] = {**job.__dict__, **measure(job, options.scratch), "load": os.getloadavg()[0]}
            options.out.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{time.strftime('%H:%M')} {job.key}: {json.dumps(known[job.key])}", flush=True)


if __name__ == "__main__":
    main()
