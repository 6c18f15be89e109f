"""Leases of running runs: while a lease is renewed, garbage collection keeps every entry used since it began.

A lease is a small file in `leases/` that a thread touches every minute. Its name holds the machine and process of its
run (`harness.util.owner_token`); a lease of another machine has expired when it was not touched for ten minutes.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench_lipsync.harness.util.owner_token import is_abandoned, is_alive, owned_name

LEASES = "leases"
"""The folder of leases in a store."""
RENEW = 60.0
"""Seconds between two touches."""
EXPIRED = 600.0
"""Seconds without a touch after which a lease of another machine has ended."""


@contextlib.contextmanager
def lease(root: Path) -> Iterator[None]:
    """Hold a lease on the store at `root`; a read-only store needs none and gets none."""
    path, began = root / LEASES / owned_name(), time.time()  # The file's time stamp is that of the last renewal.
    if not _write(path, began):
        yield
        return
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(path, began, done), name="lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        with contextlib.suppress(OSError):
            path.unlink()


def oldest_lease(root: Path) -> float | None:
    """When the longest-running run began, in seconds since 1970; `None` without any. Removes expired leases."""
    began = [_began(path) for path in sorted((root / LEASES).glob("*"))]
    return min((at for at in began if at is not None), default=None)


def _began(path: Path) -> float | None:
    try:
        idle = time.time() - path.stat().st_mtime
        if is_abandoned(path.name) or (idle > EXPIRED and not is_alive(path.name)):
            path.unlink()
            return None
        return float(path.read_text(encoding="ascii"))
    except ValueError:  # Just being written, by a run that begins now.
        return path.stat().st_mtime
    except OSError:  # It ended meanwhile.
        return None


def _write(path: Path, began: float) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(repr(began), encoding="ascii")
    except OSError:
        return False
    return True


def _renew(path: Path, began: float, done: threading.Event) -> None:
    while not done.wait(RENEW):
        try:
            os.utime(path)
        except OSError:  # The disk may be away for a while; the next minute tries again.
            _write(path, began)
