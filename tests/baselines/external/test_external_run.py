"""A whole table of programs, most of which misbehave, as `bench run` makes it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_clips import make_clip
from talkers import describe, install, make_clone

from bench_lipsync.baselines.external.program.workspace import workspaces_root
from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.results.schema import CLIPS_FILE, read_result
from bench_lipsync.harness.run.pipeline import RunOptions, execute
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.reports.page.write import write_run_page

TRAITS = {
    "good": "ok",
    "litter": "ok",
    "daemon": "ok",
    "silent": "bad_output",
    "crash": "model_failed",
    "hang": "timeout",
    "huge": "bad_output",
    "fast": "bad_output",
    "late": "bad_output",
}
"""And how each ends."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder data set of two people, and the programs in a folder of descriptions."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("BENCH_BASELINES", str(tmp_path / "descriptions"))
    for name in ("anna", "bert"):
        path = tmp_path / "clips" / name / "1.mp4"
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())

    def prepare(clip: Clip, directory: Path, size: int) -> PreparedClip:
        made = make_clip(directory, 40, size, 0.2 if "anna" in clip.id else 0.3)
        meta = made.meta | {"id": clip.id, "identity": clip.identity}
        (directory / "meta.json").write_text(json.dumps(meta))
        return PreparedClip.load(directory)

    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", prepare)
    clone = make_clone(tmp_path / "clone")
    (tmp_path / "descriptions").mkdir()
    (tmp_path / "notes").mkdir()
    for trait in (*TRAITS, "absent"):
        limits = {"seconds": 1 if trait == "hang" else 60, "seconds_per_frame": 0, "output_mb": 20}
        description = describe(trait, note=str(tmp_path / "notes"), limits=limits)
        path = tmp_path / "descriptions" / f"{description.name}.yaml"  # JSON is YAML.
        path.write_text(description.model_dump_json(exclude_defaults=True))
        if trait != "absent":
            install(description, clone)
    return tmp_path


def test_a_full_table_comes_out(root: Path) -> None:
    models = [f"talker-{trait}" for trait in (*TRAITS, "absent")]
    spec = make_spec(
        {"models": models, "dataset": "folder", "data_root": root / "clips", "size": 64, "metrics": ["PSNR"]}
    )
    outcome = execute(spec, RunOptions(out=root / "run", report=write_run_page))
    result = read_result(root / "run")
    table = {row.model: row for row in result.metrics}
    clips = pd.read_parquet(root / "run" / CLIPS_FILE)
    for trait, status in TRAITS.items():
        found = clips[clips["model"] == f"talker-{trait}"]
        assert set(found["status"]) == {status}, trait
        assert len(found) == 2
        assert (table[f"talker-{trait}"].value is not None) == (status == "ok")
    assert table["ground-truth"].value is not None
    assert table["static"].value is not None
    unavailable = next(card for card in result.models if card["name"] == "talker-absent")
    assert "bench baselines setup talker-absent --repo" in unavailable["description"]
    assert table["talker-good"].value == table["talker-litter"].value, "its cache reached no other clip"
    log = (root / "run" / "log.txt").read_text()
    assert "Ensure the video contains a face" in log
    assert outcome.report is not None
    assert "talker-crash" in outcome.report.read_text()
    assert [path.name for path in workspaces_root().iterdir()] == ["making"]
    for note in (root / "notes").iterdir():
        assert not Path(f"/proc/{note.read_text()}").exists()
