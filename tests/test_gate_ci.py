"""The gate in CI: the project's own baseline is readable, and the action's steps are valid and safe shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bench_lipsync.harness.gate.baseline_file import read_baseline
from bench_lipsync.harness.gate.rules import load_gate

REPOSITORY = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
STEPS = [step for step in ACTION["runs"]["steps"] if "run" in step]


def test_the_committed_baseline_and_gate_are_those_that_ci_uses() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert "bench compare .ci/baseline.yaml runs/ci --gate .ci/gate.yaml" in script
    baseline = read_baseline(REPOSITORY / ".ci" / "baseline.yaml")
    asked = re.findall(r"bench run .*", script)[0].split()
    models = [asked[place + 1] for place, word in enumerate(asked) if word == "--model"]
    assert set(models) <= baseline.models.keys() and baseline.spec["dataset"] == "demo"
    assert not load_gate(REPOSITORY / ".ci" / "gate.yaml").significant


def test_every_input_is_used_and_none_is_pasted_into_a_shell() -> None:
    text = (REPOSITORY / "action.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(ACTION["inputs"])
    assert all("${{" not in step["run"] for step in STEPS), "inputs reach a shell as variables only"
    assert all("default" in item or item.get("required") for item in ACTION["inputs"].values())


@pytest.mark.parametrize("step", STEPS, ids=[step["name"] for step in STEPS])
def test_steps_parse(step: dict[str, str]) -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("NOT CHECKED: there is no bash here")
    subprocess.run([shell, "-n", "-c", step["run"]], check=True)  # noqa: S603


@pytest.mark.parametrize(("code", "passed"), [(0, "passed=true"), (1, "passed=false"), (2, "")])
def test_the_gate_step_keeps_the_exit_code_and_writes_the_summary(tmp_path: Path, code: int, passed: str) -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("NOT CHECKED: there is no bash here")
    fake = tmp_path / "bench"
    fake.write_text(f'#!{shell}\nprintf "%s|" "$@" > "$RUN/asked"\necho table > "$RUN/gate.md"\nexit {code}\n')
    fake.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{Path(shell).parent}:/usr/bin:/bin",
        "RUN": str(tmp_path),
        "BASELINE": "a $(touch bad) b.yaml",
        "GATE": "gate.yaml",
        "PAIRS": "old=new one\nb=c\n",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    step = next(step for step in STEPS if step["name"] == "Compare")
    done = subprocess.run([shell, "-c", step["run"]], env=environment, cwd=tmp_path, check=False)  # noqa: S603
    assert done.returncode == code and not (tmp_path / "bad").exists()
    asked = (tmp_path / "asked").read_text().split("|")
    assert asked[:3] == ["compare", "a $(touch bad) b.yaml", str(tmp_path)]
    assert asked[-7:-1] == ["--gate", "gate.yaml", "--pair", "old=new one", "--pair", "b=c"]
    assert "table" in (tmp_path / "summary").read_text()
    output = tmp_path / "output"
    assert (output.read_text().strip() if output.exists() else "") == passed


def test_the_measuring_step_keeps_names_whole(tmp_path: Path) -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("NOT CHECKED: there is no bash here")
    fake = tmp_path / "bench"
    fake.write_text(f'#!{shell}\nprintf "%s|" "$@" > "{tmp_path}/asked"\n')
    fake.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "OUT": "out put",
        "MODEL": "a b\n\nc;touch bad",
        "DATASET": "demo",
        "DATA_ROOT": "",
        "LIMIT": "5",
        "METRICS": "FID",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    step = next(step for step in STEPS if step["name"] == "Measure")
    subprocess.run([shell, "-c", step["run"]], env=environment, cwd=tmp_path, check=True)  # noqa: S603
    words = ["run", "--dataset", "demo", "--out", "out put", "--model", "a b", "--model", "c;touch bad"]
    assert (tmp_path / "asked").read_text().split("|")[:-1] == [*words, "--limit", "5", "--metrics", "FID"]
    assert not (tmp_path / "bad").exists() and (tmp_path / "output").read_text() == "run=out put\n"
