"""A whole VoxCeleb2 test run with ten models on 1, 8 and 64 GPUs: the real schedule on a clock that is not real.

`python benchmarks/cost/voxceleb2_model.py simulate --out model.json` takes the costs below (`Costs`: measured on a CPU,
one thread, 256 px, unless it says assumed) and gives hours, speed-up and what bounds it, for every scenario. No GPU was
there to measure on: `effective_tflops` is an assumption, not a result. `... check scaling.json` fits cost a clip and
cost a frame to the smaller runs of `benchmarks/cost/scaling_clips.py` and predicts the larger ones.
Sources and results are in docs/cost.md.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import FPS, Clip, DrivenClip
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.run.schedule import Schedule, ScheduledRow
from bench_lipsync.harness.run.work_items import PairResult, PrepareTask

CLIPS, PEOPLE, HOURS = 36_237, 118, 79.9
"""VoxCeleb2's test set: clips and people by its authors, hours by the table in PaddleSpeech's VoxCeleb README."""
SHORTEST = 4.0
"""Seconds of its shortest utterances (Chung et al. 2018)."""
GPUS = (1, 8, 64)


@dataclass(frozen=True)
class Costs:
    """Seconds of one core unless it says otherwise; `a_frame` for every frame of the clip."""

    prepare: float = 0.3
    """Each clip: opening, hashing, waiting for the disk. ASSUMED, between what idle and busy disks gave."""
    prepare_a_frame: float = 0.024
    """Decoding twice 8.0, faces 11.5, cropping 1.3, writing 3.0 ms."""
    pair: float = 0.3
    """Each model and clip, as `prepare`."""
    pair_a_frame: float = 0.024
    """What stays on the CPU, all threads on one core: decoding for the model and both sides for scoring 3 x 3.2,
    steadiness 3.7, SSIM 3.6, encoding 2.9, preview 1.2, sound 1.1, PSNR and mouth 0.8, hashes 1 ms."""
    generate_gflop: float = 66.7
    """A frame of StyleLipSync's published size, taken for all ten models."""
    score_gflop: float = 20.0
    """A frame of Inception (11.4), LPIPS and SyncNet."""
    effective_tflops: float = 10.0
    """ASSUMED: what a GPU really does; published peaks in fp32 are 19.5 (A100) and 66.9 (H100)."""
    workers_a_gpu: int = 2
    driver_a_task: float = 0.002
    """Giving out, taking in, linking two files."""
    tail_a_pair: float = 0.0012
    """Numbers, run folder, page and export, for every model and clip, at 36,237 clips (`driver_cost.py`)."""
    pool_a_frame: float = 0.00016
    """FID's sums: 2048 numbers a frame, for every row, on one core."""
    pool_a_row: float = 13 * 14.3
    """FID (5.1 s) and KID (9.2 s) of the whole and without each of 12 groups."""
    more_pools: int = 0
    """Pairs of models with other clips than their rows, twice: the distances are computed for those clips again."""
    driver_cores: float = 8.0
    """ASSUMED: cores on which the sums' linear algebra runs."""
    store_a_frame: float = 60e3 + 53e3 + 53e3 + 60e3 + 9e3
    """Bytes read and written by a pair: clip for the model, output, both for scoring, features and curves (256 px)."""
    store_gb_a_s: float = 2.0
    """ASSUMED: of the shared file system, all workers together."""


SCENARIOS = {
    "middle": Costs(),
    "slow GPUs": Costs(effective_tflops=3.0, workers_a_gpu=1),
    "fast GPUs": Costs(effective_tflops=30.0, workers_a_gpu=4),
    "fast GPUs, slow store": Costs(effective_tflops=30.0, workers_a_gpu=4, store_gb_a_s=0.5),
    "fast GPUs, driver on one core": Costs(effective_tflops=30.0, workers_a_gpu=4, driver_cores=1.0),
    "fast GPUs, every model failed on other clips": Costs(effective_tflops=30.0, workers_a_gpu=4, more_pools=90),
}


@dataclass
class Outcome:
    """What a simulation found."""

    gpus: int
    workers: int
    work_hours: float
    """Until the last task was done."""
    tail_hours: float
    """The driver alone, after that."""
    driver_busy: float
    """Share of the work during which the driver was busy."""
    gpu_busy: float
    store_gb_a_s: float

    @property
    def hours(self) -> float:
        """All together."""
        return self.work_hours + self.tail_hours


def frames_of_clips(count: int) -> NDArray[np.int64]:
    """(count,) frames: at least `SHORTEST`, exponential above it (assumed), with the mean of the real set."""
    mean = HOURS * 3600 / CLIPS
    seconds = SHORTEST + np.random.default_rng(0).exponential(mean - SHORTEST, count)
    return np.round(seconds * FPS).astype(np.int64)


def simulate(costs: Costs, gpus: int, count: int = CLIPS, models: int = 10) -> Outcome:
    """Carry a run out on a clock of its own, with the real `harness.run.schedule`."""
    frames = frames_of_clips(count)
    clips = [Clip(f"id{n % PEOPLE:05d}_{n:06d}", f"id{n % PEOPLE:05d}", Path(f"{n}.mp4")) for n in range(count)]
    clips.sort(key=lambda clip: clip.id)
    length = {clip.id: int(number) for clip, number in zip(clips, frames, strict=True)}
    rows = [ScheduledRow(f"model {n}") for n in range(models)]
    rows += [ScheduledRow(name, name == "shuffled-audio") for name in BOUNDS]
    workers = gpus * costs.workers_a_gpu
    schedule = Schedule([DrivenClip(clip.id, clip) for clip in clips], rows, 256, ahead=2 * workers)
    done = PairResult(video="")
    running: list[tuple[float, int, Any]] = []
    idle, number, driver, busy, gpu_seconds, stored, end = workers, 0, 0.0, 0.0, 0.0, 0.0, 0.0
    while True:
        while idle and (task := schedule.next()) is not None:
            driver += costs.driver_a_task / 2
            busy += costs.driver_a_task / 2
            size = length[task.clip.id if isinstance(task, PrepareTask) else task.clip]
            made = isinstance(task, PrepareTask) or task.row in BOUNDS
            took, gpu = _took(costs, task, size, made, workers)
            gpu_seconds += gpu
            stored += costs.store_a_frame * size / (2 if made else 1)
            heapq.heappush(running, (driver + took, number, task))
            idle, number = idle - 1, number + 1
        if not running:
            break
        end, _, task = heapq.heappop(running)
        idle += 1
        driver = max(driver, end) + costs.driver_a_task / 2
        busy += costs.driver_a_task / 2
        schedule.take(task, "entry" if isinstance(task, PrepareTask) else done)
    pairs, pooled = count * len(rows), int(frames.sum()) * len(rows)
    tail = pairs * costs.tail_a_pair
    tail += (pooled * costs.pool_a_frame + (len(rows) + costs.more_pools) * costs.pool_a_row) / costs.driver_cores
    return Outcome(gpus, workers, end / 3600, tail / 3600, busy / end, gpu_seconds / end / gpus, stored / end / 1e9)


def _took(costs: Costs, task: Any, frames: int, made: bool, workers: int) -> tuple[float, float]:
    """Seconds of a task on its worker, and of them on the GPU. A GPU shared by workers is never more than busy."""
    stored = costs.store_a_frame * frames / (2 if made else 1) * workers / (costs.store_gb_a_s * 1e9)
    if isinstance(task, PrepareTask):
        return max(costs.prepare + costs.prepare_a_frame * frames, stored), 0.0
    gflop = costs.score_gflop + (0.0 if made else costs.generate_gflop)
    gpu = gflop * frames / (1000 * costs.effective_tflops)
    own = costs.pair + costs.pair_a_frame * frames + gpu
    return max(own, gpu * costs.workers_a_gpu, stored), gpu


def check(measured: dict[str, Any]) -> list[dict[str, float | str]]:
    """CPU seconds of a run as start + a clip + a frame: fitted to smaller runs, predicted for larger ones."""
    runs = [run for run in measured.values() if run["kind"] == "run" and run["workers"] == 1]
    runs.sort(key=lambda run: run["frames"])
    fitted = [run for run in runs if run["frames"] <= 5000]
    table = np.array([[1.0, run["clips"], run["frames"]] for run in fitted])
    spent = np.array([run["cpu_s"] for run in fitted])
    # Relative errors count, so that the small runs say what starting costs.
    start, a_clip, a_frame = np.linalg.lstsq(table / spent[:, None], np.ones(len(spent)), rcond=None)[0]
    lines: list[dict[str, float | str]] = [{"start_s": start, "a_clip_s": a_clip, "a_frame_s": a_frame}]
    for run in runs:
        predicted = start + a_clip * run["clips"] + a_frame * run["frames"]
        error = 100 * (predicted / run["cpu_s"] - 1)
        use = "fitted" if run in fitted else "predicted"
        facts = {"clips": run["clips"], "frames": run["frames"], "measured_s": run["cpu_s"], "model_s": predicted}
        lines.append({"use": use, **facts, "error_%": error})
    return lines


def main() -> None:
    """Simulate every scenario, or check the model against measured runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("simulate", help="hours on 1, 8 and 64 GPUs")
    make.add_argument("--clips", type=int, default=CLIPS)
    make.add_argument("--gpus", type=int, nargs="+", default=list(GPUS))
    make.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    make.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another cost, in all scenarios")
    make.add_argument("--out", type=Path, default=Path("voxceleb2_model.json"))
    see = commands.add_parser("check", help="predicted against measured")
    see.add_argument("measured", type=Path, help="JSON of benchmarks/cost/scaling_clips.py")
    options = parser.parse_args()
    if options.command == "check":
        for line in check(json.loads(options.measured.read_text(encoding="utf-8"))):
            print(
                "  ".join(f"{key} {value:.4g}" if not isinstance(value, str) else value for key, value in line.items())
            )
        return
    words = (word.partition("=") for word in options.set)
    changed = {name: type(getattr(Costs(), name))(float(value)) for name, _, value in words}
    found: dict[str, Any] = {}
    for name in options.scenarios:
        costs = replace(SCENARIOS[name], **changed)  # type: ignore[arg-type]
        found[name] = {"costs": asdict(costs), "outcomes": []}
        for gpus in options.gpus:
            one = simulate(costs, gpus, options.clips)
            found[name]["outcomes"].append({**asdict(one), "hours": one.hours})
            print(
                f"{name:30} {gpus:3d} GPUs {one.workers:4d} workers: {one.work_hours:8.1f} + {one.tail_hours:5.2f} h, "
                f"driver {100 * one.driver_busy:5.1f} %, GPU {100 * one.gpu_busy:5.1f} %, {one.store_gb_a_s:6.2f} GB/s",
                flush=True,
            )
            options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
