"""The trace of a run in Chrome's trace event format: a row a worker, its helper threads below it."""

from __future__ import annotations

from typing import Any

from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.util.spans import Event

_DRIVER = 1
"""The driver's number; workers count on. Zero is the idle process in Perfetto's eyes."""
_THREADS = 100
"""Threads are numbered from here times the process's number: Perfetto takes the same number for the same thread."""


def trace_events(profile: Profile) -> list[dict[str, Any]]:
    """Complete events (`ph: X`) of every span, with the names of processes and threads before them.

    A worker is a "process" with a "thread" for its tasks; `ts` and `dur` are microseconds since the run began.
    """
    names = ["driver", *sorted(profile.workers)]
    events = [_name("process_name", number, number * _THREADS, name) for number, name in enumerate(names, _DRIVER)]
    threads: dict[tuple[int, str], int] = {}
    spans: list[dict[str, Any]] = []
    if profile.driver:
        spans += _spans(profile.driver.events, profile.driver.began - profile.began, _DRIVER, threads, "bench")
    numbers = {name: number for number, name in enumerate(names, _DRIVER)}
    free = dict.fromkeys(names, 0.0)
    for task in profile.trace:
        # A worker does one task after the other, but its clock may be set in between.
        shift = max(task.began - profile.began, free[task.worker])
        free[task.worker] = shift + task.seconds
        spans += _spans(task.events, shift, numbers[task.worker], threads, task.title)
    events += [_name("thread_name", pid, tid, thread or "task") for (pid, thread), tid in threads.items()]
    return events + sorted(spans, key=lambda event: (event["ts"], -event["dur"]))


def _spans(
    events: list[Event], shift: float, pid: int, threads: dict[tuple[int, str], int], title: str
) -> list[dict[str, Any]]:
    spans = []
    for event in events:
        tid = _thread(threads, pid, event.thread)
        is_task = event.key.stage == "other"
        name = title if is_task else " ".join(part for part in event.key if part)
        # Whole numbers, both ends rounded alike: viewers drop a span that ends a nanosecond after the one around it.
        begin, end = round((shift + event.start) * 1e6), round((shift + event.end) * 1e6)
        spans.append(
            {
                "name": name,
                "cat": "task" if is_task else event.key.stage,
                "ph": "X",
                "ts": begin,
                "dur": end - begin,
                "pid": pid,
                "tid": tid,
                "args": {"task": title},
            }
        )
    return spans


def _thread(threads: dict[tuple[int, str], int], pid: int, name: str) -> int:
    """The number of a thread: that of a process's tasks is its first, others count up, one number a name."""
    known = sum(1 for other, _ in threads if other == pid)
    threads.setdefault((pid, ""), pid * _THREADS)
    return threads.setdefault((pid, name), pid * _THREADS + max(1, known))


def _name(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}
