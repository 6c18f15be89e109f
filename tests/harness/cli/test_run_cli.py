from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "from bench_lipsync.harness.cli import main; main()"


def _bench(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)  # noqa: S603


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--dataset", "demo"], "--model"),
        (["run", "--model", "static"], "--dataset"),
        (["run", "--model", "static", "--dataset", "hdft"], "did you mean hdtf?"),
        (["run", "--model", "sttaic", "--dataset", "demo"], "did you mean static?"),
        (["run", "--model", "static", "--dataset", "demo", "--metrics", "LPIP"], "did you mean LPIPS?"),
        (["run", "--model", "static", "--dataset", "folder", "--data-root", "nowhere"], "nowhere"),
        (["run", "--model", "static", "--dataset", "folder"], "--data-root"),
        (["run", "--model", "static", "--dataset", "demo", "--device", "cuda:99"], "cuda:99"),
        (["run", "--config", "absent.yaml"], "absent.yaml"),
        (["run", "--model", "static@box", "--dataset", "demo", "--metrics", "PSNR"], "static has no variants"),
        (["run", "--model", "stylelipsync@blue", "--dataset", "demo", "--metrics", "PSNR"], "no switch blue"),
        (["run", "--model", "static", "--dataset", "demo", "--mode", "tuned"], "no mode is called tuned"),
        (["run", "--model", "static", "--dataset", "demo", "--no-reg"], "needs --mode adapted"),
        (["adapt", "--video", "nowhere.mp4", "--out", "me.safetensors"], "nowhere.mp4"),
        (["adapt", "--video", "nowhere.mp4", "--out", "me.pth"], ".safetensors"),
        (["adapt", "--video", "nowhere.mp4", "--out", "me.safetensors", "--model", "static"], "cannot be adapted"),
        (["score", "nowhere", "--dataset", "demo"], "needs a folder of videos"),
        (["score", "nowhere"], "--dataset"),
        (["report", "nowhere"], "nowhere"),
        (["list", "colours"], "colours"),
    ],
)
def test_wrong_use_is_explained_and_ends_with_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = _bench(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists(), "a mistake leaves no folder behind"


def test_lists_are_readable_by_programs() -> None:
    done = _bench("list", "models", "--json")
    assert done.returncode == 0
    assert {"stylelipsync", "ground-truth", "static", "shuffled-audio"} <= set(json.loads(done.stdout))
    lines = _bench("list", "metrics").stdout.splitlines()
    assert lines[-2:] == ["Sync-C = LSE-C", "Sync-D = LSE-D"] and "Sync-C" not in lines


@pytest.mark.parametrize("command", ["run", "score", "report", "table", "train", "adapt", "data", "assets", "list"])
def test_every_command_explains_itself(command: str) -> None:
    done = _bench(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert "Example" in done.stdout
