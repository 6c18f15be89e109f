"""Memory and cores that this process may use: the machine's, or its container's where those are fewer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

_OWN_GROUPS = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")


class Memory(NamedTuple):
    """Bytes."""

    total: int
    available: int


def usable_memory() -> Memory:
    """Memory of the machine, or of the tightest control group (v1 or v2) around this process."""
    machine = psutil.virtual_memory()
    total, available = machine.total, machine.available
    for folder in _groups("memory"):
        limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
        if limit is not None and used is not None:
            # Cached files count as used, but the kernel gives them up before it refuses memory.
            total = min(total, limit)
            available = min(available, limit - used + _cached_files(folder))
    return Memory(total, max(0, min(total, available)))


def usable_cores() -> int:
    """Cores that this process may run on, by its affinity and by the CPU quota of its control groups; at least 1."""
    process = psutil.Process()
    cores = len(process.cpu_affinity() or ()) if hasattr(process, "cpu_affinity") else psutil.cpu_count()
    quotas = [quota for folder in _groups("cpu") if (quota := _cpu_quota(folder)) is not None]
    return max(1, min([cores or 1, *(math.ceil(quota) for quota in quotas)]))


def _groups(controller: str) -> Iterator[Path]:
    """Folders of this process's control groups that have `controller`, from its own group up: each one's limit holds.

    Inside a container the path in `/proc/self/cgroup` may be the host's, of which only the root is mounted.
    """
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:  # Not Linux.
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        root = _CGROUPS / controller if controllers else _CGROUPS  # v1 mounts each controller apart, v2 all as one.
        own = root / path.strip("/")
        yield from [folder for folder in (own, *own.parents) if folder == root or root in folder.parents]


def _cpu_quota(folder: Path) -> float | None:
    """Cores that the group may keep busy; `None` without a limit."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            )
        return float(quota) / float(period) if float(quota) > 0 else None  # v1 says -1 for no limit
    except (OSError, ValueError):  # v2 says "max" for no limit
        return None


def _cached_files(folder: Path) -> int:
    try:
        lines = [line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines()]
        stat = {name: int(count) for name, count in lines}
    except (OSError, ValueError):
        return 0
    return stat.get("total_inactive_file", stat.get("inactive_file", 0))


def _number(*files: Path) -> int | None:
    """The number in the first of `files` that holds one."""
    for file in files:
        try:
            return int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # v2 says "max" for no limit
            continue
    return None
