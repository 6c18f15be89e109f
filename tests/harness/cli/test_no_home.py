"""A user without a home folder, as `docker run --user` makes one, and a cache that nobody may write to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from bench_lipsync.harness.cli import main
from bench_lipsync.harness.util.paths import cache_dir, give_libraries_a_folder

WAY_OUT = "set BENCH_CACHE to a folder that you may write to"


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    monkeypatch.setattr("logging.raiseExceptions", True)
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "BENCH_CACHE", "BENCH_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")  # So that it is put back even if the test sets it.
        monkeypatch.delenv(name)


def ended(monkeypatch: pytest.MonkeyPatch, command: str) -> object:
    monkeypatch.setattr(sys, "argv", ["bench", *command.split()])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "command",
    [
        *("cache ls", "cache verify", "cache gc --unused 1d", "assets list", "assets verify", "data list demo"),
        *("run -m static -d demo", "score --inputs x -d demo", "train syncnet --out x", "baselines list"),
    ],
)
def test_one_line_with_the_way_out(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, command) == 2
    assert capsys.readouterr().err == f"bench: this user has no home folder for the cache; {WAY_OUT}\n"


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("name", ["BENCH_CACHE", "BENCH_STORE"])
def test_a_tilde_that_stands_for_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "~/somewhere")
    assert ended(monkeypatch, "cache ls") == 2
    assert capsys.readouterr().err == "bench: '~/somewhere': there is no such home folder; write the whole path\n"


@pytest.mark.usefixtures("homeless")
def test_the_doctor_says_it_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, "doctor --json") == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    broken = [item for item in found if item["needed"] and item["state"] == "broken"]
    assert [(item["name"], item["fix"]) for item in broken] == [("cache", WAY_OUT)]
    assert not any("report" in item["fix"] for item in found)


@pytest.mark.usefixtures("homeless")
def test_libraries_keep_their_files_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    give_libraries_a_folder()
    assert os.environ["MPLCONFIGDIR"] == str(cache_dir() / "matplotlib")


def test_who_has_a_home_keeps_the_libraries_own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MPLCONFIGDIR", "")
    monkeypatch.delenv("MPLCONFIGDIR")
    give_libraries_a_folder()
    assert "MPLCONFIGDIR" not in os.environ
