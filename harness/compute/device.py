"""Choosing where networks run."""

from __future__ import annotations

from bench_lipsync.harness.errors import BenchError


def pick_device(name: str) -> str:
    """`auto` becomes `cuda` where there is one, else `cpu`. Raises `BenchError` for a device that is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BenchError(f"device {name!r} cannot be used here: {reason}; try --device cpu") from None
    return name


def device_of_worker(name: str, index: int, alone: bool) -> str:
    """`name` as one of several workers should read it: where `cuda` means several GPUs, each takes the next one."""
    import torch

    picked = pick_device(name)
    count = torch.cuda.device_count() if picked == "cuda" and not alone else 1
    return f"cuda:{index % count}" if count > 1 else picked
