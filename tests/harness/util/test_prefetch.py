"""Reading ahead: order, errors in their place, a bounded lead, and no thread left however it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.util.background import Prefetch


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "bench-prefetch"]


class Source:
    """Counts to `count`, and says how far it is and whether it was closed."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.made = 0
        self.closed_by = ""
        self._count = count
        self._error = error

    def __call__(self) -> Iterator[int]:
        try:
            for number in range(self._count):
                self.made += 1
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed_by = threading.current_thread().name


def wait_until_full(source: Source, made: int) -> None:
    deadline = time.monotonic() + 5
    while source.made < made and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)


@pytest.mark.parametrize("ahead", [1, 2, 100])
def test_everything_comes_in_order(ahead: int) -> None:
    source = Source(50)
    with Prefetch(source(), ahead) as numbers:
        assert list(numbers) == list(range(50))
        assert next(numbers, "nothing more") == "nothing more"
    assert source.closed_by == "bench-prefetch" and threads() == []


def test_it_reads_ahead_and_no_further_than_allowed() -> None:
    source = Source(50)
    with Prefetch(source(), ahead=3) as numbers:
        assert next(numbers) == 0
        wait_until_full(source, 5)
        assert source.made == 5, "one taken, three that wait, one in hand"
    assert threads() == [] and source.made <= 6


def test_an_error_comes_after_the_items_before_it() -> None:
    source = Source(3, ClipError(Status.DECODE_ERROR, "torn file"))
    taken = []
    with pytest.raises(ClipError, match="torn file"), Prefetch(source()) as numbers:
        for number in numbers:
            taken.append(number)
    assert taken == [0, 1, 2] and threads() == []


@pytest.mark.parametrize("taken", [0, 1, 4])
def test_stopping_early_leaves_no_thread_and_closes_the_source(taken: int) -> None:
    source = Source(1000)
    with Prefetch(source()) as numbers:
        for _ in range(taken):
            next(numbers)
    assert threads() == [] and source.made < 10
    assert source.made == 0 or source.closed_by == "bench-prefetch"


def test_an_error_of_the_reader_passes_through() -> None:
    source = Source(1000)
    with pytest.raises(ZeroDivisionError), Prefetch(source()) as numbers:
        for number in numbers:
            _ = 1 // (2 - number)
    assert threads() == [] and source.closed_by == "bench-prefetch"


def test_two_threads_work_at_once() -> None:
    """Each step takes 20 ms on both sides; side by side they take little more than one side's time."""

    def slow() -> Iterator[int]:
        for number in range(15):
            time.sleep(0.02)
            yield number

    began = time.monotonic()
    with Prefetch(slow()) as numbers:
        for _ in numbers:
            time.sleep(0.02)
    assert time.monotonic() - began < 0.5
