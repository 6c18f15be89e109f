"""A profile's summary, the content of `profile.json`, and the files and the table made from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench_lipsync.harness.profiling.profile import Profile, Worker
from bench_lipsync.harness.profiling.table import hint, text_table
from bench_lipsync.harness.profiling.trace import trace_events
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.harness.util.spans import OTHER, Key, Record, Total

PROFILE_FILE = "profile.json"
TRACE_FILE = "trace.json"


def write_profile(profile: Profile, folder: Path) -> None:
    """Write `profile.json` and `trace.json`, for Perfetto or chrome://tracing, into a run folder."""
    text = json.dumps(summarise(profile), indent=1, ensure_ascii=False, allow_nan=False)
    write_text_atomically(folder / PROFILE_FILE, text + "\n")
    content = {
        "traceEvents": trace_events(profile),
        "displayTimeUnit": "ms",
        "otherData": {"events left out": str(profile.dropped)},
    }
    write_text_atomically(folder / TRACE_FILE, json.dumps(content, ensure_ascii=False, allow_nan=False))


def profile_table(profile: Profile) -> str:
    """The share of each stage and where the bottleneck is, for the screen."""
    return text_table(summarise(profile))


def summarise(profile: Profile) -> dict[str, Any]:
    """All times are seconds. `share` is of all tasks' time; what goes on `beside` it takes none.

    `stages` and their `parts` (models, scorers) come longest first, `models` with whole tasks, generating and scoring.
    """
    all_seconds = sum(total.wall for total in profile.totals.values()) or 1e-9
    by_stage: dict[str, list[Key]] = {}
    for key in profile.totals:
        by_stage.setdefault(key.stage, []).append(key)
    stages = [{"stage": name, **_line(profile, Key(name, ""), keys, all_seconds)} for name, keys in by_stage.items()]
    named = [key for key in profile.totals if key.detail]
    parts = [{"stage": key.stage, "name": key.detail, **_line(profile, key, [key], all_seconds)} for key in named]
    summary = {
        "format": 1,
        "seconds": round(profile.seconds, 3),
        "tasks": sum(worker.tasks for worker in profile.workers.values()),
        "work_seconds": round(sum(worker.busy for worker in profile.workers.values()), 3),
        "cpu_seconds": round(sum(worker.cpu for worker in profile.workers.values()), 3),
        "stages": sorted(stages, key=lambda line: -line["seconds"]),
        "parts": sorted(parts, key=lambda line: -line["seconds"]),
        "models": [_model(name, total) for name, total in profile.models.items()],
        "workers": [_worker(profile, name, worker) for name, worker in sorted(profile.workers.items())],
        "driver": _driver(profile.driver, profile.seconds),
    }
    return {**summary, "hint": hint(summary)}


def is_wait(stage: str) -> bool:
    """Whether a thread does nothing itself in `stage`."""
    return stage.startswith("wait ")


def _line(profile: Profile, name: Key, keys: Sequence[Key], all_seconds: float) -> dict[str, Any]:
    total = Total()
    for key in keys:
        total.add(profile.totals[key])
    tasks = profile.spread[name]
    both = total.wall + total.beside
    return {
        "seconds": round(total.wall, 4),
        "share": round(total.wall / all_seconds, 4),
        "beside": round(total.beside, 4),
        "cpu": round(total.cpu, 4),
        "spans": total.count,
        "clips": tasks,
        "frames": total.items,
        "seconds_per_clip": round(both / tasks, 4),
        "seconds_per_frame": round(both / total.items, 6) if total.items else None,
    }


def _model(name: str, total: Total) -> dict[str, Any]:
    per_clip = round(total.wall / total.count, 4)
    return {"model": name, "seconds": round(total.wall, 4), "clips": total.count, "seconds_per_clip": per_clip}


def _worker(profile: Profile, name: str, worker: Worker) -> dict[str, Any]:
    return {
        "worker": name,
        "tasks": worker.tasks,
        "busy": round(worker.busy, 3),
        "cpu": round(worker.cpu, 3),
        "idle": round(max(0.0, profile.seconds - worker.busy), 3),
        "busy_share": round(min(1.0, worker.busy / max(profile.seconds, 1e-9)), 4),
        "first_task_after": round(max(0.0, worker.began - profile.began), 3),
    }


def _driver(record: Record | None, seconds: float) -> dict[str, Any]:
    """The driver's own time, without what it waits and without the tasks that it does itself."""
    wall: dict[str, float] = {}
    for key, total in record.totals.items() if record else ():
        wall[key.stage] = wall.get(key.stage, 0.0) + total.wall
    work = sum(time for stage, time in wall.items() if not is_wait(stage))
    return {
        "seconds": round(work, 4),
        "share": round(work / max(seconds, 1e-9), 4),
        "unnamed": round(wall.get(OTHER, 0.0), 4),
        "stages": {stage: round(time, 4) for stage, time in sorted(wall.items(), key=lambda pair: -pair[1])},
    }
