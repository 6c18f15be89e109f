"""Scorers say what they measure, ours and other packages' alike; the tutorial's metric runs as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.registry.metric_names import ALIASES, metric_names, own_name
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.harness.scoring.score import score_clip
from bench_lipsync.harness.scoring.score_files import load_curves
from bench_lipsync.harness.scoring.scorers import load_scorers
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.harness.store.store import Store

DOC = Path(__file__).resolve().parents[3] / "docs" / "add_a_metric.md"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SCORERS, "_targets", dict(SCORERS._targets))


def code(language: str) -> str:
    return next(re.finditer(rf"```{language}\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)).group(1)


@pytest.fixture
def tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tutorial's package, installed the way `pip` leaves it: a module and a folder of metadata."""
    entry = re.search(r'^contrast = "(.+)"$', code("toml"), re.MULTILINE)
    assert entry is not None
    (tmp_path / "bench_contrast.py").write_text(code("python"), encoding="utf-8")
    info = tmp_path / "bench_contrast-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-contrast\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[bench.scorers]\ncontrast = {entry[1]}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "contrast"
    sys.modules.pop("bench_contrast", None)


def test_tutorial_is_short() -> None:
    lines = [line for line in code("python").splitlines() if line.strip()]
    assert len(lines) <= 42
    assert sum(line.startswith(("class", "    def", "        ")) for line in lines) < 30


def test_third_partys_metric_is_asked_for_by_name(tutorial: str, tmp_path: Path) -> None:
    assert "Contrast" in metric_names().words and metric_names().order[-1] == "Contrast"
    assert "Contrast" in make_spec({"models": ("static",), "dataset": "demo", "metrics": "all"}).metrics
    found = load_scorers(["contrast", "PSNR"], "cpu")
    assert [loaded.name for loaded in found.loaded] == ["contrast", "psnr"]
    assert found.order.index("PSNR") < found.order.index("Contrast")
    frames = np.zeros((5, 64, 64, 3), np.uint8)
    frames[:, :, 32:] = 200
    write_wav(tmp_path / "audio.wav", np.zeros(5 * 640, np.int16))
    with LosslessWriter(tmp_path / "video.mkv", 64, 64) as writer:
        writer.write(frames)
    clip = PreparedClip("one", "anna", tmp_path, {"frames": 5, "size": 64, "content_hash": "one"})
    output = Generated(clip.video_path, "hash")
    store = Store(tmp_path / "store")
    scores = score_clip(found.loaded, clip, output, clip.audio(), store)
    assert scores.failures == ()
    assert scores.values == {"Contrast[rms]": pytest.approx(100.0), "PSNR[rgb255]": 100.0}
    assert load_curves(store.file(scores.curves["Contrast[rms]"]))["Contrast[rms]"].shape == (5,)


def test_without_the_package_the_name_is_unknown() -> None:
    with pytest.raises(BenchError, match="no metric is called 'Contrast'"):
        load_scorers(["Contrast"], "cpu")
    with pytest.raises(BenchError, match="did you mean LSE-C"):
        load_scorers(["LSE_C"], "cpu")


def test_names_and_variants_ask_for_what_they_say() -> None:
    known = metric_names()

    def scorers(word: str) -> set[str]:
        return {offer.scorer for offer in known.ask(word)}

    assert scorers("lse-c") == scorers("LSE-C[gt-box]") == {"lse-syncnet_v2", "lse-open-syncnet"}
    assert scorers("LSE-D[Pipeline]") == scorers("LSE-tracks") == {"lse-pipeline"}
    assert [offer.info.name for offer in known.ask("KID")] == ["KID"]
    assert {"LSE-C[whole-frame]", "LSE-C[pipeline]"} <= set(known.all)
    assert "LSE-C[syncnet_v2]" not in known.all, "LSE-C asks for it already"
    asked = {(offer.scorer, offer.info.column) for word in known.all for offer in known.ask(word)}
    assert asked == {(offer.scorer, offer.info.column) for offer in known.offers}, "`all` is everything"
    assert known.order[:4] == ("LSE-C", "LSE-D", "AV-offset", "FID")


def test_names_of_other_papers_mean_ours() -> None:
    known = metric_names()
    assert known.ask("sync-c") == known.ask("LSE-C")
    assert known.ask("Sync-D[Pipeline]") == known.ask("LSE-D[pipeline]")
    assert not ALIASES.keys() & set(known.words), "they are read and never written"
    spec = make_spec({"models": ("static",), "dataset": "demo", "metrics": ["Sync-C", "LSE-C", "Sync-D[open-syncnet]"]})
    assert spec.metrics == ("LSE-C", "LSE-D[open-syncnet]")
    with pytest.raises(BenchError, match="did you mean Sync-C"):
        known.ask("Sync_C")
    assert own_name("FID[x]") == "FID[x]"


def test_the_default_metrics_and_their_order() -> None:
    expected = ("LSE-C", "LSE-D", "AV-offset", "FID", "KID", "SSIM", "PSNR", "LPIPS", "SSIM-mouth", "PSNR-mouth")
    assert metric_names().default == (*expected, "TWE", "Jitter")
    assert make_spec({"models": ("static",), "dataset": "demo"}).metrics == metric_names().default


def test_a_broken_scorer_of_our_own_leaves_no_metric_out_of_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    SCORERS._targets["psnr"] = "no_such_module:Scorer"
    with pytest.raises(BenchError, match=r"default metrics are not known: scorer 'psnr' is broken .*no_such_module"):
        make_spec({"models": ("static",), "dataset": "demo"})
    SCORERS._targets["psnr"], SCORERS._targets["torn"] = "bench_lipsync.metrics.image.psnr:PsnrScorer", "no_such_module"
    assert "PSNR" in make_spec({"models": ("static",), "dataset": "demo"}).metrics


def test_asking_for_names_loads_no_network_library() -> None:
    code = (
        "import sys; from bench_lipsync.harness.registry import metric_names as m; assert not m.metric_names().broken"
    )
    code += "; assert not {'torch', 'cv2', 'mediapipe'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own words


def test_scorer_that_cannot_be_asked_is_told_and_takes_no_other_along(caplog: pytest.LogCaptureFixture) -> None:
    SCORERS._targets["torn"] = "no_such_module:Scorer"
    assert load_scorers(["PSNR"], "cpu").loaded[0].name == "psnr"
    assert "scorer torn cannot say what it measures" in caplog.text
    with pytest.raises(BenchError, match=r"scorer 'torn' could not be asked .*no_such_module"):
        load_scorers(["Torn"], "cpu")


def test_two_scorers_may_not_give_one_column() -> None:
    class Copy:
        info = MetricInfo("PSNR", "rgb255", "higher", "dB", (0, None), "clip", frozenset(), "PSNR|mine|v1")
        describe = staticmethod(lambda: (Copy.info,))

    SCORERS._targets["copy"] = Copy
    with pytest.raises(BenchError, match="'psnr' and 'copy' both compute PSNR"):
        load_scorers(["PSNR"], "cpu")
    assert load_scorers(["SSIM"], "cpu").loaded[0].name == "ssim"
