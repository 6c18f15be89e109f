"""Batch sizes: fixed on a CPU, what memory holds on an accelerator, halved wherever memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bench_lipsync.harness.errors import BenchError, ClipError, Status, first_problem

logger = logging.getLogger(__name__)
T = TypeVar("T")

AUTO = 0
"""`GenerateContext.batch_size` of a run that leaves the choice to the harness."""
CPU_BATCH = 8
"""Larger batches gain nothing on a CPU, and a fixed one gives the same bits everywhere."""
DEVICE_BATCH = 32
"""As many frames as scoring reads at a time."""
MODEL_FRAMES = (8, 64)
"""Frames of a model's batch on an accelerator, at least and at most; beyond, no model that we know of gets faster."""
_BYTES_PER_FRAME = 1 << 29
"""Of the device's memory; generous, for what a network holds between its layers for a frame of 512 pixels."""
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
    """The batch size of one network on one device, halved wherever memory runs out.

    On a CPU batches are always the same. Larger ones gain nothing there, and since kernels are chosen by shape, a fixed
    one gives the same bits in every run, whatever else takes up memory. On an accelerator whole chunks are tried.
    Values of different batch sizes differ by rounding alone: less than 1e-5 of their size (tests of each metric).

    Args:
        device: Where the network runs, such as `cpu` or `cuda:1`.
        cpu: Items of a batch on a CPU.
        accelerator: Items of a batch elsewhere.
        owner: Begins the warning about a shortage; what has the network.
        items: What the items of a batch are called in that warning.

    """

    def __init__(
        self,
        device: str,
        cpu: int = CPU_BATCH,
        accelerator: int = DEVICE_BATCH,
        *,
        owner: str = "",
        items: str = "items",
    ) -> None:
        self.device = device
        self._prefix, self._items = f"{owner}: " if owner else "", items
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
                    raise NotEnoughMemoryError(self.device, error) from error
            else:
                first = end
                continue
            self.halve(end - first)  # Outside of `except`, where the error would keep the failed batch's buffers.
        return results

    def halve(self, tried: int) -> None:
        """Go on with half of `tried` items, which were too many."""
        self.size = tried // 2
        message = "%sout of memory on %s with %d %s at once; going on with %d"
        logger.warning(message, self._prefix, self.device, tried, self._items, self.size)
        free_memory(self.device)


def parse_batch_size(text: str) -> int:
    """The value of `--batch-size`: `auto` is `AUTO`. Raises `BenchError` for what is no number from 1 on either."""
    if text.strip().lower() == "auto":
        return AUTO
    try:
        size = int(text)
    except ValueError:
        size = 0
    if size < 1:
        raise BenchError(f"--batch-size {text}: frames at once, 1 or more, or auto")
    return size


def model_batch_size(device: str) -> int:
    """Frames of a model's first batch on `device` where the run says `AUTO`.

    From the device's whole memory, not from what is free at the moment: batches of another size may round otherwise,
    and the same run on the same kind of device should give the same frames however many workers share it.
    """
    if not device.startswith("cuda"):
        return CPU_BATCH
    import torch

    fitting = torch.cuda.get_device_properties(device).total_memory // _BYTES_PER_FRAME
    least, most = MODEL_FRAMES
    return min(most, max(least, 1 << (max(1, fitting).bit_length() - 1)))


def free_memory(device: str) -> None:
    """Give back what PyTorch keeps of a device's memory for later."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on whatever device."""
    # Most libraries have no error class of their own for it, and importing them to ask would take seconds.
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _WORDS)
