"""Ctrl-C while a thread is waited for: it is raised, but only after the thread has ended."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.media import LosslessWriter, read_lossless
from bench_lipsync.harness.util.background import BackgroundWriter, InterruptSafeThread, Prefetch


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Ctrl-C, which processes that were started in the background ignore otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield lambda: os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def once(*calls: Callable[[], None]) -> Callable[[], None]:
    """What makes each of `calls`, 0.1 s apart, from the first time on that it is called itself."""
    timers = [threading.Timer(number / 10, call) for number, call in enumerate(calls, 1)]

    def begin() -> None:
        while timers:
            timers.pop().start()

    return begin


def test_it_returns_when_the_thread_has_ended() -> None:
    told = threading.Event()
    thread = InterruptSafeThread(lambda: told.wait(60), "waits")
    thread.start()
    thread.end(told.set)
    assert told.is_set() and not thread.is_alive()
    thread.end(told.set)


@pytest.mark.parametrize("times", [1, 3])
def test_it_waits_through_ctrl_c_and_then_raises_it(interrupt: Callable[[], None], times: int) -> None:
    gate = threading.Event()
    thread = InterruptSafeThread(lambda: gate.wait(60), "waits")
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        thread.end(once(*[interrupt] * times, gate.set))
    assert gate.is_set() and not thread.is_alive()


def slow(gate: threading.Event) -> Iterator[int]:
    gate.wait(60)
    yield 0


@pytest.mark.parametrize(
    "begin",
    [
        lambda gate: BackgroundWriter(lambda _: gate.wait(60)),
        lambda gate: Prefetch(slow(gate)),
    ],
    ids=["behind", "prefetch"],
)
def test_leaving_is_not_cut_short(
    interrupt: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    begin: Callable[[threading.Event], AbstractContextManager[object]],
) -> None:
    gate, real = threading.Event(), InterruptSafeThread.end
    disturb = once(interrupt, gate.set)

    def end(self: InterruptSafeThread, ask: Callable[[], None]) -> None:
        real(self, lambda: (ask(), disturb())[0])

    monkeypatch.setattr(InterruptSafeThread, "end", end)
    with pytest.raises(KeyboardInterrupt), begin(gate) as pair:
        if isinstance(pair, BackgroundWriter):
            pair.put(0)
    assert gate.is_set(), "the thread was still at work when Ctrl-C came"
    assert not [thread for thread in threading.enumerate() if thread.name in {"bench-behind", "bench-prefetch"}]


def test_a_writer_that_was_left_takes_nothing_more(tmp_path: Path) -> None:
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    with LosslessWriter(tmp_path / "one.mkv", 16, 16) as writer:
        writer.write(frames)
    with pytest.raises(ValueError, match=r"one\.mkv is closed"):
        writer.write(frames)
    assert sum(map(len, read_lossless(tmp_path / "one.mkv"))) == 2
