"""The main job as a user starts it: `bench run` on the demo set, killed, resumed and repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.schema import CLIPS_FILE, read_result
from bench_lipsync.harness.store.leases import LEASES
from bench_lipsync.harness.store.scratch import SCRATCH
from bench_lipsync.harness.store.store import KEY_FILE
from bench_lipsync.harness.util.paths import cache_dir

pytestmark = pytest.mark.slow
LIMIT = 3
COMMAND = (
    sys.executable,
    "-c",
    "from bench_lipsync.harness.cli import main; main()",
    *("run", "--model", "stylelipsync", "--dataset", "demo", "--limit", str(LIMIT)),
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A store of its own; weights and rendered demo clips are shared with the user's cache, to render them once."""
    fresh = tmp_path / "cache"
    fresh.mkdir()
    for name in ("assets", "demo"):
        kept = cache_dir() / name
        kept.mkdir(parents=True, exist_ok=True)
        (fresh / name).symlink_to(kept, target_is_directory=True)
    return {**os.environ, "BENCH_CACHE": str(fresh)}


def _kill_after_first_score(out: Path, environment: dict[str, str]) -> None:
    """SIGKILL as soon as something has been scored: nothing gets the chance to tidy up."""
    scores = Path(environment["BENCH_CACHE"]) / "store" / "score"
    with subprocess.Popen([*COMMAND, "--out", str(out)], env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while process.poll() is None and not list(scores.glob("*/*")):
            time.sleep(0.2)
        assert process.poll() is None, "the run ended before it could be killed"
        process.send_signal(signal.SIGKILL)


def _run(out: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--out", str(out)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603


def test_the_main_job(tmp_path: Path, environment: dict[str, str]) -> None:
    out = tmp_path / "run"
    _kill_after_first_score(out, environment)
    assert not (out / "run.json").exists()
    done = _run(out, environment)

    assert "stylelipsync" in done.stdout and "ground-truth" in done.stdout
    result = read_result(out)
    assert not result.failures
    values = {(row.model, row.name, row.variant): row for row in result.metrics}
    for model in ("stylelipsync", *BOUNDS):
        for name in ("LSE-C", "LSE-D", "FID", "SSIM", "PSNR", "LPIPS"):
            measured = [row for key, row in values.items() if key[:2] == (model, name) and row.value is not None]
            assert measured, f"{model} has no {name}"
            assert all(row.n_ok == LIMIT for row in measured)
    truth, static = (values[model, "SSIM", "wang2004"].value for model in ("ground-truth", "static"))
    assert truth == 1 and static < values["stylelipsync", "SSIM", "wang2004"].value < 1
    real, foreign = (values[m, "LSE-D", "open-syncnet"].value for m in ("ground-truth", "shuffled-audio"))
    assert real < foreign, "real audio fits the lips better than foreign audio"

    missing = values["stylelipsync", "LSE-C", "syncnet_v2"]
    if missing.value is None:
        assert "bench assets fetch syncnet_v2" in missing.note
    page = (out / "report.html").read_text(encoding="utf-8")
    shown = next(iter(sorted((out / "media" / "stylelipsync").iterdir()))).name
    assert "stylelipsync" in page and f"media/stylelipsync/{shown}" in page

    clips = pd.read_parquet(out / CLIPS_FILE)
    everything = Path(environment["BENCH_CACHE"], "store").rglob("*")
    # A key's time says when the entry was last used; every run holds a lease while it goes on.
    lasting = [path for path in everything if path.name not in (KEY_FILE, LEASES, SCRATCH)]
    store = {path: path.stat().st_mtime_ns for path in lasting}
    again = _run(out, environment)
    repeated = read_result(out)
    assert repeated.metrics == result.metrics and repeated.spec_hash == result.spec_hash
    assert pd.read_parquet(out / CLIPS_FILE).equals(clips)
    assert {path: path.stat().st_mtime_ns for path in store} == store, "the second run wrote into the store"
    assert again.stdout == done.stdout
    assert json.loads((out / "run.json").read_text())["schema_version"] == 1
