"""`--batch-size`: what it may be, what `auto` begins with, and what stays after a shortage."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from bench_lipsync.harness.compute.batch_size import AUTO, CPU_FRAMES, BatchSizes, first_size, parse_batch_size
from bench_lipsync.harness.errors import BenchError


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
    assert first_size("cuda:1") == frames


def test_a_cpu_always_begins_with_the_same() -> None:
    assert first_size("cpu") == CPU_FRAMES == 8


def test_a_shortage_halves_and_stays_for_that_model_and_size_alone() -> None:
    sizes = BatchSizes()
    assert sizes.size(AUTO, "a", "cpu", 256) == 8
    assert sizes.shrink(8, "a", "cpu", 256) == 4
    assert sizes.size(AUTO, "a", "cpu", 256) == 4
    assert sizes.size(2, "a", "cpu", 256) == 2, "no more than was asked for"
    assert sizes.size(AUTO, "a", "cpu", 128) == sizes.size(AUTO, "b", "cpu", 256) == 8


def test_one_frame_that_does_not_fit_is_not_remembered() -> None:
    sizes = BatchSizes()
    assert sizes.shrink(2, "a", "cpu", 256) == 1
    assert sizes.shrink(1, "a", "cpu", 256) == 0
    assert sizes.size(AUTO, "a", "cpu", 256) == 8
