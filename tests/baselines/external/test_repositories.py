"""Every packaged description, end to end through the engine, against a stand-in with its repository's command line."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from made_clips import make_portrait_clip
from repositories import REPOSITORIES

from bench_lipsync.baselines.external.catalogue import PACKAGED, load
from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Runtime
from bench_lipsync.baselines.external.installation import Installation, hash_weights, write_installation
from bench_lipsync.baselines.external.model import ExternalModel
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.registry.plugins import MODELS

FRAMES = 16
STANDIN = Path(__file__).parent / "standins" / "repository.py"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    return make_portrait_clip(tmp_path_factory.mktemp("clip"), FRAMES)


def set_up(name: str, folder: Path) -> Description:
    """A pretended clone, weights that hold nothing, and this Python."""
    description = load(name)
    clone, weights = folder / "clone", folder / "weights"
    for script in REPOSITORIES[name]:
        (clone / script).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STANDIN, clone / script)
    programs = {Path(script).name: program for script, program in REPOSITORIES[name].items()}
    (clone / "program.json").write_text(json.dumps(programs))
    leave_behind(description, clone)
    for weight in description.weights:
        (weights / weight.file).parent.mkdir(parents=True, exist_ok=True)
        (weights / weight.file).write_bytes(b"weights")
    write_installation(
        Installation(
            name=name,
            repository=str(clone),
            weights=hash_weights(description, (weights,)),
            environment=Runtime(kind="python", where=sys.executable),
        )
    )
    return description


def leave_behind(description: Description, clone: Path) -> None:
    """What an earlier use of the clone may have left where this one's result is looked for."""
    for pattern in (*description.clear, description.output.files.replace("{out}", "benchout")):
        path = clone / pattern.replace("*", "old")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of another day")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, which still finds the assets of the real one."""
    from bench_lipsync.harness.assets.lookup import asset_path

    landmarker = asset_path("face_landmarker")
    folder = tmp_path / "cache"
    monkeypatch.setenv("BENCH_CACHE", str(folder))
    monkeypatch.setattr("bench_lipsync.harness.assets.lookup.asset_path", lambda name: landmarker)
    return folder


def test_there_is_a_stand_in_for_every_description() -> None:
    assert set(REPOSITORIES) == {path.stem for path in PACKAGED.glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(REPOSITORIES))
def test_its_frames_come_back_into_the_clip(name: str, clip: PreparedClip, tmp_path: Path, cache: Path) -> None:
    description = set_up(name, tmp_path)
    model = MODELS.get(name)()
    assert isinstance(model, ExternalModel)
    frames = np.concatenate(list(model.generate(clip, clip.audio(), GenerateContext(batch_size=16))))
    assert frames.shape == (FRAMES, clip.size, clip.size, 3) and frames.dtype == np.uint8
    assert not list((cache / "workspaces").glob("*/")), "nothing is left behind"
    assert not (tmp_path / "clone" / "benchin").exists(), "nothing is written into the user's clone"
    truth = np.concatenate(list(clip.read_frames()))
    card, notes = model.card, " ".join(model.notes(clip))
    assert (card.pose, card.covers) == (description.facts.pose, "crop" if description.shows_all else "face")
    upper, mouth = np.s_[:, 32:56, 20:108], np.s_[:, 96:110, 44:84]
    inverted = 255 - truth.astype(int)
    if card.pose == "target":
        first = description.output.offset
        missing = description.output.lost if "missing at the end" in notes else 0
        kept = slice(first, FRAMES - missing)
        assert np.abs(frames[upper][kept].astype(int) - truth[upper][kept]).mean() < 5, "each frame at its time"
        assert np.abs(frames[mouth][kept].astype(int) - inverted[mouth][kept]).mean() < 20, "what the program painted"
    else:
        first_frame = np.repeat(truth[:1], FRAMES, axis=0)
        assert np.abs(frames[mouth].astype(int) - first_frame[mouth]).mean() < 8, "laid where the face was"
    assert ("of the crop; the rest has one colour" in notes) == (card.covers == "face")


def test_the_same_seed_and_files_have_the_same_fingerprint(tmp_path: Path, cache: Path) -> None:
    set_up("ip-lap", tmp_path)
    one = MODELS.get("ip-lap")().fingerprint()
    assert one == MODELS.get("ip-lap")().fingerprint()
    (tmp_path / "clone" / "models.py").write_text("changed = True\n")
    assert one != MODELS.get("ip-lap")().fingerprint(), "an edited clone is another model"
