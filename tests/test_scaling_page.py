"""The scripts of docs/scaling.md: taken from the page and run with stand-ins for Slurm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.results_digest import differences

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs/scaling.md"
SBATCH = """#!{python}
import os, re, subprocess, sys
words, env = sys.argv[1:], dict(os.environ)
given = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
script = words[-1]
assert "#SBATCH --job-name" in open(script).read()
number = str(1 + sum(1 for _ in open("jobs.txt"))) if os.path.exists("jobs.txt") else "1"
print(number, script, given, file=open("jobs.txt", "a"))
if "dependency" in given:
    assert given["dependency"] == "afterok:1", given
first, last = map(int, given.get("array", "0-0").split("-"))
for task in range(last, first - 1, -1):
    env["SLURM_ARRAY_TASK_ID"] = str(task)
    subprocess.run(["bash", script], env=env, check=True, stdout=sys.stderr)
print(number)
"""


def scripts() -> dict[str, str]:
    """Every script of the page by the name that the text before it gives."""
    found = re.findall(r"^`([\w-]+\.sh)`.*?```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    return dict(found)


def tool(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)


def test_every_script_of_the_page_is_found_and_is_bash(tmp_path: Path) -> None:
    assert set(scripts()) == {"bench-part.sh", "bench-merge.sh", "submit.sh", "bench-ray.sh"}
    for name, text in scripts().items():
        tool(tmp_path, name, text)
        subprocess.run(["bash", "-n", tmp_path / name], check=True)  # noqa: S603, S607
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", tmp_path / name], check=True)  # noqa: S603, S607


def test_every_option_on_the_page_exists() -> None:
    from importlib import import_module

    from typer.testing import CliRunner

    from harness.cli import COMMANDS, app

    for command in COMMANDS:
        import_module(f"harness.cli.{command}").register(app)
    for name in ("run", "merge"):
        shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, [name, "--help"]).output
        for text in re.findall(rf"bench {name} ((?:[^\n`]|\\\n)*)", PAGE.read_text(encoding="utf-8")):
            for option in re.findall(r"(?<!\S)--[a-z-]+", text):
                assert option in shown, f"bench {name} has no {option}"


@pytest.mark.timeout(300)
def test_the_array_and_the_merge_make_the_run(tmp_path: Path) -> None:
    """`submit.sh` with two parts, the second done first, against the same run in one piece."""
    sys.path.insert(0, str(REPOSITORY / "tests/faults"))
    from small_world import environment, make_clips

    clips = make_clips(tmp_path / "clips", 3)
    tools = tmp_path / "tools"
    tools.mkdir()
    tool(tools, "sbatch", SBATCH.format(python=sys.executable))
    tool(tools, "bench", f'#!{sys.executable}\nfrom harness.cli import main\nif __name__ == "__main__":\n    main()\n')
    for name, text in scripts().items():
        tool(tmp_path, name, text)
    config = f"models: [static]\ndataset: folder\ndata_root: {clips}\nmetrics: [PSNR]\n"
    (tmp_path / "run.yaml").write_text(config)
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    env = {**os.environ, **environment(tmp_path / "cache"), "PATH": path, "PARTS": "2", "WORKERS": "1"}
    done = subprocess.run(["bash", "submit.sh"], cwd=tmp_path, env=env, check=False, capture_output=True, text=True)  # noqa: S607
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in (tmp_path / "jobs.txt").read_text().splitlines()] == [
        "bench-part.sh",
        "bench-merge.sh",
    ]
    whole = [str(tools / "bench"), "run", "--config", "run.yaml", "--executor", "local", "--out", "runs/one"]
    subprocess.run(whole, cwd=tmp_path, env=env, check=True, capture_output=True)  # noqa: S603
    assert not differences(tmp_path / "runs/one", tmp_path / "runs/whole")
