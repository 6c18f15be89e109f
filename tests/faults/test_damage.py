"""What a loss of power or a bad disk does to finished files: wrong sizes are made again, flipped bits are found."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from noise_runs import NoiseRuns, noise  # noqa: F401, a fixture
from results_digest import differences
from typer.testing import CliRunner

from bench_lipsync.harness.cli import storage
from bench_lipsync.harness.store.store import KEY_FILE

pytestmark = pytest.mark.faults
SEED = 7


def _emptied(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def _cut(path: Path, chance: random.Random) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: chance.randrange(len(whole))])


def _missing(path: Path, chance: random.Random) -> None:
    path.unlink()


def _longer(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() + bytes(4096))


def _flipped(path: Path, chance: random.Random) -> None:
    whole = bytearray(path.read_bytes())
    whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    path.write_bytes(whole)


def _hit(noise: NoiseRuns, damage: Callable[[Path, random.Random], None]) -> list[Path]:  # noqa: F811
    """Damage one file of every third entry; returns the entries."""
    chance = random.Random(SEED)
    hit = sorted(noise.entries())[::3]
    for entry in hit:
        files = sorted(path for path in entry.iterdir() if path.stat().st_size and path.name != KEY_FILE)
        target = chance.choice(files)
        copy = target.read_bytes()
        target.unlink()  # A run folder may share the file itself.
        target.write_bytes(copy)
        damage(target, chance)
    return hit


@pytest.mark.parametrize("damage", [_emptied, _cut, _missing, _longer], ids=lambda damage: damage.__name__[1:])
def test_files_of_another_size_are_made_again(
    noise: NoiseRuns,  # noqa: F811
    damage: Callable[[Path, random.Random], None],
) -> None:
    whole = noise.run("whole")
    before = {entry: entry.stat().st_ino for entry in noise.entries()}
    hit = _hit(noise, damage)
    again = noise.run("again")
    assert again.result.status == "complete"
    assert differences(whole.folder, again.folder) == []
    after = {entry: entry.stat().st_ino for entry in noise.entries()}
    assert set(after) == set(before)
    assert {entry for entry in after if after[entry] != before[entry]} <= set(hit), "a whole entry was made again"


def test_flipped_bits_are_found_by_their_hashes_and_made_again(noise: NoiseRuns) -> None:  # noqa: F811
    whole = noise.run("whole")
    app = typer.Typer()
    storage.register(app)
    runner = CliRunner()
    assert runner.invoke(app, ["cache", "verify"]).exit_code == 0
    hit = _hit(noise, _flipped)
    told = runner.invoke(app, ["cache", "verify"])
    assert told.exit_code == 1 and f"{len(hit)} damaged" in told.output
    assert all(entry.name in told.output for entry in hit)
    assert runner.invoke(app, ["cache", "verify", "--remove"]).exit_code == 0
    assert differences(whole.folder, noise.run("again").folder) == []
    assert runner.invoke(app, ["cache", "verify"]).exit_code == 0
