"""The four kinds of environment. uv is run for real; conda and docker are stood in for by programs on PATH."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_clips import make_clip
from talkers import describe, make_clone

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments import Location, Runtime, backend
from bench_lipsync.baselines.external.environments.docker import remove_container
from bench_lipsync.baselines.external.environments.inventory import take_inventory
from bench_lipsync.baselines.external.installation import Installation, hash_weights, write_installation
from bench_lipsync.baselines.external.model import ExternalModel
from bench_lipsync.baselines.external.program.workspace import remove_stale, workspaces_root
from bench_lipsync.baselines.external.setup import SetupRequest, set_up
from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.errors import BenchError, ClipError, Status

PLAIN = Environment(python="3.8", packages=("numpy==1.23.4", "librosa<0.10"), image="pytorch/pytorch:1.12.1")

DOCKER = """#!{python}
import csv, os, sys, subprocess
with open({log!r}, "a") as log:
    print(*sys.argv[1:], sep=chr(31), file=log)
words = sys.argv[2:]
if sys.argv[1] != "run":
    sys.exit(0)
mounts, variables, at = {{}}, {{"PATH": os.environ["PATH"]}}, 0
while words[at].startswith("-"):
    if words[at] in ("--rm", "--init"):
        at += 1
        continue
    name, value = words[at:at + 2]
    if name == "--mount":
        fields = dict(part.split("=", 1) for part in next(csv.reader([value])) if "=" in part)
        mounts[fields["target"]] = fields["source"]
    if name == "--env":
        variables.update([value.split("=", 1)])
    at += 2
image, program, *rest = words[at:]
assert program == "python", program
os.chdir(mounts["/work"])
sys.exit(subprocess.run([{python!r}, *rest], env=variables).returncode)
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / "programs" / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """The log of a docker that runs everything on this machine, in the mounted folder."""
    log = tmp_path / "docker.log"
    program(tmp_path, "docker", DOCKER.format(python=sys.executable, log=str(log)))
    return log


def test_python_is_found_first_and_kept_as_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    link = tmp_path / "env" / "bin" / "python"
    link.symlink_to(sys.executable)
    where = backend(Runtime(kind="python", where=str(link)))
    assert where.python == str(link)
    assert where.problem() == ""
    assert where.variables({"PATH": "/usr/bin"})["PATH"] == f"{link.parent}:/usr/bin"
    assert where.argv(("a", "b"), Location(tmp_path, "t"), {}) == ("a", "b")


def test_python_that_is_gone() -> None:
    assert "no interpreter at /gone" in backend(Runtime(kind="python", where="/gone")).problem()
    with pytest.raises(BenchError, match="no interpreter at /gone"):
        take_inventory(Runtime(kind="python", where="/gone"))


def test_inventory_of_this_interpreter() -> None:
    runtime = Runtime(kind="python", where=sys.executable)
    found = take_inventory(runtime, ("json", "no_such_module", "+sh", "+no-such-program"))
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.problems["json"] == found.problems["+sh"] == ""
    assert "No module named" in found.problems["no_such_module"]
    assert found.problems["+no-such-program"] == "not on PATH"
    assert found.digest == take_inventory(runtime).digest
    assert found.gpu == ""


def test_what_is_no_python(tmp_path: Path) -> None:
    odd = program(tmp_path, "odd", "#!/bin/sh\necho hello\n")
    with pytest.raises(BenchError, match="does not answer as a Python interpreter does"):
        take_inventory(Runtime(kind="python", where=str(odd)))


@pytest.mark.skipif(not (shutil.which("uv") or (Path(sys.executable).parent / "uv").exists()), reason="uv is not here")
def test_uv_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}")
    wheel = tmp_path / "tiny-1.5-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "x = 1\n")
        file.writestr("tiny-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.5\n")
        file.writestr("tiny-1.5.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.5.dist-info/RECORD", "")
    description = describe("good").model_copy(
        update={"environment": Environment(python=sys.executable, packages=(f"tiny @ {wheel.as_uri()}",), gpu=False)}
    )
    monkeypatch.setattr("bench_lipsync.baselines.external.setup.load", lambda name: description)
    said: list[str] = []
    for _ in range(2):  # Again, over what is there.
        made = set_up("talker-good", SetupRequest(repo=str(make_clone(tmp_path / "clone")), uv=True), said.append)
    assert made.environment is not None
    assert made.environment.kind == "uv"
    found = take_inventory(made.environment, ("tiny", "av"))
    assert found.problems["tiny"] == ""
    assert found.problems["av"], "nothing of our own environment is seen in it"
    assert any("uv venv" in line for line in said)


CONDA = """#!/bin/sh
echo "$@" > {folder}/said
mkdir -p {folder}/conda/bin
cp {folder}/interpreter {folder}/conda/bin/python
"""
INTERPRETER = """#!/bin/sh
[ "$2" = pip ] && cp "$5" {folder}/wanted && exit 0
exec {python} "$@"
"""


def test_conda_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONDA_EXE", raising=False)
    conda = program(tmp_path, "conda", CONDA.format(folder=tmp_path))
    program(tmp_path, "../interpreter", INTERPRETER.format(folder=tmp_path, python=sys.executable))
    prefix = tmp_path / "conda"
    where = backend(Runtime(kind="conda", where=str(prefix)))
    environment = PLAIN.model_copy(update={"conda": ("ffmpeg",)})
    first, second = where.creation(environment, tmp_path / "made")
    assert first == (str(conda), "create", "--yes", "--quiet", "--prefix", str(prefix), "python=3.8", "pip", "ffmpeg")
    assert second[:5] == (str(prefix / "bin" / "python"), "-m", "pip", "install", "--requirement")
    variables = where.variables({"PATH": "/usr/bin"})
    assert variables == {"PATH": f"{prefix}/bin:/usr/bin", "CONDA_PREFIX": str(prefix)}
    description = describe("good").model_copy(update={"environment": environment})
    monkeypatch.setattr("bench_lipsync.baselines.external.setup.load", lambda name: description)
    monkeypatch.setattr("bench_lipsync.baselines.external.setup.home", lambda name: tmp_path)
    made = set_up(
        "talker-good", SetupRequest(repo=str(make_clone(tmp_path / "clone")), conda="create"), lambda text: None
    )
    assert made.environment == Runtime(kind="conda", where=str(prefix))
    assert (tmp_path / "wanted").read_text() == "numpy==1.23.4\nlibrosa<0.10\n"
    assert (tmp_path / "said").read_text().split()[:2] == ["create", "--yes"]


def test_conda_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="conda or mamba or micromamba is not on PATH; see https://"):
        backend(Runtime(kind="conda", where=str(tmp_path))).creation(PLAIN, tmp_path)


def test_requirements_are_no_options(tmp_path: Path) -> None:
    program(tmp_path, "uv", "")
    hostile = PLAIN.model_copy(update={"packages": ("--index-url=https://example.org",)})
    with pytest.raises(BenchError, match="is no requirement"):
        backend(Runtime(kind="uv", where=str(tmp_path))).creation(hostile, tmp_path)


def test_docker_arguments(docker: Path, tmp_path: Path) -> None:
    where = backend(Runtime(kind="docker", where="some/image:1"))
    place = Location(tmp_path / "a,b", "beef", (Path("/data/weights"),), gpu=True)
    given = {"PATH": "/ours", "HOME": "/root", "BENCH_SEED": "3", "HERE": "x y", "CUDA_VISIBLE_DEVICES": "1"}
    words = where.argv(("python", "run.py", "--network", "host"), place, given)
    before, after = words[: words.index("some/image:1")], words[words.index("some/image:1") :]
    assert after == ("some/image:1", "python", "run.py", "--network", "host"), (
        "what is the program's stays the program's"
    )
    pairs = list(pairwise(before))
    assert ("--network", "none") in pairs
    assert ("--name", "bench-beef") in pairs
    assert ("--cap-drop", "ALL") in pairs
    assert ("--user", f"{os.getuid()}:{os.getgid()}") in pairs
    assert ("--gpus", '"device=1"') in pairs
    assert ("--env", "HERE=x y") in pairs
    assert not any(value.startswith(("PATH=", "CUDA_VISIBLE")) for name, value in pairs if name == "--env")
    mounts = [next(csv.reader([value])) for name, value in pairs if name == "--mount"]
    assert mounts == [
        ["type=bind", f"source={tmp_path / 'a,b'}", "target=/work"],
        ["type=bind", "source=/data/weights", "target=/data/weights", "readonly"],
    ]
    assert where.cleanup("beef")[1:] == ("rm", "--force", "bench-beef")
    assert not any(word == "--gpus" for word in where.argv(("python",), Location(tmp_path, "b"), given))


def test_docker_image_is_built_from_the_description(docker: Path, tmp_path: Path) -> None:
    ((_, *words),) = backend(Runtime(kind="docker", where="bench-x")).creation(PLAIN, tmp_path / "image")
    assert words == ["build", "--tag", "bench-x", str(tmp_path / "image")]
    lines = (tmp_path / "image" / "Dockerfile").read_text().splitlines()
    assert lines[0] == "FROM pytorch/pytorch:1.12.1"
    assert lines[2] == 'RUN ["python", "-m", "pip", "install", "--no-cache-dir", "-r", "/requirements.txt"]'
    with pytest.raises(BenchError, match="--docker IMAGE"):
        backend(Runtime(kind="docker", where="x")).creation(PLAIN.model_copy(update={"image": ""}), tmp_path)
    with pytest.raises(BenchError, match="no name of an image"):
        backend(Runtime(kind="docker", where="--privileged"))


def test_a_model_in_a_container(docker: Path, tmp_path: Path) -> None:
    clone, clip = make_clone(tmp_path / "clone"), make_clip(tmp_path / "clip", 40, 64)
    runtime = Runtime(kind="docker", where="some/image:1")
    for trait in ("good", "hang"):
        description = describe(trait, limits={"seconds": 30 if trait == "good" else 2, "seconds_per_frame": 0})
        weights = hash_weights(description, (clone,))
        write_installation(
            Installation(name=description.name, repository=str(clone), weights=weights, environment=runtime)
        )
        model = ExternalModel(description)
        if trait == "good":
            frames = np.concatenate(list(model.generate(clip, clip.audio(), GenerateContext())))
            assert len(frames) == 40
            assert len(model.fingerprint()) == 64
        else:
            with pytest.raises(ClipError) as caught:
                list(model.generate(clip, clip.audio(), GenerateContext()))
            assert caught.value.status is Status.TIMEOUT
    calls = [line.split("\x1f") for line in docker.read_text().splitlines()]
    names = [call[call.index("--name") + 1] for call in calls if call[0] == "run"]
    removed = [call[-1] for call in calls if call[0] == "rm"]
    assert sorted(names) == sorted(removed), "every container is removed by its name, however it ended"
    assert len(set(names)) == 4, "asking what it holds, and a clip, for each"


def test_a_container_of_a_run_that_died_is_removed(docker: Path) -> None:
    root = workspaces_root()
    (root / "beef").mkdir(parents=True)
    (root / "beef.lock").touch()
    (root / "beef.container").touch()
    assert remove_stale(remove_container) == 1
    assert docker.read_text().split("\x1f") == ["rm", "--force", "bench-beef\n"]
    assert [path.name for path in root.iterdir()] == ["making"]
