"""Training runs as processes: killed and started again, and two at once."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench_lipsync.models.stylelipsync.training.batches import draw
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings

SCRIPT = Path(__file__).parents[3] / "support/train_tiny.py"
ROOT = Path(__file__).resolve().parents[3]


def start(out: Path, env: dict[str, str] | None = None, **changes: object) -> subprocess.Popen[bytes]:
    given = {**os.environ, "OMP_NUM_THREADS": "1", **(env or {})}
    command = [sys.executable, str(SCRIPT), str(out), json.dumps(changes)]
    return subprocess.Popen(command, env=given, stderr=subprocess.PIPE)  # noqa: S603 - our own script


def finish(*processes: subprocess.Popen[bytes]) -> None:
    try:
        for process in processes:
            _, errors = process.communicate(timeout=500)
            assert process.returncode == 0, errors.decode()[-2000:]
    finally:
        for process in processes:
            process.kill()


def curve(out: Path) -> list[dict[str, str]]:
    """The rows of the log without their times."""
    with (out / "log.csv").open(encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def weights(out: Path) -> dict[str, torch.Tensor]:
    state = torch.load(out / "state.pt", weights_only=True)
    return {f"{part}.{key}": value for part in ("net", "ema") for key, value in state[part].items()}


def test_a_killed_run_goes_on_to_the_same_curve_and_weights(tmp_path: Path) -> None:
    straight = start(tmp_path / "straight", accumulate=2)
    killed = start(tmp_path / "killed", accumulate=2)
    saved = tmp_path / "killed" / "log.csv"
    until = time.monotonic() + 400
    while not saved.is_file() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    done = torch.load(tmp_path / "killed" / "state.pt", weights_only=True)["done"]
    assert 10 <= done < 60
    finish(straight, start(tmp_path / "killed", accumulate=2))
    assert curve(tmp_path / "killed") == curve(tmp_path / "straight")
    assert [row["step"] for row in curve(tmp_path / "killed")] == ["20", "40", "60"]
    expected = weights(tmp_path / "straight")
    assert all(torch.equal(value, expected[key]) for key, value in weights(tmp_path / "killed").items())


def test_two_processes_do_what_one_does_with_two_batches(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [start(tmp_path / "two", {**shared, "RANK": str(rank)}, steps=20) for rank in range(2)]
    alone = start(tmp_path / "one", steps=20, accumulate=2)
    finish(*both, alone)
    for name, value in curve(tmp_path / "one")[0].items():
        assert float(curve(tmp_path / "two")[0][name]) == pytest.approx(float(value), rel=1e-4), name
    expected = weights(tmp_path / "one")
    for key, value in weights(tmp_path / "two").items():
        if "running_" in key or "num_batches" in key:
            continue  # Batch norm's averages are those of the first process's samples, of half as many batches.
        torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-5)


def test_shards_are_parts_of_one_large_batch(settings: TrainSettings, data: TrainingData) -> None:
    whole = draw(data, settings.model_copy(update={"batch": 4}), 7)
    parts = [draw(data, settings, 7, shard) for shard in range(2)]
    for name, value in whole._asdict().items():
        assert torch.equal(value, torch.cat([getattr(part, name) for part in parts])), name
    assert not torch.equal(draw(data, settings, 8).frames, parts[0].frames)
