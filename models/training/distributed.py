"""Several processes that train one network, one a GPU, as `torchrun` starts them; a single process needs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

_PATIENCE = timedelta(hours=24)
"""How long processes wait for the first one, which prepares the clips of a whole dataset for them."""


class Ranks(NamedTuple):
    """Which of how many processes this is."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0


def join() -> Ranks:
    """Meet the other processes that `torchrun` started (NCCL between GPUs, Gloo between CPUs); alone without them."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Ranks()
    import torch
    import torch.distributed as dist

    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size())


def own_device(device: str) -> str:
    """`cuda` becomes the GPU of this process; others stay."""
    local = os.environ.get("LOCAL_RANK")
    return f"cuda:{local}" if device == "cuda" and local is not None else device


@contextmanager
def first_alone(ranks: Ranks) -> Iterator[None]:
    """The first process goes through the block alone, the others after it: files it makes are there for them."""
    if not ranks.first:
        _meet(ranks)
    yield
    if ranks.first:
        _meet(ranks)


def leave() -> None:
    """Say goodbye to the other processes."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _meet(ranks: Ranks) -> None:
    if ranks.world > 1:
        import torch
        import torch.distributed as dist

        dist.all_reduce(torch.zeros(1))  # On the CPU, so that it works before a GPU is chosen.
