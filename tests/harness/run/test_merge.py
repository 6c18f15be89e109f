"""Parts of a run put together are the run; parts that do not fit are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from results_digest import results_parts
from test_pipeline import World, world  # noqa: F401 - a fixture

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.pipeline import RunOptions
from bench_lipsync.harness.run.selection import Shard
from bench_lipsync.harness.run.shards import SHARD_FILE, execute_shard, merge, read_part
from bench_lipsync.harness.run.spec import make_spec


def part(world: World, number: int, of: int, models: tuple[str, ...] = ("darker",), **values: object) -> Path:  # noqa: F811
    out = world.root / str(values.pop("out", f"part{number}-{of}"))
    spec = {"models": models, "dataset": "folder", "data_root": world.root / "clips", "size": 64}
    spec |= {"metrics": ["PSNR", "SSIM", *values.pop("more", [])], **values}
    options = RunOptions(out=out)
    return execute_shard(make_spec(spec), options, Shard(number, of)).folder


@pytest.mark.parametrize("of", [3, 7])
def test_parts_make_the_run_to_the_byte(world: World, monkeypatch: pytest.MonkeyPatch, of: int) -> None:  # noqa: F811
    """Each part, and the whole, with a store of its own, as on machines that share nothing."""
    (world.root / "clips" / "anna" / "noface.mp4").write_bytes(b"noface")
    whole = world.run("whole", "darker")
    folders = []
    for number in range(1, of + 1):
        monkeypatch.setenv("BENCH_CACHE", str(world.root / f"cache{number}"))
        folders.append(part(world, number, of))
    monkeypatch.setenv("BENCH_CACHE", str(world.root / "cache-merge"))
    world.calls.clear()
    outcome = merge(folders[::-1], world.root / "merged")
    assert results_parts(outcome.folder) == results_parts(whole.folder)
    assert outcome.result.metrics == whole.result.metrics and outcome.result.tests == whole.result.tests
    assert not world.calls, "nothing is computed again"


def test_a_part_prepares_little_more_than_its_own_clips(world: World) -> None:  # noqa: F811
    part(world, 1, 4)
    assert world.calls["prepare"] == 2, "its clip and the donor"
    assert len(read_part(world.root / "part1-4").ledger.clips) == 1


def test_a_part_that_goes_on_repeats_nothing(world: World) -> None:  # noqa: F811
    part(world, 2, 2)
    before = (world.root / "part2-2" / SHARD_FILE).read_bytes()
    world.calls.clear()
    part(world, 2, 2)
    assert not world.calls
    after = (world.root / "part2-2" / SHARD_FILE).read_bytes()
    strip = [{**json.loads(text)["ledger"], "timings": {}} for text in (before, after)]
    assert strip[0] == strip[1]


def test_parts_that_do_not_fit_are_refused(world: World) -> None:  # noqa: F811
    one, two = part(world, 1, 2), part(world, 2, 2)
    out = world.root / "merged"
    with pytest.raises(BenchError, match=r"1 of 2 parts are missing \(2/2\); run the same with --shard 2/2"):
        merge([one], out)
    shutil.copytree(two, world.root / "again")
    with pytest.raises(BenchError, match="part 2/2 is given more than once"):
        merge([one, two, world.root / "again"], out)
    with pytest.raises(BenchError, match="no finished part"):
        merge([one, world.root], out)
    other = part(world, 2, 2, out="other", seed=5)
    with pytest.raises(BenchError, match=r"of another run than .*: they differ in seed"):
        merge([one, other], out)
    with pytest.raises(BenchError, match=r"holds part 2/2 .* which the command reads"):
        merge([one, two], two)
    assert not out.exists()


def test_a_part_from_a_stranger_cannot_write_elsewhere(world: World) -> None:  # noqa: F811
    folder = part(world, 1, 1)
    path = folder / SHARD_FILE
    text = path.read_text()
    clip = read_part(folder).ledger.clips[0].id
    path.write_text(text.replace(f'"{clip}"', '"../../gotcha"'))
    with pytest.raises(BenchError, match="is no clip's id"):
        merge([folder], world.root / "merged")
    path.write_text(text.replace('"video":"', '"video":"../../../'))
    with pytest.raises(BenchError, match="not the name of a result"):
        merge([folder], world.root / "merged")
    path.write_text(text[:-30])
    with pytest.raises(BenchError, match="cannot be read"):
        merge([folder], world.root / "merged")


def test_an_entry_that_was_changed_on_the_way_is_refused(world: World) -> None:  # noqa: F811
    folder = part(world, 1, 1)
    values = next((folder / "store" / "score").glob("*/*/values.json"))
    values.unlink()  # A link to the file in the store, which must stay as it is.
    values.write_text('{"PSNR[crop]": 99.0}')
    shutil.rmtree(world.root / "cache")
    with pytest.raises(BenchError):
        merge([folder], world.root / "merged")


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_what_is_no_part_is_a_mistake(text: str) -> None:
    with pytest.raises(BenchError, match="for example 2/8"):
        Shard.parse(text)


def test_parts_share_out_all_clips() -> None:
    for clips in (0, 1, 5, 100):
        for of in (1, 3, 7):
            parts = [Shard(number, of).indexes(clips) for number in range(1, of + 1)]
            assert [index for one in parts for index in one] == list(range(clips))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1
