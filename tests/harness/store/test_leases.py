"""Leases of running runs: what they protect, and when they end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench_lipsync.harness.store import leases
from bench_lipsync.harness.store.leases import EXPIRED, LEASES, oldest_lease
from bench_lipsync.harness.store.maintenance import entries, make_room
from bench_lipsync.harness.store.store import KEY_FILE, Store
from bench_lipsync.harness.util import owner_token as owner

HOUR = 3600.0
KILLED = """
import os, pathlib, sys
from bench_lipsync.harness.store.store import Store
with Store(pathlib.Path(sys.argv[1])).lease():
    os._exit(9)
"""
KILLED_IN_THE_MIDDLE = """
import os, pathlib, sys
from bench_lipsync.harness.store.store import Store
Store(pathlib.Path(sys.argv[1])).make("stage", {}, lambda folder: os._exit(9))
"""


def _used(store: Store, number: int, ago: float) -> None:
    made = store.make("stage", {"number": number}, lambda folder: (folder / "data").write_bytes(bytes(100)))
    os.utime(made.path / KEY_FILE, (time.time() - ago,) * 2)


def _began(root: Path, ago: float) -> None:
    """Let the only lease there is have begun earlier."""
    (only,) = (root / LEASES).iterdir()
    only.write_text(repr(time.time() - ago))


def test_a_lease_lasts_as_long_as_its_block(tmp_path: Path) -> None:
    store, before = Store(tmp_path), time.time()
    assert oldest_lease(tmp_path) is None
    with store.lease():
        first = oldest_lease(tmp_path)
        with store.lease():
            assert oldest_lease(tmp_path) == first
    assert first is not None and before <= first <= time.time()
    assert oldest_lease(tmp_path) is None and not list((tmp_path / LEASES).iterdir())
    assert not any(thread.name == "lease" for thread in threading.enumerate())


def test_at_its_end_a_run_sweeps_after_its_workers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.lease():
        command = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(tmp_path)]
        assert subprocess.run(command, check=False).returncode == 9  # noqa: S603, our own
        assert len(list((tmp_path / "tmp").iterdir())) == 1
    assert not list((tmp_path / "tmp").iterdir())


def test_what_was_used_since_the_oldest_run_began_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number, hours in enumerate((2, 30, 60)):
        _used(store, number, hours * HOUR)
    with store.lease():
        _began(tmp_path, 48 * HOUR)
        gone = make_room(store, max_bytes=0, max_age=0)
        assert len(gone.entries) == 1 and len(list(entries(store))) == 2
    assert len(make_room(store, max_bytes=0).entries) == 2


def test_an_entry_that_is_used_while_room_is_made_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    _used(store, 0, 10 * HOUR)
    real = Store.remove

    def late(self: Store, entry: Path, **how: object) -> bool:
        assert self.find("stage", {"number": 0})
        return real(self, entry, **how)

    monkeypatch.setattr(Store, "remove", late)
    assert make_room(store, max_age=HOUR).entries == ()
    assert store.find("stage", {"number": 0})


def test_the_lease_of_a_killed_run_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 9  # noqa: S603, our own
    assert len(list((tmp_path / LEASES).iterdir())) == 1
    Store(tmp_path).sweep()
    assert oldest_lease(tmp_path) is None and not list((tmp_path / LEASES).iterdir())


def test_the_lease_of_another_machine_ends_when_nobody_renews_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path).lease():
        monkeypatch.setattr(owner, "_machine", lambda: "00000000")
        assert oldest_lease(tmp_path) is not None
        (path,) = (tmp_path / LEASES).iterdir()
        os.utime(path, (time.time() - EXPIRED - 5,) * 2)
        assert oldest_lease(tmp_path) is None and not path.exists()


def test_a_lease_is_renewed_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW", 0.02)
    with Store(tmp_path).lease():
        began = oldest_lease(tmp_path)
        (path,) = (tmp_path / LEASES).iterdir()
        os.utime(path, (0, 0))
        assert _soon(lambda: path.stat().st_mtime > 0)
        path.unlink()
        assert _soon(path.exists) and oldest_lease(tmp_path) == began


def test_a_store_that_may_only_be_read_needs_no_lease(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Store(tmp_path / "file" / "store").lease():
        pass


def _soon(ask) -> bool:
    for _ in range(200):
        if ask():
            return True
        time.sleep(0.02)
    return False
