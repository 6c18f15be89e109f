"""Reading weights without running code: `syncnet_v2.model` (a pickled state dict) and safetensors files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import RefusedFileError, read_torch

if TYPE_CHECKING:
    from bench_lipsync.models.syncnet.published.network import SyncNet


def load_syncnet_v2(path: Path, device: str = "cpu") -> SyncNet:
    """The published network with the weights of `path`, in eval mode.

    Raises `RefusedFileError` for a file that is no plain state dict of this network, above all for a pickle that
    would run code: it is read with `weights_only`, which never calls what a pickle names.
    """
    from bench_lipsync.models.syncnet.published.network import SyncNet

    try:
        state = read_torch(path)
    except BenchError as error:
        raise RefusedFileError(
            f"{path.name}: not read, because it is no plain state dict of tensors: {error}; "
            "`bench assets add syncnet_v2 FILE` takes the syncnet_v2.model of the authors (sha256 961e8696f888...)"
        ) from error
    network = SyncNet()
    try:
        network.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise RefusedFileError(f"{path.name}: tensors are not those of syncnet_v2: {reason}") from error
    return network.eval().requires_grad_(False).to(device)
