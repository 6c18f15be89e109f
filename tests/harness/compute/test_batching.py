"""Batches: fixed on a CPU, whole chunks on an accelerator, halved where memory runs out, and never a wrong order."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipAccumulator, ClipScore
from bench_lipsync.harness.compute.batching import (
    AUTO,
    CPU_BATCH,
    DEVICE_BATCH,
    Batches,
    NotEnoughMemoryError,
    model_batch_size,
    out_of_memory,
    parse_batch_size,
)
from bench_lipsync.harness.errors import BenchError, Status
from bench_lipsync.harness.media import LosslessWriter
from bench_lipsync.harness.scoring.score import score_clip
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.harness.store.store import Store
from bench_lipsync.metrics.image.psnr import INFO


class Machine:
    """Memory for so many items at once."""

    def __init__(self, room: int, error: type[BaseException] = torch.cuda.OutOfMemoryError) -> None:
        self.room = room
        self.tried: list[int] = []
        self._error = error

    def __call__(self, first: int, end: int) -> list[int]:
        self.tried.append(end - first)
        if end - first > self.room:
            raise self._error("CUDA out of memory. Tried to allocate 2 GiB")
        return list(range(first, end))


def test_sizes_by_device() -> None:
    assert Batches("cpu").size == CPU_BATCH
    assert Batches("cuda:1").size == DEVICE_BATCH
    machine = Machine(100)
    assert list(chain(*Batches("cpu", cpu=4).run(machine, 10))) == list(range(10))
    assert machine.tried == [4, 4, 2]
    assert Batches("cpu").run(machine, 0) == []


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, MemoryError, RuntimeError])
def test_halves_until_it_fits_and_remembers(error: type[BaseException]) -> None:
    machine = Machine(5, error)
    batches = Batches("cpu", cpu=32)
    assert list(chain(*batches.run(machine, 40))) == list(range(40))
    assert machine.tried[:4] == [32, 16, 8, 4] and set(machine.tried[4:]) == {4}
    machine.tried.clear()
    batches.run(machine, 9)
    assert machine.tried == [4, 4, 1]


def test_one_that_does_not_fit_is_an_error_with_a_way_out() -> None:
    with pytest.raises(NotEnoughMemoryError, match=r"memory of cpu does not hold one .*--device cpu") as caught:
        Batches("cpu").run(Machine(0), 3)
    assert caught.value.status is Status.METRIC_FAILED


def test_other_errors_pass() -> None:
    def broken(first: int, end: int) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches("cpu").run(broken, 3)


def test_the_allocators_own_errors_are_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert out_of_memory(caught.value)
    with pytest.raises(MemoryError) as short:
        np.empty(1 << 50)
    assert out_of_memory(short.value)


def test_a_shortage_is_told_and_not_remembered(tmp_path: Path) -> None:
    class Hungry:
        metrics = (INFO,)
        describe = staticmethod(lambda: (INFO,))
        room = 0

        def open(self, clip: PreparedClip) -> ClipAccumulator:
            return self  # type: ignore[return-value]

        def update(self, output: np.ndarray, truth: np.ndarray) -> None:
            Batches("cpu").run(Machine(self.room), len(output))

        def compute(self, audio: np.ndarray) -> ClipScore:
            return ClipScore(values={INFO.column: 30.0})

        def pool(self, output: object, truth: object) -> dict[str, float]:
            return {}

    with LosslessWriter(tmp_path / "video.mkv", 64, 64) as writer:
        writer.write(np.zeros((3, 64, 64, 3), np.uint8))
    clip = PreparedClip("a", "b", tmp_path, {"frames": 3, "size": 64, "content_hash": "c"})
    hungry = Hungry()
    loaded = [LoadedScorer("hungry", hungry, (INFO,))]
    store = Store(tmp_path / "store")

    def scored() -> object:
        return score_clip(loaded, clip, Generated(clip.video_path, "h"), np.zeros(0, np.int16), store)

    failures = scored().failures  # type: ignore[attr-defined]
    assert [failure.status for failure in failures] == [Status.METRIC_FAILED]
    assert "does not hold one" in failures[0].reason
    hungry.room = 8
    assert scored().values == {INFO.column: 30.0}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("text", "size"), [("auto", AUTO), (" AUTO ", AUTO), ("1", 1), ("32", 32)])
def test_what_is_understood(text: str, size: int) -> None:
    assert parse_batch_size(text) == size


@pytest.mark.parametrize("text", ["0", "-4", "many", "", "2.5"])
def test_what_is_not(text: str) -> None:
    with pytest.raises(BenchError, match="1 or more, or auto"):
        parse_batch_size(text)


@pytest.mark.parametrize(
    ("gib", "frames"), [(2, 8), (6, 8), (8, 16), (15.8, 16), (24, 32), (40, 64), (80, 64), (141, 64)]
)
def test_a_device_with_more_memory_begins_with_more(monkeypatch: pytest.MonkeyPatch, gib: float, frames: int) -> None:
    about = SimpleNamespace(total_memory=int(gib * (1 << 30)))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: about)
    assert model_batch_size("cuda:1") == frames


def test_a_cpu_always_begins_with_the_same() -> None:
    assert model_batch_size("cpu") == CPU_BATCH == 8
