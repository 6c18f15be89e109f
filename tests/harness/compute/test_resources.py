"""Memory and cores of the machine and of control groups, v1 and v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench_lipsync.harness.compute import resources
from bench_lipsync.harness.compute.resources import Memory, usable_cores, usable_memory
from bench_lipsync.harness.doctor.machine import machine
from bench_lipsync.harness.run.executors import factory

GB = 10**9
Groups = Callable[[str, Mapping[str, str]], None]


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    """Writes control group files for a process on a machine with 64 GB (48 free) and 8 cores."""
    memory = SimpleNamespace(total=64 * GB, available=48 * GB)
    monkeypatch.setattr(resources.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(resources.psutil.Process, "cpu_affinity", lambda self: list(range(8)))
    monkeypatch.setattr(resources, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(resources, "_CGROUPS", tmp_path / "cgroup")

    def write(own: str, files: Mapping[str, str]) -> None:
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_a_machine_without_groups(groups: Groups) -> None:
    assert usable_memory() == Memory(64 * GB, 48 * GB)
    assert usable_cores() == 8


def test_version_2_in_a_container(groups: Groups) -> None:
    stat = f"anon 5\ninactive_file {GB}\n"
    files = {
        "memory.max": f"{16 * GB}\n",
        "memory.current": f"{10 * GB}\n",
        "memory.stat": stat,
        "cpu.max": "250000 100000\n",
    }
    groups("0::/\n", files)
    assert usable_memory() == Memory(16 * GB, 7 * GB)
    assert usable_cores() == 3


def test_version_2_without_limits(groups: Groups) -> None:
    groups("0::/\n", {"memory.max": "max\n", "memory.current": "5\n", "cpu.max": "max 100000\n"})
    assert usable_memory() == Memory(64 * GB, 48 * GB)
    assert usable_cores() == 8


def test_the_limit_of_a_group_further_up_holds(groups: Groups) -> None:
    files = {
        "job/step/memory.max": "max",
        "job/step/memory.current": "1",
        "job/memory.max": f"{8 * GB}",
        "job/memory.current": f"{2 * GB}",
        "job/step/cpu.max": "max 100000",
        "job/cpu.max": "400000 100000",
    }
    groups("0::/job/step\n", files)
    assert usable_memory() == Memory(8 * GB, 6 * GB)
    assert usable_cores() == 4


def test_version_1(groups: Groups) -> None:
    files = {
        "memory/docker/a1/memory.limit_in_bytes": f"{4 * GB}",
        "memory/docker/a1/memory.usage_in_bytes": f"{3 * GB}",
        "memory/docker/a1/memory.stat": f"inactive_file 1\ntotal_inactive_file {2 * GB}\n",
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "memory/memory.usage_in_bytes": f"{30 * GB}",
        "cpu/docker/a1/cpu.cfs_quota_us": "150000",
        "cpu/docker/a1/cpu.cfs_period_us": "100000",
        "cpu/cpu.cfs_quota_us": "-1",
        "cpu/cpu.cfs_period_us": "100000",
    }
    groups("5:memory:/docker/a1\n3:cpu,cpuacct:/docker/a1\n1:name=systemd:/docker/a1\n0::/docker/a1\n", files)
    assert usable_memory() == Memory(4 * GB, 3 * GB)
    assert usable_cores() == 2


def test_version_1_in_a_container_that_sees_the_path_of_the_host(groups: Groups) -> None:
    files = {"memory/memory.limit_in_bytes": f"{4 * GB}", "memory/memory.usage_in_bytes": f"{1 * GB}"}
    groups("5:memory:/docker/a1\n", files)
    assert usable_memory() == Memory(4 * GB, 3 * GB)


def test_a_group_beyond_its_limit_has_nothing_left(groups: Groups) -> None:
    groups("0::/\n", {"memory.max": "1000", "memory.current": "2000", "cpu.max": "10 100000"})
    assert usable_memory() == Memory(1000, 0)
    assert usable_cores() == 1


def test_doctor_and_automatic_workers_agree(groups: Groups) -> None:
    groups("0::/\n", {"memory.max": f"{10 * GB}", "memory.current": f"{3 * GB}", "cpu.max": "600000 100000"})
    assert factory.workers_here("cpu") == 7 * GB // factory.WORKER_BYTES
    details = {finding.name: finding.detail for finding in machine()}
    assert details["memory"] == "7.0 of 10.0 GB free"
    assert details["cores"].startswith("6 usable of ")
