"""Processes of one training run: alone there is nothing to meet, and every process has a GPU of its own."""

from __future__ import annotations

import pytest

from bench_lipsync.models.training.distributed import Ranks, first_alone, join, own_device


def test_without_torchrun_a_process_is_alone_and_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = join()
    assert ranks == Ranks(0, 1)
    assert ranks.first
    with first_alone(ranks):
        pass


def test_a_gpu_for_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert own_device("cuda") == "cuda:3"
    assert own_device("cuda:1") == "cuda:1"
    assert own_device("cpu") == "cpu"
    monkeypatch.delenv("LOCAL_RANK")
    assert own_device("cuda") == "cuda"
