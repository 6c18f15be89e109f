"""Comparing variants on a machine that others use too: interleaved rounds, so that a busy moment hits all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Times:
    """Seconds of one variant, one entry a round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Of the process, summed over its threads: steadier than the clock where others compute, blind to waiting."""

    @property
    def best(self) -> float:
        """Shortest by the clock."""
        return min(self.wall)

    @property
    def median(self) -> float:
        """Middle by the clock."""
        return statistics.median(self.wall)


def interleave(variants: Mapping[str, Callable[[], object]], rounds: int, wait: Callable[[], None]) -> dict[str, Times]:
    """Run every variant once in each round. `wait` returns when the device is done; warming up is the caller's."""
    times = {name: Times() for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            wait()
            clock, cpu = time.perf_counter(), time.process_time()
            run()
            wait()
            times[name].wall.append(time.perf_counter() - clock)
            times[name].cpu.append(time.process_time() - cpu)
    return times


def ratios(slow: list[float], fast: list[float]) -> tuple[float, float, float]:
    """Lowest, median and highest of `slow / fast`, round by round."""
    each = [a / b for a, b in zip(slow, fast, strict=True)]
    return min(each), statistics.median(each), max(each)
