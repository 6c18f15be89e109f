"""A profile in words: a table for the screen, and what to do about the bottleneck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LEAST = 0.005
"""Share below which a stage has no line on the screen; `profile.json` has them all."""
_STARVED = 0.4
"""Processor time a second of work, below which something else is going on."""
_OTHERS = "others are at work on this machine, or it waits for a GPU or a disk"


def text_table(summary: Mapping[str, Any]) -> str:
    """Stages from the longest on, scorers apart, then workers, driver and the hint."""
    lines = [f"{'stage':<28}{'share':>8}{'seconds':>10}{'beside':>10}{'cpu':>9}{'per clip':>11}{'per frame':>12}"]
    for line in summary["stages"]:
        if line["share"] < _LEAST and line["beside"] < _LEAST * summary["work_seconds"]:
            continue
        lines.append(_row(line["stage"], line))
        parts = [part for part in summary["parts"] if part["stage"] == line["stage"]]
        lines += [_row(f"  {part['name']}", part) for part in parts if part["share"] >= _LEAST and len(parts) > 1]
    lines.append("")
    for worker in summary["workers"]:
        processor = f"{worker['cpu']:.1f} s of processor time"
        lines.append(f"{worker['worker']}: {worker['tasks']} tasks, busy {worker['busy_share']:.0%}, {processor}")
    driver, seconds = summary["driver"], summary["seconds"]
    lines.append(f"driver: {driver['seconds']:.1f} s of its own work in a run of {seconds:.1f} s ({_top(driver)})")
    lines.append(f"hint: {summary['hint']}")
    return "\n".join(lines)


def _row(name: str, line: Mapping[str, Any]) -> str:
    frame = line["seconds_per_frame"]
    per_frame = "" if frame is None else f"{frame * 1000:.2f} ms"
    clip = f"{line['seconds_per_clip']:.3f} s"
    beside = f"{line['beside']:.2f}" if line["beside"] else ""
    own = f"{name[:27]:<28}{line['share']:>8.1%}{line['seconds']:>10.2f}"
    return f"{own}{beside:>10}{line['cpu']:>9.2f}{clip:>11}{per_frame:>12}"


def _top(driver: Mapping[str, Any]) -> str:
    named = [(stage, seconds) for stage, seconds in driver["stages"].items() if not stage.startswith("wait")]
    return ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in named[:3]) or "nothing"


def hint(summary: Mapping[str, Any]) -> str:
    """One sentence: what held the run up most, and what helps."""
    if not summary["tasks"]:
        return "nothing was left to compute: everything was in the store"
    if summary["driver"]["share"] > 0.3:
        stage = _top(summary["driver"])
        return (
            f"the driver itself takes {summary['driver']['share']:.0%} of the run ({stage}); more workers do not help"
        )
    share = {line["stage"]: line["share"] for line in summary["stages"]}
    busy = [worker["busy_share"] for worker in summary["workers"]]
    if len(busy) > 1 and sum(busy) / len(busy) < 0.6:
        return f"workers are busy only {sum(busy) / len(busy):.0%} of the time; fewer of them would do for this run"
    bottleneck = _bottleneck(summary, share)
    got = summary["cpu_seconds"] / max(summary["work_seconds"], 1e-9)
    if got < _STARVED:
        return f"tasks had the processor only {got:.0%} of their time: {_OTHERS}; in them, {bottleneck}"
    return bottleneck


def _bottleneck(summary: Mapping[str, Any], share: Mapping[str, float]) -> str:
    for wait, cure in _WAITS.items():
        if share.get(wait, 0.0) > 0.15:
            return f"{share[wait]:.0%} of the work is '{wait}': {cure}"
    stage = max((name for name in share if not name.startswith("wait")), key=lambda name: share[name])
    cure = _CURES.get(stage, "see trace.json for what it does")
    part = _largest([part for part in summary["parts"] if part["stage"] == stage])
    return f"most time goes into {stage}{part}, {share[stage]:.0%} of the work; {cure}"


def _largest(parts: Sequence[Mapping[str, Any]]) -> str:
    return f" (most of it {parts[0]['name']})" if len(parts) > 1 else ""


_WAITS = {
    "wait for frames": "decoding is slower than what reads the frames; give each worker another core",
    "wait for encoder": "writing frames is slower than the model; give each worker another core",
    "wait for store": "another worker makes the same entry; there is less to do than there are workers",
}
_CURES = {
    "generate": "use a GPU, or more workers; --batch-size helps only a GPU",
    "score": "use a GPU, or more workers; --metrics leaves out what you do not need",
    "faces": "use more workers; it is done once for a clip, later runs find it in the store",
    "decode": "use more workers, or smaller source videos",
    "crop": "use more workers; it is done once for a clip",
    "write": "use more workers; it is done once for a clip",
    "encode": "use more workers",
    "preview": "--no-report leaves the previews out",
    "store": "put the store on a faster disk",
    "load": "use fewer workers: each one loads every network once",
}
