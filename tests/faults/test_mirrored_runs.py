"""Whole runs on machines that share nothing but object storage, which fails now and then."""

from __future__ import annotations

import random
import uuid

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from noise_runs import NoiseRuns, noise  # noqa: F401, a fixture
from results_digest import differences

from bench_lipsync.harness.store import object_storage as remote_files
from bench_lipsync.harness.store.object_storage import StorageAddressError
from bench_lipsync.harness.store.store import Store

pytestmark = pytest.mark.faults
SEED = 5


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(remote_files, "_LONGEST_WAIT", 0.001)
    return f"memory://{uuid.uuid4().hex}"


def _machine(noise: NoiseRuns, monkeypatch: pytest.MonkeyPatch, name: str, storage: str) -> None:  # noqa: F811
    monkeypatch.setenv("BENCH_CACHE", str(noise.root / name))
    monkeypatch.setenv("BENCH_STORE", storage)


def _unsteady(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Let a share of all transfers fail."""
    chance = random.Random(SEED)
    for method in ("put_file", "get_file", "info"):
        real = getattr(MemoryFileSystem, method)

        def call(self, *args, real=real, **more):
            if chance.random() < share:
                raise ConnectionError("reset by peer")
            return real(self, *args, **more)

        monkeypatch.setattr(MemoryFileSystem, method, call)


def test_the_second_machine_makes_nothing(
    noise: NoiseRuns,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    storage: str,
) -> None:
    whole = noise.run("whole")
    _unsteady(monkeypatch, 0.1)
    _machine(noise, monkeypatch, "one", storage)
    one = noise.run("one")

    def never(*_: object) -> None:
        raise AssertionError("made again although the storage has it")

    _machine(noise, monkeypatch, "two", storage)
    monkeypatch.setattr("bench_lipsync.harness.store.store.seal", never)
    two = noise.run("two")
    assert differences(whole.folder, one.folder) == differences(whole.folder, two.folder) == []
    assert not any(noise.root.glob("*/mirror/*/tmp/*"))


def test_a_run_whose_storage_goes_away_goes_on_when_it_is_back(
    noise: NoiseRuns,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    storage: str,
) -> None:
    whole = noise.run("whole")
    _machine(noise, monkeypatch, "one", storage)
    made = Store._publish
    left = [4]

    def publish(self: Store, *args: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            _unsteady(away, 1.0)
        made(self, *args)

    with monkeypatch.context() as away:
        away.setattr(Store, "_publish", publish)
        with pytest.raises(StorageAddressError, match="same command goes on"):
            noise.run("run")
    kept = set(noise.root.glob("one/mirror/*/*/??/*"))
    assert len(kept) == 3
    assert differences(whole.folder, noise.run("run").folder) == []
    assert kept <= set(noise.root.glob("one/mirror/*/*/??/*"))
