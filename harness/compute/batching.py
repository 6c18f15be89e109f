"""How many frames a network is given at once: a fixed number on a CPU, what memory holds on an accelerator."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bench_lipsync.harness.errors import ClipError, Status, first_problem

logger = logging.getLogger("bench")
T = TypeVar("T")

CPU_BATCH = 8
DEVICE_BATCH = 32
"""As many frames as scoring reads at a time."""
_WORDS = ("out of memory", "defaultcpuallocator", "status_alloc_failed", "insufficient memory", "failed to allocate")


class NotEnoughMemoryError(ClipError):
    """Not even one item fits. Says nothing about the clip, so it is not remembered: tried again in the next run."""

    def __init__(self, device: str, error: BaseException) -> None:
        super().__init__(
            Status.METRIC_FAILED,
            f"memory of {device} does not hold one frame's pass ({first_problem(error)}); free some, or use --device "
            "cpu",
        )


class Batches:
    """Runs a network over many items in batches.

    On a CPU batches are always the same. Larger ones gain nothing there, and since kernels are chosen by shape, a fixed
    one gives the same bits in every run, whatever else takes up memory. On an accelerator whole chunks are tried.
    Wherever memory runs out the batch is halved, and stays so. Values of different batch sizes differ by rounding
    alone: less than 1e-5 of their size (tests of each metric).
    """

    def __init__(self, device: str, cpu: int = CPU_BATCH, accelerator: int = DEVICE_BATCH) -> None:
        self._device = device
        self.size = cpu if device.startswith("cpu") else accelerator
        """Items of a batch from now on."""

    def run(self, compute: Callable[[int, int], T], count: int) -> list[T]:
        """`compute(first, end)` for consecutive stretches of `count` items, in order.

        Raises `NotEnoughMemoryError` where a single item is too much.
        """
        results = []
        first = 0
        while first < count:
            end = min(first + self.size, count)
            try:
                results.append(compute(first, end))
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if end - first == 1:
                    raise NotEnoughMemoryError(self._device, error) from error
            else:
                first = end
                continue
            self._halve(end - first)  # Outside of `except`, where the error would keep the failed batch's buffers.
        return results

    def _halve(self, tried: int) -> None:
        self.size = tried // 2
        logger.warning("out of memory on %s with %d items at once; going on with %d", self._device, tried, self.size)
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on whatever device."""
    # Most libraries have no error class of their own for it, and importing them to ask would take seconds.
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _WORDS)
