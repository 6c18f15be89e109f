"""What a run changes in the process that carries it out, put back when the run ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from bench_lipsync.harness.compute.resources import usable_cores
from bench_lipsync.harness.compute.threads import settle_threads

_LIBRARY_DEFAULTS = {
    # MediaPipe's native log lines would tear the progress bars.
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # Threads that wait by spinning bring everything to a halt where other processes want the same cores.
    "OMP_WAIT_POLICY": "PASSIVE",
}
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD")


class _Threads(NamedTuple):
    """Numbers of threads of the libraries that are loaded; `None` for the others."""

    pools: dict[str, int]
    """Of BLAS and OpenMP, by file of the library."""
    torch: int | None
    cv2: int | None


def set_library_defaults() -> None:
    """Set the environment variables that libraries read when they are loaded, where the user did not.

    Must come before native libraries are loaded.
    """
    for name, value in _LIBRARY_DEFAULTS.items():
        os.environ.setdefault(name, value)


@contextmanager
def run_settings() -> Iterator[None]:
    """Give this process a run's environment and number of threads; afterwards put back what was there.

    Put back are `os.environ`, the numbers of threads of NumPy, PyTorch and OpenCV, and, in the main thread, signal
    handlers that were set from Python. A library that was first loaded inside gets the number of threads that the
    environment outside asks for, else one per core.

    Raises:
        BenchError: `BENCH_THREADS` is not a number of threads.

    """
    environment, threads, handlers = dict(os.environ), _thread_numbers(), _signal_handlers()
    try:
        set_library_defaults()
        settle_threads()
        yield
    finally:
        _restore_environment(environment)
        _restore_threads(threads)
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if handler is not None and signal.getsignal(number) is not handler:
                    signal.signal(number, handler)


def _signal_handlers() -> dict[int, Any]:
    """Handlers by number; `None` for one that was not set from Python, which Python cannot set again."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    return {number: signal.getsignal(number) for number in numbers}


def _restore_environment(environment: dict[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _thread_numbers() -> _Threads:
    torch, cv2 = sys.modules.get("torch"), sys.modules.get("cv2")
    return _Threads(
        pools={library.filepath: library.num_threads for library in _pools()},
        torch=torch.get_num_threads() if torch else None,
        cv2=cv2.getNumThreads() if cv2 else None,
    )


def _restore_threads(before: _Threads) -> None:
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    default = int(wanted) if wanted.isdecimal() and int(wanted) else usable_cores()
    for library in _pools():
        library.set_num_threads(before.pools.get(library.filepath, default))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(before.torch or default)
    if cv2 := sys.modules.get("cv2"):
        cv2.setNumThreads(-1 if before.cv2 is None else before.cv2)  # -1 is OpenCV's own default.


def _pools() -> list[Any]:
    """Controllers of the loaded BLAS and OpenMP libraries."""
    if "numpy" not in sys.modules:
        return []
    import threadpoolctl

    return list(threadpoolctl.ThreadpoolController().lib_controllers)
