"""`bench baselines`: every message says what is missing and what to type, and what is typed then works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from talkers import describe, make_clone
from typer.testing import CliRunner

from bench_lipsync.baselines.external.catalogue import load, names
from bench_lipsync.baselines.external.doctor import examine
from bench_lipsync.baselines.external.installation import home, read_installation
from bench_lipsync.baselines.external.program.repository import clone_state, fetch_clone
from bench_lipsync.harness.cli.baselines import register
from bench_lipsync.harness.errors import BenchError

GIT = shutil.which("git") or "git"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A description among the known ones, whose commit is that of a repository here, and its weights in a folder."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_BASELINES", str(tmp_path / "descriptions"))
    repository = make_clone(tmp_path / "repository")
    (tmp_path / "weights").mkdir()
    (repository / "checkpoints" / "talker.pth").rename(tmp_path / "weights" / "talker.pth")
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "one")
    write_description(tmp_path, commit=clone_state(repository).commit[:7])
    (repository / "config.txt").write_text("second")
    git(repository, "commit", "--quiet", "--all", "--message", "two")
    return tmp_path


def git(repository: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run([GIT, "-C", str(repository), *who, *words], check=True, capture_output=True)  # noqa: S603


def write_description(folder: Path, **changes: object) -> None:
    (folder / "descriptions").mkdir(exist_ok=True)
    fields = json.loads(describe("good").model_dump_json(exclude_defaults=True)) | changes
    (folder / "descriptions" / "talker-good.yaml").write_text(json.dumps(fields))


def bench(*words: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["baselines", *words])


def setup(*words: str) -> Any:
    return bench("setup", "talker-good", *words)


def test_from_nothing_to_ready_by_what_it_says_itself(folder: Path) -> None:
    first = bench("doctor", "talker-good")
    assert first.exit_code == 1
    assert "bench baselines setup talker-good --repo https://example.org/talker --weights DIR" in first.stdout
    assert "from https://example.org/weights" in first.stdout

    second = setup("--repo", str(folder / "repository"))
    assert second.exit_code == 1
    assert f"git -C {folder / 'repository'} checkout {load('talker-good').commit}" in second.stdout
    assert "bench baselines setup talker-good --weights DIR" in second.stdout
    assert "--python EXE or bench baselines setup talker-good --uv" in second.stdout

    git(folder / "repository", "checkout", "--quiet", load("talker-good").commit)
    third = setup("--weights", str(folder / "weights"), "--python", sys.executable)
    assert third.exit_code == 0, third.stdout
    assert "ready: bench run --model talker-good --dataset demo" in third.stdout
    found = read_installation("talker-good")
    assert found is not None
    assert found.environment is not None
    assert found.weights[0].path == str(folder / "weights" / "talker.pth")
    states = {check.name: check.state for check in examine("talker-good")}
    assert set(states.values()) <= {"ok", "note"}
    assert states["clone"] == "ok"

    listed = {row["name"]: row for row in json.loads(bench("list", "--json").stdout)}
    assert listed["talker-good"]["state"] == "ready"
    assert set(names()) == set(listed)
    assert "talker-good" in bench("list").stdout


def test_setup_keeps_what_is_not_given(folder: Path) -> None:
    setup("--repo", str(folder / "repository"), "--weights", str(folder / "weights"), "--python", sys.executable)
    before = read_installation("talker-good")
    assert setup().exit_code == 0
    assert read_installation("talker-good") == before


def test_clone_is_fetched_at_the_pinned_commit(folder: Path) -> None:
    done = setup("--repo", (folder / "repository").as_uri(), "--weights", str(folder / "weights"))
    found = read_installation("talker-good")
    assert found is not None, done.stdout
    clone = Path(found.repository)
    assert clone == home("talker-good") / "repository"
    assert clone_state(clone).is_at(load("talker-good").commit)
    assert (clone / "config.txt").read_text() == "original"
    with pytest.raises(BenchError, match="is already there"):
        raise setup("--repo", (folder / "repository").as_uri()).exception or AssertionError


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ext::sh -c touch% /tmp/x", "neither a folder nor an address"),
        ("git@example.org:a/b", "neither a folder nor an address"),
        ("--upload-pack=x://y", "neither a folder nor an address"),
        ("http://example.org/a", "neither a folder nor an address"),
        ("file:///nowhere/at/all", "git clone failed"),
    ],
)
def test_addresses_that_are_refused(folder: Path, url: str, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        fetch_clone(url, "0123456", folder / "place")
    assert not (folder / "place").exists()
    assert not (folder / "place.part").exists()


def test_commit_that_the_repository_does_not_have(folder: Path) -> None:
    with pytest.raises(BenchError, match="git checkout failed"):
        fetch_clone((folder / "repository").as_uri(), "fffffff", folder / "place")
    assert not (folder / "place").exists()


def test_git_settings_of_a_clone_run_nothing(folder: Path) -> None:
    clone = folder / "repository"
    evil = folder / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    evil.chmod(0o755)
    git(clone, "config", "core.fsmonitor", str(evil))
    git(clone, "config", "core.hooksPath", str(folder))
    assert clone_state(clone).commit
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "say where the clone is, or where to fetch it from: bench baselines setup talker-good --repo"),
        (("--repo", "/nowhere"), "/nowhere is not a folder; --repo takes a clone"),
        (("--repo", "{repository}", "--weights", "/nowhere"), "--weights takes the folder"),
        (("--repo", "{repository}", "--uv", "--python", "x"), "--python and --uv cannot go together"),
        (("--repo", "{repository}", "--python", "/nowhere/python"), "no interpreter at /nowhere/python"),
        (("--repo", "{repository}", "--docker", "--rm"), "no name of an image"),
    ],
)
def test_mistakes_of_setup(folder: Path, words: tuple[str, ...], reason: str) -> None:
    done = setup(*(word.format(repository=folder / "repository") for word in words))
    assert isinstance(done.exception, BenchError)
    assert reason in str(done.exception)
    assert read_installation("talker-good") is None


def test_weights_are_those_that_were_published(folder: Path) -> None:
    wanted = {"file": "checkpoints/talker.pth", "page": "https://example.org/weights", "sha256": "0" * 64}
    write_description(folder, weights=[wanted])
    done = setup("--repo", str(folder / "repository"), "--weights", str(folder / "weights"))
    assert "is not the file that https://example.org/weights offers" in str(done.exception)


def test_doctor_sees_what_has_gone_since(folder: Path) -> None:
    words = ("--repo", str(folder / "repository"), "--weights", str(folder / "weights"), "--python", sys.executable)
    assert setup(*words).exit_code == 0
    (folder / "weights" / "talker.pth").write_bytes(b"others")
    (folder / "repository" / "inference.py").unlink()
    needs = {"python": "3.1", "gpu": False, "imports": ["no_such_thing"], "programs": ["no-such-program"]}
    write_description(folder, environment=needs | {"packages": ["thing==1"]})
    done = json.loads(bench("doctor", "talker-good", "--json").stdout)
    found = {check["name"]: check for check in done}
    assert found["checkpoints/talker.pth"]["state"] == "missing"
    assert "has changed" in found["checkpoints/talker.pth"]["detail"]
    assert found["inference.py"]["state"] == "missing"
    assert found["environment"]["state"] == "note"
    assert "described for 3.1" in found["environment"]["detail"]
    assert found["import no_such_thing"]["fix"] == f"{sys.executable} -m pip install 'thing==1'"
    assert found["no-such-program"]["fix"] == "install no-such-program so that it is on PATH"
    shutil.rmtree(folder / "repository")
    assert "is gone" in bench("doctor", "talker-good").stdout


def test_record_that_cannot_be_read(folder: Path) -> None:
    setup("--repo", str(folder / "repository"))
    (home("talker-good") / "installation.json").write_text("{")
    done = bench("doctor", "talker-good")
    assert done.exit_code == 1
    assert "delete it and run bench baselines setup talker-good" in done.stdout
    assert "cannot be read" in bench("list", "--json").stdout


def test_show(folder: Path) -> None:
    assert "repository: https://example.org/talker" in bench("show", "talker-good").stdout
    told = json.loads(bench("show", str(folder / "descriptions" / "talker-good.yaml"), "--json").stdout)
    assert told["description"]["name"] == "talker-good"
    assert told["installation"] is None


@pytest.mark.parametrize("name", names())
def test_packaged_ones_say_how_they_are_set_up(name: str) -> None:
    checks = examine(name)
    assert any(check.fix.startswith(f"bench baselines setup {name} --repo https://") for check in checks)


def test_description_that_is_broken_does_not_hide_the_others(folder: Path) -> None:
    (folder / "descriptions" / "broken.yaml").write_text("name: [")
    rows = {row["name"]: row for row in json.loads(bench("list", "--json").stdout)}
    assert "is not YAML" in rows["broken"]["state"]
    assert "sadtalker" in rows
