"""A run leaves the environment, the threads and the signal handlers of its process as they were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import cv2
import pytest
import threadpoolctl
import torch

from bench_lipsync.harness.compute.process_state import run_settings
from bench_lipsync.harness.errors import BenchError

QUIET = "GLOG_minloglevel"


def numbers() -> dict[str, int]:
    pools = {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    return {**pools, "torch": torch.get_num_threads(), "cv2": cv2.getNumThreads()}


@pytest.fixture(autouse=True)
def three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    with threadpoolctl.threadpool_limits(3):
        torch.set_num_threads(3)
        cv2.setNumThreads(3)
        yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize("error", [None, RuntimeError("stop"), KeyboardInterrupt()])
def test_everything_is_put_back(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv(QUIET, raising=False)
    environment, before = dict(os.environ), numbers()
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert set(before.values()) == {3}
    try:
        with run_settings():
            assert set(numbers().values()) == {1}
            assert os.environ["OMP_NUM_THREADS"] == "1" and os.environ[QUIET] == "2"
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if error:
                raise error
    except BaseException as caught:
        assert caught is error
    assert dict(os.environ) == environment
    assert numbers() == before
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


def test_what_the_user_set_is_kept_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(QUIET, "0")
    with run_settings():
        assert os.environ[QUIET] == "0"


def test_a_wrong_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_THREADS", "many")
    environment, before = dict(os.environ), numbers()
    with pytest.raises(BenchError, match="BENCH_THREADS=many"), run_settings():
        pass
    assert dict(os.environ) == environment and numbers() == before


def test_other_threads_than_the_main_one_may_use_it() -> None:
    errors: list[BaseException] = []

    def use() -> None:
        try:
            with run_settings():
                pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not errors


def test_libraries_loaded_inside_get_the_threads_of_the_environment() -> None:
    code = (
        "from bench_lipsync.harness.compute.process_state import run_settings\n"
        "with run_settings():\n"
        "    import torch\n"
        "    assert torch.get_num_threads() == 1\n"
        "print(torch.get_num_threads())\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "2"
