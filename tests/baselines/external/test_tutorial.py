"""docs/add_a_model.md: its files and its commands, as they stand on the page."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "add_a_model.md").read_text(encoding="utf-8")
BENCH = Path(sys.executable).with_name("bench")


def blocks(kind: str) -> dict[str, str]:
    """Code blocks of the page whose first line is ```kind word: word -> text."""
    return dict(re.findall(rf"^```{kind} (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


def files() -> dict[str, str]:
    found = {**blocks("python"), **blocks("toml"), **blocks("yaml")}
    return {word.removeprefix("file="): text for word, text in found.items()}


def run(command: str, folder: Path) -> None:
    """A command of the page, with this Python first on the path and what pip installs kept in `folder`."""
    if command.startswith("pip"):
        if find_spec("setuptools") is None or not shutil.which("pip", path=str(BENCH.parent)):
            install(folder)
            return
        command = command.replace("pip install", f"pip install --target {folder / 'site'} --upgrade -q", 1)
        command = command.replace(" -e .", " .")  # --target and -e exclude each other
    path = os.pathsep.join([str(BENCH.parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "site"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def install(folder: Path) -> None:
    """What pip would leave: the module and its metadata."""
    site = folder / "site"
    info = site / "bench_loud-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(folder / "bench_loud.py", site)
    entry = re.search(r'^loud = "(.+)"$', files()["pyproject.toml"], re.MULTILINE)
    assert entry is not None
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-loud\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[bench.models]\nloud = {entry[1]}\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All files of the page."""
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["bench_loud.py", "talker.yaml"])
def test_a_model_takes_less_than_thirty_lines(name: str) -> None:
    assert len([line for line in files()[name].splitlines() if line.strip()]) < 30


@pytest.mark.slow
@pytest.mark.parametrize(("part", "row"), [("class", "loud"), ("program", "external:talker.yaml")])
def test_the_page_works_as_written(folder: Path, part: str, row: str) -> None:
    for command in blocks("bash")[part].splitlines():
        run(command, folder)
    name = row.removeprefix("external:").removesuffix(".yaml")
    result = json.loads((folder / "runs" / name / "run.json").read_text(encoding="utf-8"))
    rows = {(one["model"], one["name"]): one for one in result["metrics"]}
    assert rows[row, "PSNR-mouth"]["value"] < rows["ground-truth", "PSNR-mouth"]["value"]
    assert rows[row, "LMD"]["n_ok"] == 1
