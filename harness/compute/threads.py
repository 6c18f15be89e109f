"""One number of threads in every process that computes, so that results have the same bits however many there are.

oneDNN's convolutions and OpenBLAS's products choose their blocking by the number of threads, and sums in another order
round otherwise: with 2 threads instead of 1, 2 in 100,000 bytes of StyleLipSync's frames differ by one. One thread a
process also takes the least processor time a clip; more cores are used by more workers.
"""

from __future__ import annotations

import os
import sys

from bench_lipsync.harness.errors import BenchError

VARIABLE = "BENCH_THREADS"
"""Overrules the number, for whoever prefers a fast single process to bits that compare with other machines'."""
_LIBRARIES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


def thread_count() -> int:
    """Threads of each process: 1, or what `BENCH_THREADS` says. Raises `BenchError` for anything but a number."""
    text = os.environ.get(VARIABLE, "1")
    if not text.isdecimal() or int(text) < 1:
        raise BenchError(f"{VARIABLE}={text} is not a number of threads; set 1 or more, or unset it")
    return int(text)


def settle_threads() -> int:
    """Give this process, and those that it starts, the run's number of threads; returns it.

    Works before libraries are loaded, by their environment variables, and after it. `torch.set_num_threads` alone would
    leave out NumPy's library, and OpenMP keeps its number by thread, so that only the environment reaches new threads.
    """
    count = thread_count()
    for name in _LIBRARIES:
        os.environ[name] = str(count)
    if "numpy" in sys.modules:
        import threadpoolctl

        threadpoolctl.threadpool_limits(count)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
    if "cv2" in sys.modules:
        import cv2

        cv2.setNumThreads(count)
    return count
