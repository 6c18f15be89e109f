"""How many frames a model is asked for at once: 8 on a CPU, what the device has room for on an accelerator."""

from __future__ import annotations

import logging

from bench_lipsync.harness.errors import BenchError

logger = logging.getLogger("bench")

AUTO = 0
"""`GenerateContext.batch_size` of a run that leaves the choice to the harness."""
CPU_FRAMES = 8
"""Larger batches gain nothing on a CPU, and a fixed one gives the same bits everywhere."""
DEVICE_FRAMES = (8, 64)
"""On an accelerator, at least and at most; beyond that no model that we know of gets faster."""
_BYTES_PER_FRAME = 1 << 29
"""Of the device's memory; generous, for what a network holds between its layers for a frame of 512 pixels."""


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


def first_size(device: str) -> int:
    """What `AUTO` begins with on `device`.

    From the device's whole memory, not from what is free at the moment: batches of another size may round otherwise,
    and the same run on the same kind of device should give the same frames however many workers share it. Where it
    is too much, `BatchSizes.shrink` halves it.
    """
    if not device.startswith("cuda"):
        return CPU_FRAMES
    import torch

    room = torch.cuda.get_device_properties(device).total_memory // _BYTES_PER_FRAME
    least, most = DEVICE_FRAMES
    return min(most, max(least, 1 << (max(1, room).bit_length() - 1)))


class BatchSizes:
    """The batch sizes that have proved to fit, by model; a worker keeps one for all of its clips."""

    def __init__(self) -> None:
        self._fits: dict[tuple[str, str, int], int] = {}

    def size(self, asked: int, model: str, device: str, side: int) -> int:
        """Frames at once for `model` and crops of `side` pixels; `asked` is the run's setting, or `AUTO`."""
        wanted = asked or first_size(device)
        return min(wanted, self._fits.get((model, device, side), wanted))

    def shrink(self, tried: int, model: str, device: str, side: int) -> int:
        """Half of `tried`, from now on; 0 where one frame was too much, after which all is as before."""
        size = tried // 2
        if not size:
            self._fits.pop((model, device, side), None)  # Of a clip, or of a moment; others may have room for more.
        else:
            self._fits[model, device, side] = size
            logger.warning(
                "%s: out of memory on %s with %d frames at once; going on with %d", model, device, tried, size
            )
        if device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()
        return size
