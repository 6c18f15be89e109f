"""No command writes over what it reads, or over a run's own files: every option that names an output is tried."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_tree import commands
from make_runs import make_folder

from bench_lipsync.harness.cli import main
from bench_lipsync.harness.util.output_marker import mark_output

TRAINERS = ("stylelipsync", "stylegan2", "syncnet", "wav2lip")
LINES = """
run -m static -d folder --data-root data --out data
run -m static -d demo --out work
merge part --out part
score data -d demo --out data
score pred -d folder --data-root data --out data
score -d folder --data-root data --inputs data
ablate -m stylelipsync -d folder --data-root data --out data
report RUN --out RUN/run.json
report RUN --out RUN/clips.parquet
table RUN -f json --out RUN/run.json
table RUN --out RUN/report.html
export RUN --out RUN/clips.parquet
export RUN -f tensorboard --out RUN
study make RUN --out RUN
study score answer.json --key key.json --out answer.json
study score answer.json --key key.json --out key.json
compare base.yaml RUN --junit base.yaml
compare base.yaml RUN --junit RUN/run.json
compare base.yaml RUN --gate gate.yaml --junit gate.yaml
compare base.yaml RUN --markdown base.yaml
compare base.yaml RUN --junit new.txt --markdown new.txt
baseline save RUN --out RUN/run.json
generate --video a.mp4 --audio b.mp4 --force --out a.mp4
generate --video a.mp4 --audio b.mp4 --force --out b.mp4
generate --video a.mp4 --audio b.mp4 --adapt-on c.mp4 --force --out c.mp4
adapt --video a.mp4 --model stylelipsync:w.safetensors --out w.safetensors
convert stylegan2 w.safetensors --out w.safetensors
""".strip().splitlines()
LINES += [f"train {name} -d folder --data-root data --out data" for name in TRAINERS]
LINES += [f"train {name} -d demo --out RUN" for name in TRAINERS]
"""The last option of each names the output."""
NEVER_OVER_INPUT = {"data prepare --out": "clips have other names than the videos that they are cut from"}


def output_options() -> Iterator[str]:
    """`COMMAND --option` for every option that names something to write."""
    for words, command in commands().items():
        for parameter in command.params:
            # How Typer describes the type depends on whether it has Click below it.
            described = str(getattr(parameter, "type", None) or parameter.type_descriptor).lower()
            text = getattr(parameter, "help", None) or ""
            is_path = parameter.param_type_name == "option" and "path" in described
            if is_path and (parameter.name == "out" or text.startswith("Write")):
                yield f"{words} {parameter.opts[0]}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "RUN")
    mark_output(tmp_path / "RUN", "run", "abc")
    mark_output(tmp_path / "work", "training")
    for name in ("data/a.mp4", "pred/a.mp4", "a.mp4", "b.mp4", "c.mp4", "w.safetensors", "part/shard.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for name in ("answer.json", "key.json", "base.yaml", "gate.yaml"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_every_output_option_is_tried_here() -> None:
    known = {*output_options()}
    tried = {
        option
        for option in known
        for line in LINES
        if line.startswith(option.partition(" --")[0] + " ") and line.split()[-2] == option.split()[-1]
    }
    assert known == tried | NEVER_OVER_INPUT.keys()


@pytest.mark.parametrize("line", LINES)
def test_input_is_not_written_over(
    line: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    monkeypatch.setattr("signal.signal", lambda *args: None)
    monkeypatch.setattr("logging.raiseExceptions", True)
    monkeypatch.setattr(sys, "argv", ["bench", *line.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert said.startswith("bench: --") or "shard.json cannot be read" in said, said
    assert "\n" not in said.strip()
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
