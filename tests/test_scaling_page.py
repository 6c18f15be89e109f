"""The scripts of docs/scaling.md: taken from the page and run with stand-ins for Slurm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from results_digest import differences

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
    from typer.testing import CliRunner

    from bench_lipsync.harness.cli import app, register

    register()
    for name in ("run", "merge"):
        shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, [name, "--help"]).output
        for text in re.findall(rf"bench {name} ((?:[^\n`]|\\\n)*)", PAGE.read_text(encoding="utf-8")):
            for option in re.findall(r"(?<!\S)--[a-z-]+", text):
                assert option in shown, f"bench {name} has no {option}"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the page's scripts, `run.yaml` for small clips, and stand-ins for `bench` and Slurm in `tools`."""
    sys.path.insert(0, str(REPOSITORY / "tests/faults"))
    from small_world import make_clips

    clips = make_clips(tmp_path / "clips", 3)
    tools = tmp_path / "tools"
    tools.mkdir()
    tool(tools, "sbatch", SBATCH.format(python=sys.executable))
    tool(tools, "scontrol", "#!/bin/bash\necho 127.0.0.1\necho 127.0.0.2\n")
    tool(tools, "srun", '#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    tool(
        tools,
        "bench",
        f'#!{sys.executable}\nfrom bench_lipsync.harness.cli import main\nif __name__ == "__main__":\n    main()\n',
    )
    for name, text in scripts().items():
        tool(tmp_path, name, text)
    config = f"models: [static]\ndataset: folder\ndata_root: {clips}\nmetrics: [PSNR]\n"
    (tmp_path / "run.yaml").write_text(config)
    return tmp_path


def call(desk: Path, *command: str, **variables: str) -> str:
    """Run a command at the desk; returns all that it said."""
    from small_world import environment

    path = os.pathsep.join([str(desk / "tools"), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, **environment(desk / "cache"), "PATH": path, **variables}
    done = subprocess.run(command, cwd=desk, env=env, check=False, capture_output=True, text=True)  # noqa: S603
    notes = [file.read_text() for file in desk.glob("*.txt") if file.name != "jobs.txt"]
    assert done.returncode == 0, "\n".join([done.stdout, done.stderr, *notes])
    return done.stdout + done.stderr


def same_as_one_process(desk: Path, out: str) -> bool:
    call(desk, "bench", "run", "--config", "run.yaml", "--executor", "local", "--out", "runs/one")
    return not differences(desk / "runs/one", desk / out)


@pytest.mark.timeout(300)
def test_the_array_and_the_merge_make_the_run(desk: Path) -> None:
    """`submit.sh` with two parts, the second done first, against the same run in one piece."""
    call(desk, "bash", "submit.sh", PARTS="2", WORKERS="1")
    jobs = [line.split()[1] for line in (desk / "jobs.txt").read_text().splitlines()]
    assert jobs == ["bench-part.sh", "bench-merge.sh"]
    assert same_as_one_process(desk, "runs/whole")


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.environ.get("BENCH_FAULTS") != "full", reason="a whole Ray cluster; BENCH_FAULTS=full runs it")
def test_ray_in_slurm_makes_the_run(desk: Path) -> None:
    """`bench-ray.sh` on two "machines", which are this one twice; nothing of Ray is left."""
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "2"}
    call(desk, "bash", "bench-ray.sh", **job, SLURM_CPUS_PER_TASK="1", GPU_SHARE="0", CORES="1")
    assert same_as_one_process(desk, "runs/whole")
    time.sleep(2)
    mine = str(6379 + os.getpid() % 1000)
    left = [process.cmdline() for process in psutil.process_iter() if f"--gcs_server_port={mine}" in process.cmdline()]
    assert not left
