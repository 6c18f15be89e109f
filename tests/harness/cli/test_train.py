"""`bench train`: options reach the trainer as settings, and wrong ones end before any clip is prepared."""

from __future__ import annotations

import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner, Result

from bench_lipsync.harness.api.dataset import ClipList
from bench_lipsync.harness.cli import train
from bench_lipsync.harness.cli._train_options import TARGETS, Target
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylegan2.training.settings import GanSettings
from bench_lipsync.models.stylelipsync.mask.bfm import BfmMissing
from bench_lipsync.models.stylelipsync.training.settings import PRESETS, TrainSettings
from bench_lipsync.models.syncnet.settings import ExpertSettings, SyncSettings
from bench_lipsync.models.wav2lip.training.settings import Wav2LipSettings

MODULES = {
    "stylelipsync": "stylelipsync.training.train",
    "stylegan2": "stylegan2.training.train",
    "syncnet": "syncnet.open.train",
    "wav2lip": "wav2lip.training.train",
}


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What reaches a trainer, and nothing else of it."""
    received: dict[str, Any] = {}

    def run(clips: list[Any], out: Path, settings: Any, **more: Any) -> Path:
        received.update(clips=clips, out=out, settings=settings, **more)
        return out / "weights"

    for module in MODULES.values():
        monkeypatch.setattr(f"bench_lipsync.models.{module}.run", run)
    monkeypatch.setattr(train, "training_clips", lambda *where: received.update(where=where) or ["a", "b"])
    return received


def invoke(*words: str) -> Result:
    app = typer.Typer()
    train.register(app)

    @app.command()
    def other() -> None:
        """Typer drops the name of a lone group."""

    return CliRunner().invoke(app, ["train", *words])


def bench(*words: str) -> str:
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str) -> str:
    result = invoke(*words)
    assert isinstance(result.exception, BenchError), result.output
    return str(result.exception)


def test_without_options_it_is_the_preset(passed: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "o"
    assert f"weights: {out}/weights" in bench("stylelipsync", "--out", str(out), "--device", "cpu")
    assert passed["settings"] == PRESETS["demo"]
    assert (passed["init"], passed["expert"], passed["device"]) == (None, None, "cpu")
    assert (passed["name"], passed["trained_on"]) == ("stylelipsync-demo", "demo (train, 2 clips)")
    assert passed["where"] == ("demo", None, "train", None)


def test_switches_expert_and_beginning_are_passed_on(passed: dict[str, Any], tmp_path: Path) -> None:
    prior, expert = tmp_path / "p.safetensors", tmp_path / "e.safetensors"
    prior.touch()
    expert.touch()
    words = f"--fusion standard --no-mals --mask landmark --init {prior} --expert {expert} --freeze-decoder"
    numbers = "--accumulate 4 --lambda-sync 0.2 --sync-loss cosine --sync-start 50 --device cpu"
    other = "--set face_cut=1.5 --set betas=[0,0.9]"
    bench("stylelipsync", "--out", str(tmp_path / "o"), *words.split(), *numbers.split(), *other.split())
    network = {"fusion": "standard", "mals": False, "mask": "landmark"}
    changes = {
        "accumulate": 4,
        "sync_loss": "cosine",
        "sync_start": 50,
        "lambda_sync": 0.2,
        "face_cut": 1.5,
        "betas": (0.0, 0.9),
    }
    recipe = PRESETS["demo"]
    assert passed["settings"] == recipe.model_copy(
        update={**changes, "train_synthesis": False, "network": recipe.network.model_copy(update=network)}
    )
    assert (passed["init"], passed["expert"]) == (prior, expert)


def test_prior(passed: dict[str, Any], tmp_path: Path) -> None:
    line = f"stylegan2 --out {tmp_path} --limit 2 --kimg 3 --batch 4 --gamma 0.2 --seed 7 --device cpu"
    assert f"prior: {tmp_path}/weights" in bench(*line.split())
    settings = passed["settings"]
    assert (settings.kimg, settings.batch, settings.r1_gamma, settings.seed) == (3.0, 4, 0.2, 7)
    assert passed["where"] == ("demo", None, "train", 2)
    assert passed["name"] == "stylegan2-demo"


def test_syncnet(passed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench(*f"syncnet --out {tmp_path} --steps 7 --seed 3 --bf16 --device cpu".split())
    assert passed["settings"] == SyncSettings(steps=7, seed=3, bf16=True)
    assert passed.keys() == {"clips", "out", "settings", "where", "device"}
    monkeypatch.setattr("bench_lipsync.models.syncnet.expert.train.run", lambda *clips, **more: Path("expert"))
    assert "weights: expert" in bench("syncnet", "--network", "expert", "--out", str(tmp_path))
    assert "unknown key 'loss'" in refused(*f"syncnet --loss contrastive --out {tmp_path}".split())
    assert "'both' is not one of" in invoke("syncnet", "--network", "both", "--out", str(tmp_path)).output


def test_wav2lip_says_how_to_measure_the_weights(passed: dict[str, Any], tmp_path: Path) -> None:
    told = bench("wav2lip", "--out", str(tmp_path), "--sync-weight", "0.1", "--preset", "published")
    assert f"measure them: bench run --model wav2lip:{tmp_path}/weights --dataset demo" in told
    assert passed["settings"] == Wav2LipSettings(sync_weight=0.1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stylegan2 --kimg 0", "recipe demo: kimg: Input should be greater than 0"),
        ("stylegan2 --batch 6", "batch of 6 cannot be divided into groups of 4"),
        ("stylelipsync --steps 0", "recipe demo: steps: .* greater than or equal to 1"),
        ("stylelipsync --mask ears", "network.mask: Input should be 'pose-aware', 'landmark', 'box' or 'half-frame'"),
        ("stylelipsync --set lambda_snyc=1", r"unknown key 'lambda_snyc' \(did you mean lambda_sync"),
        ("syncnet --batch 1", "batch: .* greater than or equal to 2"),
        ("wav2lip --set steps", "--set 'steps' is no KEY=VALUE"),
        ("wav2lip --steps 5 --set steps.more=1", "--set steps.more: steps is set as a whole already"),
    ],
)
def test_wrong_settings_end_before_clips_are_prepared(
    line: str, message: str, passed: dict[str, Any], tmp_path: Path
) -> None:
    import re

    assert re.search(message, refused(*line.split(), "--out", str(tmp_path)))
    assert "where" not in passed


def test_the_basel_face_model_is_reached_and_asks_for_its_files_first(
    passed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_BFM", str(tmp_path / "nowhere"))
    words = ("stylelipsync", "--out", str(tmp_path / "o"), "--mesh", "bfm", "--device", "cpu")
    result = invoke(*words)
    assert isinstance(result.exception, BfmMissing)
    assert "BENCH_BFM" in str(result.exception) and "where" not in passed
    monkeypatch.setattr("bench_lipsync.models.stylelipsync.mask.bfm_predictor.load_bfm_predictor", lambda: None)
    bench(*words)
    assert passed["settings"].network.mesh == "bfm"


def test_no_clip_to_train_on_is_an_error_that_names_the_dataset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    selection = ClipList((), "test")
    monkeypatch.setattr(
        "bench_lipsync.harness.registry.plugins.DATASETS.get",
        lambda name: lambda: SimpleNamespace(clips=lambda request: selection),
    )
    assert "hdtf has no clips in split test" in refused("stylegan2", "--dataset", "hdtf", "--out", str(tmp_path))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_options_have_the_type_of_their_setting(target: Target) -> None:
    models = {"stylelipsync": TrainSettings, "stylegan2": GanSettings, "wav2lip": Wav2LipSettings}
    model: Any = models.get(target.name, ExpertSettings)
    for name, setting in target.settings.items():
        inner = model
        *parents, last = (setting.field or name).split(".")
        for parent in parents:
            inner = inner.model_fields[parent].annotation
        annotation = inner.model_fields[last].annotation
        allowed = get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
        words = all(isinstance(word, str) for word in get_args(annotation)) and get_args(annotation)
        assert setting.type in allowed or (setting.type is str and words), name


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_help_has_an_example(target: Target) -> None:
    assert f"Example: bench train {target.name}" in bench(target.name, "--help")
