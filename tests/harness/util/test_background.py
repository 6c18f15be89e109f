"""Writing behind: order, errors that come back, a bounded number that waits, and no thread left however it ends."""

from __future__ import annotations

import threading
import time

import pytest

from bench_lipsync.harness.util.background import BackgroundWriter
from bench_lipsync.harness.util.spans import Key, recording, span


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "bench-behind"]


def test_everything_is_taken_in_order_by_another_thread() -> None:
    taken: list[tuple[int, str]] = []
    with BackgroundWriter(lambda item: taken.append((item, threading.current_thread().name))) as behind:
        for number in range(50):
            behind.put(number)
    assert taken == [(number, "bench-behind") for number in range(50)] and threads() == []


def test_no_more_than_allowed_wait() -> None:
    gate, put, taken = threading.Event(), [], []

    def take(item: int) -> None:
        gate.wait()
        taken.append(item)

    def give() -> None:
        with BackgroundWriter(take, waiting=2) as behind:
            for number in range(10):
                behind.put(number)
                put.append(number)

    giver = threading.Thread(target=give)
    giver.start()
    time.sleep(0.1)
    assert put == [0, 1, 2], "one in hand, two that wait; the fourth has no room"
    gate.set()
    giver.join(5)
    assert taken == list(range(10)) and threads() == []


@pytest.mark.parametrize("bad", [0, 3, 9])
def test_an_error_comes_back_and_nothing_is_taken_after_it(bad: int) -> None:
    taken = []

    def take(item: int) -> None:
        if item == bad:
            raise OSError("no space left")
        taken.append(item)

    with pytest.raises(OSError, match="no space left"), BackgroundWriter(take) as behind:
        for number in range(10):
            behind.put(number)
    assert taken == list(range(bad)) and threads() == []


def test_it_stops_early_after_an_error() -> None:
    put = []

    def take(item: int) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"), BackgroundWriter(take) as behind:
        for number in range(1000):
            behind.put(number)
            put.append(number)
    assert len(put) < 1000


def test_an_error_of_the_caller_drops_what_waits() -> None:
    gate, taken = threading.Event(), []

    def take(item: int) -> None:
        gate.wait(5)
        taken.append(item)

    with pytest.raises(ZeroDivisionError), BackgroundWriter(take, waiting=5) as behind:
        for number in range(4):
            behind.put(number)
        threading.Timer(0.05, gate.set).start()
        raise ZeroDivisionError
    assert len(taken) <= 1 and threads() == []


def test_both_work_at_once_and_are_told_apart() -> None:
    further = threading.Event()

    def take(_: int) -> None:
        with span("encode"):
            assert further.wait(60), "the caller goes on while the first item is taken"
            time.sleep(0.02)

    with recording() as record, BackgroundWriter(take) as behind:
        for number in range(10):
            with span("generate"):
                time.sleep(0.02)
            behind.put(number)
            further.set()
    assert record.totals[Key("encode", "")].beside >= 0.2
    assert record.totals[Key("generate", "")].wall >= 0.2
