"""The code of docs/python.md and the cells of docs/python.ipynb run, and give the command's numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench_lipsync import BenchError, Evaluation, RunSpec, evaluate
from bench_lipsync.harness.util.paths import cache_dir

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = [block.strip() for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)]
SHORT = 50  # frames

pytestmark = pytest.mark.slow


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a store of its own; weights and rendered clips are those of the user's cache."""
    (tmp_path / "cache").mkdir()
    for name in ("assets", "demo"):
        kept = cache_dir() / name
        kept.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / name).symlink_to(kept, target_is_directory=True)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def demo_folder(folder: Path) -> None:
    """The first two seconds of two clips of the demo set as somebody's own footage."""
    from bench_lipsync.harness.api.dataset import ClipRequest
    from bench_lipsync.harness.datasets.demo.dataset import DemoDataset
    from bench_lipsync.harness.datasets.demo.render import FRAME_SIZE
    from bench_lipsync.harness.media.lossless import LosslessWriter, read_lossless
    from bench_lipsync.harness.media.wav import read_wav, write_wav

    folder.mkdir()
    for clip in DemoDataset().clips(ClipRequest()).clips[:2]:
        with LosslessWriter(folder / clip.video.name, FRAME_SIZE, FRAME_SIZE) as writer:
            for chunk in read_lossless(clip.video, stop=SHORT):
                writer.write(chunk)
        if clip.audio:
            write_wav(folder / clip.audio.name, read_wav(clip.audio)[: SHORT * 640])


def test_blocks_are_as_short_as_promised() -> None:
    first, _, arrays, _ = (len([line for line in block.splitlines() if line.strip()]) for block in BLOCKS)
    assert first <= 10 and arrays <= 5


def test_page(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo_folder(workplace / "my_clips")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (6, 96, 96, 3), np.uint8)
    names: dict[str, Any] = {
        "frames": truth[::-1],
        "truth": truth,
        "validation_clips": [(None, truth)],
        "model": lambda audio, truth: truth // 2,
    }
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 - the page's own code
    printed = capsys.readouterr().out
    assert "ground-truth" in printed and "did you mean stylelipsync" in printed
    assert printed.count("FID") == 2 and printed.count("PSNR") == 2
    table = names["run"].table()
    assert table.loc["ground-truth", "SSIM[wang2004]"] == 1.0
    assert 0 < table.loc["stylelipsync", "SSIM[wang2004]"] < 1


def test_same_numbers_as_the_command(workplace: Path) -> None:
    import typer
    from typer.testing import CliRunner

    from bench_lipsync.harness.cli.run import register

    run = evaluate(
        models="static", dataset="demo", limit=1, metrics=["SSIM", "PSNR", "FID"], out="python", progress=False
    )
    app = typer.Typer()
    register(app)
    line = "run --model static --dataset demo --limit 1 --metrics SSIM,PSNR,FID --out command"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    command = Evaluation.load("command")
    assert command.result.metrics == run.result.metrics
    assert command.result.spec_hash == run.result.spec_hash
    assert run.table().equals(command.table()) and run.clips().equals(command.clips())
    assert run.render("csv") and run.report == Path("python/report.html")
    spec = RunSpec(models=("static",), dataset="demo", limit=1, metrics=("SSIM", "PSNR", "FID"))
    assert evaluate(spec, out="again", progress=False, report=False).result.metrics == run.result.metrics


def test_prints_nothing_and_leaves_the_process_as_it_was(workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import logging
    import os
    import signal

    import torch

    names = [None, "bench", "bench_lipsync"]
    loggers = [logging.getLogger(name) for name in names]

    def state() -> tuple[Any, ...]:
        logs = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return logs, handlers, torch.get_num_threads(), dict(os.environ), Path.cwd()

    before = state()
    evaluate(models="static", dataset="demo", limit=1, metrics=["PSNR"], progress=False)
    assert state() == before
    out, err = capfd.readouterr()
    assert out == "" and "bench" not in err


def test_wrong_use_is_told(workplace: Path) -> None:
    with pytest.raises(BenchError, match=r"did you mean"):
        evaluate(models="static", dataset="demmo")
    with pytest.raises(BenchError, match="either a RunSpec or its fields"):
        evaluate(RunSpec(models=("static",), dataset="demo"), limit=1)
    with pytest.raises(BenchError, match="workers is 0"):
        evaluate(models="static", dataset="demo", workers=0)
    with pytest.raises(BenchError, match=r"no .* 'modells'|modells"):
        evaluate(modells="static", dataset="demo")
    assert not (workplace / "runs").exists()


def test_notebook(workplace: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(REPOSITORY / "docs/python.ipynb", as_version=4)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code"), "commit it without outputs"
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(workplace)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("ground-truth" in output.get("data", {}).get("text/html", "") for output in shown)
    assert not [output for output in shown if output.output_type == "error"]
