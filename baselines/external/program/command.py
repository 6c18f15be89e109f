"""Argument list and environment variables of a step of a description."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_lipsync.baselines.external.description import Description, Step, fill
from bench_lipsync.baselines.external.program.process import TOKEN
from bench_lipsync.baselines.external.program.repository import PRIVATE
from bench_lipsync.baselines.external.program.workspace import Workspace
from bench_lipsync.harness.errors import BenchError

PRELUDE = f"{PRIVATE}/prelude.py"
"""Where the prelude lies in a workspace, relative to it."""
_PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "XDG_CACHE_HOME"),
    *("CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES"),
    *("TORCH_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE"),
)
"""Variables that are passed on. Everything else stays here: a foreign program must not see keys and passwords."""


def step_argv(step: Step, values: Mapping[str, str], python: str) -> tuple[str, ...]:
    """The argument list of a step: placeholders replaced, and Python scripts started through the prelude."""
    words = [fill(word, {**values, "python": python}) for word in step.argv]
    if step.prelude and step.argv[0] == "{python}":
        first = 1
        while first < len(words) and words[first].startswith("-") and words[first] not in ("-m", "-c"):
            first += 1
        if first < len(words) and words[first] != "-c":
            words.insert(first, PRELUDE)
    return tuple(words)


def put_prelude(space: Workspace) -> None:
    """Copy the prelude into the workspace, which is all that a container sees."""
    shutil.copyfile(Path(__file__).with_name("prelude.py"), space.folder / PRELUDE)


def base_variables(token: str, temporary: Path) -> dict[str, str]:
    """The variables of every foreign process: few of our own, and `token`, which marks it."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return passed | {
        TOKEN: token,
        "TMPDIR": str(temporary),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def variables(
    description: Description, values: Mapping[str, str], space: Workspace, *, seed: int, device: str
) -> dict[str, str]:
    """The complete environment of a description's steps, before the backend adds its part.

    Args:
        description: The model.
        values: What placeholders in the description's variables stand for.
        space: The workspace in which the steps run.
        seed: For every random number generator.
        device: `cpu`, `cuda` or `cuda:N`.

    Raises:
        BenchError: Another kind of device, or a GPU that does not exist.
    """
    result = base_variables(space.token, space.temporary) | {
        "BENCH_SEED": str(seed),
        "BENCH_SHIMS": " ".join(description.shims),
        "PYTHONHASHSEED": str(seed % 2**32),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "TF_DETERMINISTIC_OPS": "1",
        "MPLBACKEND": "Agg",
    }
    result |= _visible_devices(device)
    return result | {name: fill(text, dict(values)) for name, text in description.variables.items()}


def _visible_devices(device: str) -> dict[str, str]:
    """The GPUs that the program sees: none for `cpu`, the requested one for `cuda:N`."""
    kind, _, index = device.partition(":")
    if kind == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    if kind != "cuda":
        raise BenchError(f"external programs run on cpu or cuda, not on {device!r}; choose with --device")
    if not index:
        return {}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices: Sequence[str] = visible.split(",") if visible else [str(number) for number in range(int(index) + 1)]
    if int(index) >= len(devices):
        raise BenchError(f"{device} is not there: CUDA_VISIBLE_DEVICES is {visible!r}")
    return {"CUDA_VISIBLE_DEVICES": devices[int(index)]}
