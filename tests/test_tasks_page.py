"""The tutorial of docs/tasks.md, run as written."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench_lipsync.harness.cli.run import register
from bench_lipsync.harness.tasks import catalogue, find_task, task_names
from bench_lipsync.harness.util.paths import cache_dir

PAGE = (Path(__file__).resolve().parent.parent / "docs/tasks.md").read_text(encoding="utf-8")
TUTORIAL = PAGE[PAGE.index("## A task of your own") :]
YAML, COMMAND, TOML = re.findall(r"```[a-z]*\n(.*?)```", TUTORIAL, re.DOTALL)


def test_it_is_short() -> None:
    assert len((YAML + COMMAND + TOML).strip().splitlines()) <= 20


def test_every_packaged_task_is_on_the_page() -> None:
    for name in catalogue.packaged_tasks():
        group, _, rest = name.partition("/")
        assert f"`{name}`" in PAGE or f"`{rest}`" in PAGE or f"`{group}/voxceleb2-...`" in PAGE, name


@pytest.mark.slow
def test_the_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    for name in ("assets", "demo"):
        (cache_dir() / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / name).symlink_to(cache_dir() / name, target_is_directory=True)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("short-clips.yaml").write_text(YAML, encoding="utf-8")
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    done = CliRunner().invoke(app, [*shlex.split(COMMAND)[1:], "--out", "run", "--json", "--no-report"])
    assert done.exit_code == 0, done.output
    result = json.loads(Path("run/run.json").read_text())
    assert len(result["clips"]) == 3 and {clip["frames"] for clip in result["clips"]} == {50}
    assert result["spec"]["task"]["name"] == "mylab/short-clips"


def test_a_package_makes_it_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "short-clips.yaml").write_text(YAML, encoding="utf-8")
    (tmp_path / "mylab_tasks.py").write_text(
        "from pathlib import Path\nSHORT_CLIPS = Path(__file__).with_name('short-clips.yaml')\n"
    )
    info = tmp_path / "mylab_tasks-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab-tasks\nVersion: 1\n")
    line = TOML.strip().splitlines()[1].replace('"', "")
    (info / "entry_points.txt").write_text(f"[bench.tasks]\n{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(catalogue._TASKS, "_targets", {})
    assert "mylab/short-clips" in task_names()
    assert find_task("mylab/short-clips").published.rows == {"ours": {"PSNR[rgb255]": 31.2}}
