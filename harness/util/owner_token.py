"""File names that carry the host and process that made them, so that others can tell whether the owner still runs."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import uuid
from functools import lru_cache
from pathlib import Path

_OWNED = re.compile(r"([0-9a-f]{8})-([0-9]+)-[0-9a-f]{12}")


def owned_name() -> str:
    """A fresh name of this process, as `1f2e3d4c-4711-0123456789ab`: machine, process, random."""
    return f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def is_abandoned(name: str) -> bool:
    """Whether `name` holds an `owned_name` of a process of this machine that has ended.

    False for names of other machines and names without an owner, of which nothing is known.
    """
    match = _OWNED.search(name)
    return match is not None and match[1] == _machine() and not _lives(int(match[2]))


def is_alive(name: str) -> bool:
    """Whether `name` holds an `owned_name` of a process of this machine that still runs."""
    match = _OWNED.search(name)
    return match is not None and match[1] == _machine() and _lives(int(match[2]))


def _lives(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))


@lru_cache(maxsize=1)
def _machine() -> str:
    """Eight hex digits for the space of process numbers: the host since its start, and the container on it.

    Containers of one host can share its name and not its processes.
    """
    facts = [socket.gethostname()]
    for path, read in (
        (Path("/proc/sys/kernel/random/boot_id"), Path.read_text),
        (Path("/proc/self/ns/pid"), os.readlink),
    ):
        try:
            facts.append(str(read(path)).strip())
        except OSError:  # Not Linux.
            facts.append("")
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:8]
