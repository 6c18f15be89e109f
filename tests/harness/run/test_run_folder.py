"""What bench writes is never taken for footage, and a run never replaces another run or a better result of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from results_digest import results_parts
from test_pipeline import SIZE, World, world  # noqa: F401 - a fixture

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import read_result
from bench_lipsync.harness.run.pipeline import RunOptions, RunOutcome, execute
from bench_lipsync.harness.run.selection import Shard
from bench_lipsync.harness.run.shards import execute_shard
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.util.output_marker import read_mark
from bench_lipsync.reports.page.write import write_page

FOOTAGE = {
    "folder": ["anna/1.mp4", "bert.mp4"],
    "hdtf": ["test/WDA_KatieHill_000.mp4", "test/WRA_JohnBoehner_000.mp4"],
    "voxceleb2": ["mp4/id00017/01dfn2spqyE/00001.mp4", "mp4/id00061/cAT9aR8oFx0/00141.mp4"],
}


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """The data root, which is the working folder too and holds the cache."""
    root = world.root / "data"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("BENCH_CACHE", str(root / "cache"))
    return root


def _run(data: str, out: Path | None, **values: Any) -> RunOutcome:
    spec = {"models": ("darker",), "dataset": data, "data_root": Path(), "size": SIZE, "metrics": ["PSNR"], **values}
    return execute(make_spec(spec), RunOptions(out=out, report=_page))


def _page(folder: Path) -> Path:
    return write_page(folder, folder / "report.html")


def _numbers(folder: Path) -> dict[str, str]:
    """All results; what was left out is told by the notices."""
    return {part: digest for part, digest in results_parts(folder).items() if part != "run.json: notices"}


@pytest.mark.parametrize("out", [None, Path("results/mine")])
@pytest.mark.parametrize("dataset", FOOTAGE)
def test_a_second_run_beside_its_footage_finds_the_same_clips(
    world: World,  # noqa: F811
    here: Path,
    dataset: str,
    out: Path | None,
) -> None:
    for name in FOOTAGE[dataset]:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(name.encode())
    first = _run(dataset, out)
    before = _numbers(first.folder)
    write_page([first.folder], here / "pages" / "page.html")
    write_page([first.folder], here / "embedded.html", embed=True)
    assert list(here.glob("pages/page_media/**/*.mp4")), "previews lie beside the page"
    world.calls.clear()
    second = _run(dataset, out)
    assert not world.calls, "nothing is computed again"
    assert second.folder == first.folder and _numbers(second.folder) == before
    assert second.result.metrics == first.result.metrics and len(second.result.clips) == 2
    left_out = [notice for notice in second.result.notices if "folders that bench wrote" in notice]
    assert len(left_out) == 1 and "page_media" in left_out[0] and "cache" in left_out[0]


def test_an_output_folder_that_holds_the_footage_is_refused(world: World) -> None:  # noqa: F811
    with pytest.raises(BenchError, match=r"holds --data-root .*give the output a folder of its own"):
        world.run("clips", "darker")
    with pytest.raises(BenchError, match="holds --data-root"):
        world.run(".", "darker")
    assert read_mark(world.root / "clips") is None and read_mark(world.root) is None


def test_a_folder_of_another_run_is_kept(world: World) -> None:  # noqa: F811
    world.run("run", "darker")
    before = (world.root / "run" / "run.json").read_bytes()
    with pytest.raises(BenchError, match=r"run holds the results of another run \(it differs in limit\); .*--force"):
        world.run("run", "darker", limit=2)
    (world.root / "clips/anna/3.mp4").write_bytes(b"new")
    with pytest.raises(BenchError, match="with other clips"):
        world.run("run", "darker")
    assert (world.root / "run" / "run.json").read_bytes() == before
    spec = {"models": ("darker",), "dataset": "folder", "data_root": world.root / "clips", "size": SIZE}
    options = RunOptions(out=world.root / "run", force=True)
    assert execute(make_spec({**spec, "metrics": ["PSNR"], "limit": 2}), options).folder == options.out
    assert len(read_result(world.root / "run").clips) == 2


def test_a_part_does_not_replace_another_part(world: World) -> None:  # noqa: F811
    spec = {"models": ("darker",), "dataset": "folder", "data_root": world.root / "clips", "size": SIZE}
    run = make_spec({**spec, "metrics": ["PSNR"]})
    done = execute_shard(run, RunOptions(out=world.root / "parts" / "a"), Shard(1, 2))
    assert done.parts == {1: world.root / "parts" / "a"}
    with pytest.raises(BenchError, match="another part"):
        execute_shard(run, RunOptions(out=world.root / "parts" / "a"), Shard(2, 2))
    done = execute_shard(run, RunOptions(out=world.root / "parts" / "b"), Shard(2, 2))
    assert done.parts == {1: world.root / "parts" / "a", 2: world.root / "parts" / "b"}


def test_a_worse_result_does_not_replace_a_better_one(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.run("run", "darker")
    before = results_parts(world.root / "run")
    shutil.rmtree(world.root / "cache")

    def failing(*_: object) -> None:
        raise MemoryError("taken by another program")

    monkeypatch.setattr("bench_lipsync.metrics.image.psnr.PsnrScorer.open", failing)
    with pytest.raises(BenchError, match=r"keeps its earlier result, because \d+ numbers would be lost: darker PSNR"):
        world.run("run", "darker")
    assert results_parts(world.root / "run") == before
    spec = {"models": ("darker",), "dataset": "folder", "data_root": world.root / "clips", "size": SIZE}
    options = RunOptions(out=world.root / "run", force=True)
    execute(make_spec({**spec, "metrics": ["PSNR", "SSIM"]}), options)
    assert results_parts(world.root / "run") != before
