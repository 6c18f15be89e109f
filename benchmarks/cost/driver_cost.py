"""What a run costs the driver alone, by the number of clips: numbers, run folder, page, tables, export, comparison.

`python benchmarks/cost/driver_cost.py --clips 100 1000 10000`. Results of scorers are MADE UP here (random numbers with
the real metrics' names): only time and memory of what comes after scoring are measured, and nothing of it is a result.
Every number of clips has a process of its own. The files that clips refer to are few and shared, so they come out of
the page cache: reading from a disk or a network comes on top. What it gave is in docs/cost.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.aggregation import leave_one_out
from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.api.metric import ManyFeatures, MetricInfo
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.faces.track import BLENDSHAPES, LANDMARKS, FaceTrack
from bench_lipsync.harness.media import write_wav
from bench_lipsync.harness.registry.plugins import BOUNDS, SCORERS
from bench_lipsync.harness.results.schema import Provenance
from bench_lipsync.harness.run.record import ClipRecord, RowRecord, RunRecord
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.run.work_items import PairResult, share_strings
from bench_lipsync.harness.scoring.score_files import CURVES_FILE, FEATURES_FILE, save_curves, save_features
from bench_lipsync.harness.scoring.scorers import LoadedScorer, ScorerSet
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.metrics.distribution.fid import FidScorer
from benchmarks.cost.peak_memory import peak_mb, reset_peak

POOL = 20
"""Different stored results a row; clips share them."""
PEOPLE = 118
"""Identities, as in VoxCeleb2's test set."""
DIMENSIONS, ROWS = 32, 8
"""Of the made-up features: pooling's cost by rows of 2048 numbers is measured apart, in `--pooling`."""


class _Numbers:
    """A scorer that never scores; it stands for real ones' names."""

    def __init__(self, infos: tuple[MetricInfo, ...]) -> None:
        self.metrics = infos


class _Pooling(FidScorer):
    """Stands for scorers of set metrics: reads what they read, and computes next to nothing of it."""

    def __init__(self) -> None:
        pass

    def pool(self, output: Sequence[Any], truth: Sequence[Any]) -> dict[str, float]:
        gap = sum(float(np.sum(a) - np.sum(b)) for a, b in zip(output, truth, strict=True))
        return dict.fromkeys((info.column for info in self.metrics), 1 + abs(gap))

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        gap = float(np.linalg.norm(output.moments.mean - truth.moments.mean))
        return dict.fromkeys((info.column for info in self.metrics), 1 + gap)


def scorers() -> ScorerSet:
    """Every scorer of the registry by name; of set metrics FID's and KID's columns."""
    loaded = []
    for name in SCORERS.names():
        infos = SCORERS.get(name).describe()
        if name == "fid":
            loaded.append(LoadedScorer(name, _Pooling(), infos))
        elif all(info.level == "clip" for info in infos):
            loaded.append(LoadedScorer(name, _Numbers(infos), infos))  # type: ignore[arg-type]
    return ScorerSet(tuple(loaded), ())


def made_up(count: int, models: int, frames: int, store: Store, found: ScorerSet) -> RunRecord:
    """A ledger of `count` clips and `models` models with the usual bounds; the files it refers to lie in `store`."""
    rng = np.random.default_rng(0)
    names = [*(f"model-{n:02d}" for n in range(models)), *BOUNDS]
    likes = _likes(store, frames, rng)
    files = {name: [_scores(store, f"{name} {n}", frames, found, rng) for n in range(POOL)] for name in names}
    clips = [ClipRecord(f"id{n % PEOPLE:05d}-{n:06d}", f"id{n % PEOPLE:05d}", donor="other") for n in range(count)]
    for place, clip in enumerate(clips):
        clip.entry = _prepared(store, clip, frames, likes[place % POOL])
    columns = [i.column for loaded in found.loaded for i in loaded.wanted if i.level == "clip"]
    rows = []
    for level, name in enumerate(names):
        row = RowRecord(name)
        for place, clip in enumerate(clips):
            features, curves = files[name][place % POOL]
            values = dict(zip(columns, (5 + level / 10 + rng.normal(size=len(columns))).tolist(), strict=True))
            pair = PairResult(values, features, curves, video=f"generate/{place}/video.mkv", seconds=1.5)
            # As it comes from a worker, and as the schedule keeps it.
            row.pairs[clip.id] = share_strings(pickle.loads(pickle.dumps(pair)))
        rows.append(row)
    cards = [
        dataclasses.asdict(ModelCard(n, "bound" if n in BOUNDS else "model", description="made up")) for n in names
    ]
    told = Provenance(bench_version="made up", python="", platform="", device="cpu")
    return RunRecord("0" * 64, clips, rows, cards, ["MADE-UP NUMBERS: a benchmark of the driver"], [], [], told)


def _entry(store: Store, stage: str, name: str) -> Path:
    """A folder where an entry would lie; without the store's care, which waits for the disk."""
    key = sha256_json({"made up": name})
    folder = store.root / stage / key[:2] / key
    folder.mkdir(parents=True)
    return folder


def _prepared(store: Store, clip: ClipRecord, frames: int, like: Path) -> str:
    """A prepared clip with sound and face of `like`."""
    folder = _entry(store, "prepare", clip.id)
    for name in ("audio.wav", "faces.npz"):
        (folder / name).hardlink_to(like / name)
    facts = {"id": clip.id, "identity": clip.identity, "frames": frames, "size": 256, "content_hash": folder.name}
    (folder / "meta.json").write_text(json.dumps(facts), encoding="utf-8")
    return store.ref(folder)


def _likes(store: Store, frames: int, rng: np.random.Generator) -> list[Path]:
    folders = [_entry(store, "prepare", f"like {place}") for place in range(POOL)]
    for folder in folders:
        write_wav(folder / "audio.wav", rng.integers(-9000, 9000, frames * SAMPLES_PER_FRAME).astype(np.int16))
        FaceTrack(
            rng.uniform(0, 256, (frames, LANDMARKS, 3)).astype(np.float32),
            np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1)),
            np.zeros((frames, BLENDSHAPES), np.float32),
            np.zeros((frames, 2, 3)),
            np.ones(frames, bool),
        ).save(folder / "faces.npz")
    return folders


def _scores(
    store: Store, name: str, frames: int, found: ScorerSet, rng: np.random.Generator
) -> tuple[dict[str, str], dict[str, str]]:
    features: dict[str, str] = {}
    curves: dict[str, str] = {}
    for loaded in found.loaded:
        sets = [info.column for info in loaded.wanted if info.level == "set"]
        drawn = {} if sets else {i.column: rng.normal(5, 1, frames).astype(np.float32) for i in loaded.wanted[:2]}
        folder = _entry(store, "score", f"{name} {loaded.name}")
        if sets:
            table = rng.gamma(1, size=(ROWS, DIMENSIONS)).astype(np.float32)
            save_features(folder / FEATURES_FILE, dict.fromkeys(sets, table))
        save_curves(folder / CURVES_FILE, drawn)
        features.update({column: store.ref(folder / FEATURES_FILE) for column in sets})
        curves.update({column: store.ref(folder / CURVES_FILE) for column in drawn})
    return features, curves


def measure(count: int, models: int, frames: int, folder: Path) -> dict[str, Any]:
    """Of every part of the driver's work: seconds by the clock and of the CPU (steadier beside others), peak MB."""
    from bench_lipsync.harness.export.formats import export
    from bench_lipsync.harness.gate.baseline_file import open_reference
    from bench_lipsync.harness.gate.compare import compare
    from bench_lipsync.harness.gate.rules import GateSpec
    from bench_lipsync.harness.run.finalize import finalize
    from bench_lipsync.reports.page.write import write_page
    from bench_lipsync.reports.table.render import render_table

    parts: dict[str, dict[str, float]] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        reset_peak()
        began, cpu = time.perf_counter(), time.process_time()
        yield
        took, used = time.perf_counter() - began, time.process_time() - cpu
        parts[name] = {"seconds": took, "cpu_s": used, "peak_mb": peak_mb()}
        print(f"{count} clips: {name} {took:.1f} s, CPU {used:.1f} s, {peak_mb():.0f} MB", file=sys.stderr)

    store, found = Store(folder / "store"), scorers()
    leave_one_out.IN_MEMORY = 1 << 18  # So that a thousand clips take the way of large runs.
    spec = make_spec({"models": [f"model-{n:02d}" for n in range(models)], "dataset": "demo", "metrics": "all"})
    reset_peak()
    empty = peak_mb()
    with part("ledger"):
        ledger = made_up(count, models, frames, store, found)
    out = folder / "run"
    out.mkdir()
    with part("numbers and run folder"):
        finalize(spec, ledger, found, store, out)
    del ledger
    with part("page"):
        write_page(out, out / "report.html")
    with part("table"):
        render_table(out, "latex")
    with part("compare"):
        compare(open_reference(out), open_reference(out), GateSpec(), names=("before", "after"))
    with part("export parquet"):
        export([out], "parquet", folder / "table.parquet")
    sizes = {path.name: path.stat().st_size / 1e6 for path in out.iterdir() if path.is_file()}
    return {
        "clips": count,
        "rows": models + len(BOUNDS),
        "frames": frames,
        "empty_mb": empty,
        "parts": parts,
        "mb": sizes,
    }


def pooling(rows: int, folder: Path) -> dict[str, float]:
    """CPU seconds of FID's sums for `rows` frames of 2048 numbers, of one distance from sums, and of one KID."""
    from bench_lipsync.harness.statistics.moments import moments
    from bench_lipsync.metrics.distribution.frechet import frechet_of_moments
    from bench_lipsync.metrics.distribution.kid import kernel_distance

    rng = np.random.default_rng(0)
    parts = [rng.gamma(0.5, size=(195, 2048)).astype(np.float32) for _ in range(rows // 195)]
    began = time.process_time()
    found = moments(parts, 2048)
    summed = time.process_time() - began
    began = time.process_time()
    frechet_of_moments(found, found)
    distance = time.process_time() - began
    kernel_distance(parts, parts, 5)  # Draws the rows.
    began = time.process_time()
    kernel_distance(parts, parts, 5)
    return {
        "sum_ms_a_row": 1e3 * summed / (195 * len(parts)),
        "frechet_s": distance,
        "kid_s": 20 * (time.process_time() - began),
    }


def main() -> None:
    """Measure every number of clips in a process of its own, print a table and keep all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--models", type=int, default=10, help="beside the bounds (default: 10)")
    parser.add_argument("--frames", type=int, default=195, help="of a clip (default: 195, VoxCeleb2's mean)")
    parser.add_argument("--pooling", action="store_true", help="measure FID and KID with 2048 numbers a frame")
    parser.add_argument("--out", type=Path, default=Path("driver_cost.json"), help="JSON; finished sizes are kept")
    parser.add_argument("--scratch", type=Path, help="folder for the made-up results (default: the system's)")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        with tempfile.TemporaryDirectory(dir=options.scratch) as name:
            done = measure(options.only, options.models, options.frames, Path(name)) if options.only else None
            print(json.dumps(done or pooling(5850, Path(name))))
        return
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    for count in [*options.clips, *([0] if options.pooling else [])]:
        key = f"{count}x{options.models}x{options.frames}" if count else "pooling"
        if key not in known:
            given = ["--models", str(options.models), "--frames", str(options.frames)]
            given += ["--scratch", str(options.scratch)] if options.scratch else []
            command = [sys.executable, __file__, "--only", str(count), *given]
            ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            known[key] = json.loads(ended.stdout.splitlines()[-1])
            options.out.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{key}: {json.dumps(known[key])}")


if __name__ == "__main__":
    main()
