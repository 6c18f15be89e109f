"""Exports: a tidy table that loses nothing, and trackers read back by their own readers."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from gate_runs import KINDS, PEOPLE, metric, result, usual
from typer.testing import CliRunner

from bench_lipsync.harness.cli.report import register
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.export import formats as module
from bench_lipsync.harness.export.formats import FORMATS, export
from bench_lipsync.harness.export.long_table import COLUMNS, long_parts
from bench_lipsync.harness.results.schema import CLIPS_FILE, write_result

SETS = ("FID", "KID")


def folder(path: Path) -> Path:
    """Rows `=m` and `static`: `p3` of `=m` failed, FID and KID are of all clips, and one metric is not there."""
    path.mkdir()
    parts = {"=m": usual()["sls"], "static": usual(seed=1)["sls"]}
    run = result(parts)
    rows = [row.model_copy(update={"level": "set"}) if row.name in SETS else row for row in run.metrics]
    rows.append(metric("=m", "SSIM", [0.0] * 8, variant="x", value=None, note="not here"))
    write_result(run.model_copy(update={"metrics": rows}), path)
    lines = []
    for model, row in parts.items():
        for place, clip in enumerate(PEOPLE):
            failed = (model, clip) == ("=m", "p3")
            values = {
                f"{name}[v]": math.nan if failed else sums[place] for name, sums in row.items() if name not in SETS
            }
            said = {"status": "no_face" if failed else "ok", "reason": "none seen" if failed else ""}
            lines.append({"model": model, "clip": clip, "identity": f"who {clip}", **said, **values})
    pd.DataFrame(lines).to_parquet(path / CLIPS_FILE)
    return path


def long_table(folders: list[Path]) -> pd.DataFrame:
    return pd.concat(list(long_parts(folders)), ignore_index=True).infer_objects()


def test_the_table_has_every_number_once(tmp_path: Path) -> None:
    table = long_table([folder(tmp_path / "run")])
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 2 * (len(PEOPLE) * (len(KINDS) - 2) + 2) + 1
    one = table[(table["model"] == "=m") & (table["metric"] == "SSIM") & (table["variant"] == "v")].set_index("clip")
    assert one.loc["p0", "value"] == usual()["sls"]["SSIM"][0] and one.loc["p0", "identity"] == "who p0"
    assert one.loc["p3", ["status", "reason"]].tolist() == ["no_face", "none seen"] and np.isnan(one.loc["p3", "value"])
    assert set(one["signature"]) == {"SSIM|v1"} and set(one["run"]) == {"run"}
    fid = table[table["metric"] == "FID"]
    assert fid["clip"].isna().all() and (fid["level"] == "set").all() and fid["value"].notna().all()
    gone = table[table["variant"] == "x"]
    assert gone[["status", "reason"]].to_numpy().tolist() == [["unavailable", "not here"]]


def test_means_of_the_table_are_those_of_the_run(tmp_path: Path) -> None:
    table = long_table([folder(tmp_path / "run")])
    static = table[(table["model"] == "static") & (table["level"] == "clip")]
    means = static.groupby("metric")["value"].mean()
    for name in set(KINDS) - set(SETS):
        assert means[name] == pytest.approx(float(np.mean(usual(seed=1)["sls"][name])))


def test_parquet_and_csv_are_the_same_table(tmp_path: Path) -> None:
    runs = [folder(tmp_path / "a"), folder(tmp_path / "b")]
    table = long_table(runs)
    parquet = pd.read_parquet(export(runs, "parquet", tmp_path / "o" / "t.parquet"))
    pd.testing.assert_frame_equal(parquet, table, check_dtype=False)
    text = pd.read_csv(export(runs, "csv", tmp_path / "o" / "t.csv"), keep_default_na=False, na_values={"value": ""})
    assert set(text["model"]) == {"'=m", "static"}, "no cell is a formula"
    np.testing.assert_array_equal(text["value"], table["value"])
    assert set(table["run"]) == {"a", "b"} and not list((tmp_path / "o").glob(".*"))


def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = folder(tmp_path / "run")
    with pytest.raises(BenchError, match="no export format is called 'excel'; known: parquet, csv, tensorboard"):
        export([run], "excel", tmp_path / "x")
    with pytest.raises(BenchError, match="two of the runs are called 'run'"):
        long_table([run, run])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for format in module.NEEDED:
        with pytest.raises(BenchError, match=f"which is not installed: pip install {format}"):
            export([run], format, tmp_path / "x")
    (run / CLIPS_FILE).unlink()
    with pytest.raises(BenchError, match="nothing to export clip by clip"):
        long_table([run])


def test_the_command(tmp_path: Path) -> None:
    app = typer.Typer()
    register(app)
    out = tmp_path / "t.csv"
    done = CliRunner().invoke(app, ["export", str(folder(tmp_path / "run")), "-f", "csv", "--out", str(out)])
    assert done.output.strip() == str(out) and out.is_file()
    assert set(FORMATS) == {"parquet", "csv", "tensorboard", "wandb", "mlflow"}


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = export([folder(tmp_path / "run")], "tensorboard", tmp_path / "tb")
    board = EventAccumulator(str(out / "run" / "static"))
    board.Reload()
    tags = board.Tags()["scalars"]
    assert {"FID/v", "SSIM/v", "clips/SSIM/v"} <= set(tags)
    assert board.Scalars("SSIM/v")[0].value == pytest.approx(float(np.mean(usual(seed=1)["sls"]["SSIM"])), rel=1e-5)
    assert [event.step for event in board.Scalars("clips/SSIM/v")] == list(range(8))
    assert len(list((out / "run").iterdir())) == 2


def test_mlflow_reads_it(tmp_path: Path) -> None:
    import mlflow

    out = export([folder(tmp_path / "run")], "mlflow", tmp_path / "ml")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("run")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"=m", "static"}
    assert runs["static"].data.metrics["SSIM/v"] == pytest.approx(float(np.mean(usual(seed=1)["sls"]["SSIM"])))
    assert runs["static"].data.params["signature/SSIM/v"] == "SSIM|v1"


def test_wandb_keeps_it_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    out = export([folder(tmp_path / "run")], "wandb", tmp_path / "wb")
    files = list(out.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2 and all(path.stat().st_size > 0 for path in files)
