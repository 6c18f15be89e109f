"""`--limit` takes the same clips in every command that has it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from command_tree import commands
from dataset_footage import touch, write_hdtf_metadata
from typer.testing import CliRunner

from bench_lipsync.harness.cli import app, register
from bench_lipsync.harness.run.selection import select

LIMIT = 2
NAMES = ("a", "b", "c", "d", "e", "f")
NETWORKS = ("stylelipsync", "stylegan2", "syncnet", "wav2lip")
FOLDER = "--dataset folder --data-root clips"
WORDS = {
    "run": f"-m static {FOLDER}",
    "score": f"videos {FOLDER}",
    "ablate": f"--model stylelipsync {FOLDER}",
    "data list": "folder --data-root clips --json --no-seconds",
    "data verify": "folder --data-root clips --json",
    "data prepare": "hdtf --data-root videos --metadata metadata --out out --dry-run --json",
    **{
        f"train {name}": f"{FOLDER} --split all --out out"
        for name in ("stylelipsync", "stylegan2", "syncnet", "wav2lip")
    },
}


class TakenError(Exception):
    """Ends a command once it has its clips."""


def first(ids: list[str]) -> list[str]:
    return sorted(sorted(ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:LIMIT])


def limited_commands() -> list[str]:
    return [name for name, command in commands().items() if any("--limit" in option.opts for option in command.params)]


def test_every_command_with_a_limit_is_tested() -> None:
    assert set(limited_commands()) == set(WORDS)


@pytest.mark.parametrize("name", WORDS)
def test_the_same_clips(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for clip in NAMES:
        touch(tmp_path / f"clips/{clip}.mp4")
        touch(tmp_path / f"videos/{clip}.mp4")
    write_hdtf_metadata(tmp_path / "metadata")
    taken: list[str] = []

    def execute(spec: Any, *_: object, **__: object) -> None:
        taken.extend(clip.id for clip in select(spec).clips.clips)
        raise TakenError

    def prepare_all(clips: Any, *_: object) -> None:
        taken.extend(clip.id for clip in clips)
        raise TakenError

    # First the importer: what is imported later would keep the replacement.
    monkeypatch.setattr("bench_lipsync.harness.ablation.run.execute", execute)
    monkeypatch.setattr("bench_lipsync.harness.run.pipeline.execute", execute)
    monkeypatch.setattr("bench_lipsync.harness.stages.stages.prepare_all", prepare_all)
    ended = invoke(f"{name} {WORDS[name]} --limit {LIMIT}")
    if not isinstance(ended.exception, TakenError):
        answer = json.loads(ended.stdout)
        taken.extend(row["id"] for row in (answer["clips"] if isinstance(answer, dict) else answer))
    everything = list(NAMES)
    if name == "data prepare":
        rows = json.loads(invoke(f"{name} {WORDS[name]}").stdout)
        everything = [row["id"] for row in rows if row["status"] in ("planned", "video_missing")]
    assert sorted(taken) == first(everything)


def invoke(line: str) -> Any:
    if not app.registered_commands:
        register()
    return CliRunner().invoke(app, line.split())
