"""The engine over programs that misbehave: each ends in its status, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_clips import make_clip, waves
from talkers import describe, install, make_clone

from bench_lipsync.baselines.external.environments import Runtime
from bench_lipsync.baselines.external.environments.docker import remove_container
from bench_lipsync.baselines.external.installation import read_installation, write_installation
from bench_lipsync.baselines.external.model import ExternalModel
from bench_lipsync.baselines.external.program.workspace import remove_stale, workspaces_root
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.errors import BenchError, ClipError, Status

FRAMES, SIZE = 40, 64


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


@pytest.fixture
def clip(tmp_path: Path) -> PreparedClip:
    return make_clip(tmp_path / "clip", FRAMES, SIZE)


def frames_of(model: ExternalModel, clip: PreparedClip, seed: int = 0) -> np.ndarray:
    return np.concatenate(list(model.generate(clip, clip.audio(), GenerateContext(seed=seed))))


def made(clone: Path, trait: str, **more: object) -> ExternalModel:
    return ExternalModel(install(describe(trait, **more), clone))


def left_over() -> list[str]:
    return [path.name for path in workspaces_root().iterdir() if path.name != "making"]


def expected(speed: float = 0.2) -> np.ndarray:
    frames = waves(FRAMES, SIZE, speed)
    frames[:, SIZE // 2 :] //= 2
    return frames


def near(found: np.ndarray, wanted: np.ndarray) -> bool:
    return found.shape == wanted.shape and float(np.abs(found.astype(int) - wanted).mean()) < 4


def test_good_program(clone: Path, clip: PreparedClip) -> None:
    model = made(clone, "good")
    assert near(frames_of(model, clip), expected())
    assert any("coding loss" in note for note in model.notes(clip))
    assert left_over() == []
    assert (clone / "benchout" / "result.mp4").read_bytes() == b"of another day"


@pytest.mark.parametrize(
    ("trait", "more"), [("wide", {"panel": (0.5, 1.0)}), ("fast", {"rate": 62.5}), ("mute", {"audio": False})]
)
def test_oddities_that_a_description_tells_of(clone: Path, clip: PreparedClip, trait: str, more: dict) -> None:
    assert near(frames_of(made(clone, trait, **more), clip), expected())


@pytest.mark.parametrize(
    ("trait", "status", "reason"),
    [
        (
            "silent",
            Status.BAD_OUTPUT,
            "left nothing at benchout/*.mp4; its last words: Error occurred during processing",
        ),
        ("crash", Status.MODEL_FAILED, "exit code 1 after 0 s: ValueError: Face not detected!"),
        ("segfault", Status.MODEL_FAILED, "was ended by SIGSEGV"),
        ("hang", Status.TIMEOUT, "stopped after 2 s; its last words: Reading video frames..."),
        ("huge", Status.BAD_OUTPUT, "it wrote more than 20 MB"),
        ("dropped", Status.BAD_OUTPUT, "has 28 frames at 25 per second; expected 40"),
        ("skips", Status.BAD_OUTPUT, "frames come 3 early"),
        ("late", Status.BAD_OUTPUT, "frames come 3 late"),
        ("wide", Status.BAD_OUTPUT, "frames are 128x64, expected 64x64"),
        ("small", Status.BAD_OUTPUT, "frames are 32x32, expected 64x64"),
        ("fast", Status.BAD_OUTPUT, "62.500 frames per second, expected 25"),
        ("mute", Status.BAD_OUTPUT, "has no audio"),
        ("garbage", Status.BAD_OUTPUT, "does not decode"),
        ("empty", Status.BAD_OUTPUT, "is empty"),
        ("link", Status.BAD_OUTPUT, "left nothing at"),
        ("twice", Status.BAD_OUTPUT, "2 results at"),
    ],
)
def test_misbehaviour_ends_in_its_status(
    clone: Path, clip: PreparedClip, trait: str, status: Status, reason: str
) -> None:
    limits = {"limits": {"seconds": 2, "seconds_per_frame": 0}} if trait == "hang" else {}
    with pytest.raises(ClipError) as caught:
        frames_of(made(clone, trait, **limits), clip)
    assert caught.value.status is status
    assert reason in caught.value.reason.replace("after 1 s", "after 0 s")
    assert left_over() == []


def test_the_end_of_the_log_is_kept(clone: Path, clip: PreparedClip, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "bench_lipsync"), pytest.raises(ClipError):
        frames_of(made(clone, "crash"), clip)
    assert "Using cpu for inference." in caplog.text
    assert 'raise ValueError("Face not detected!' in caplog.text


def test_nothing_of_one_clip_reaches_the_next(clone: Path, tmp_path: Path) -> None:
    model = made(clone, "litter")
    for number, speed in enumerate((0.2, 0.35)):
        clip = make_clip(tmp_path / f"clip{number}", FRAMES, SIZE, speed)
        assert near(frames_of(model, clip), expected(speed))
    assert (clone / "config.txt").read_text() == "original"
    assert not (clone / "temp").exists()


def test_weights_that_were_written_to_are_told(clone: Path, clip: PreparedClip) -> None:
    model = made(clone, "overwrites")
    with pytest.raises(ClipError, match=r"wrote to .*talker\.pth, which is not a copy"):
        frames_of(model, clip)
    with pytest.raises(BenchError, match="has changed since it was hashed"):
        ExternalModel(describe("overwrites"))


def test_daemons_do_not_survive(clone: Path, clip: PreparedClip, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert near(frames_of(made(clone, "daemon", note=str(tmp_path / "notes")), clip), expected())
    (note,) = (tmp_path / "notes").iterdir()
    assert not Path(f"/proc/{note.read_text()}").exists()


def test_two_at_once_do_not_disturb_each_other(clone: Path, clip: PreparedClip) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [(made(clone, trait), seed) for seed, trait in enumerate(("slow", "litter", "litter", "late"))]
        found = [pool.submit(frames_of, model, clip, seed) for model, seed in jobs]
    assert all(near(future.result(), expected()) for future in found[:3])
    with pytest.raises(ClipError, match="3 late"):
        found[3].result()
    assert left_over() == []


def test_giving_up_early_leaves_nothing(clone: Path, clip: PreparedClip) -> None:
    chunks = made(clone, "good").generate(clip, clip.audio(), GenerateContext(batch_size=4))
    next(chunks)
    assert left_over() != []
    chunks.close()
    assert left_over() == []


def _generate_forever(clone: Path, clip: Path) -> None:
    frames_of(ExternalModel(describe("hang")), PreparedClip.load(clip))


def _marked(token: str) -> list[int]:
    """Processes that carry a workspace's token."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"BENCH_RUN_ID={token}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("with_supervisor", [False, True])
def test_killed_bench_leaves_no_process_and_the_next_start_no_file(
    clone: Path, clip: PreparedClip, with_supervisor: bool
) -> None:
    install(describe("hang"), clone)
    process = multiprocessing.get_context("spawn").Process(target=_generate_forever, args=(clone, clip.directory))
    process.start()
    deadline = time.monotonic() + 30
    tokens: list[str] = []
    while time.monotonic() < deadline and not (tokens and len(_marked(tokens[0])) >= 2):
        time.sleep(0.05)
        if workspaces_root().is_dir():
            tokens = [path.name for path in workspaces_root().iterdir() if path.is_dir()]
    marked = _marked(tokens[0])
    assert len(marked) >= 2, "the program and its supervisor"
    assert remove_stale(remove_container) == 0, "it is alive"
    supervisor = min(marked)
    if with_supervisor:  # All at once, as when memory runs out.
        os.kill(supervisor, signal.SIGSTOP)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    if with_supervisor:
        os.kill(supervisor, signal.SIGKILL)
        assert set(_marked(tokens[0])) & set(marked), "the program itself lives on"
    else:
        while time.monotonic() < deadline and _marked(tokens[0]):
            time.sleep(0.05)
        assert _marked(tokens[0]) == [], "the supervisor saw to it"
    assert left_over() != []
    made(clone, "good")  # The next start.
    time.sleep(0.1)
    assert _marked(tokens[0]) == []
    assert left_over() == []


def test_not_set_up_says_how(clone: Path) -> None:
    with pytest.raises(BenchError) as caught:
        ExternalModel(describe("good"))
    assert str(caught.value).endswith(
        "bench baselines setup talker-good --repo https://example.org/talker --weights DIR --python EXE"
    )


def test_fingerprint_follows_what_matters(clone: Path) -> None:
    def now(**more: object) -> str:
        return made(clone, "good", **more).fingerprint()

    first = now()
    assert now() == first
    assert now(offset=2) != first
    (clone / "__pycache__").mkdir()
    (clone / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert now() == first
    (clone / "config.txt").write_text("another")
    assert now() != first
    (clone / "config.txt").write_text("original")
    assert now() == first
    (clone / "checkpoints" / "talker.pth").write_bytes(b"other weights")
    assert now() != first


def test_card_tells_what_is_really_here(clone: Path) -> None:
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)  # noqa: S603
    subprocess.run([*git, "add", "inference.py"], check=True)  # noqa: S603
    subprocess.run([*git, "commit", "-qm", "one"], check=True)  # noqa: S603
    card = made(clone, "good", facts={"pose": "own", "caveat": "slow"}).card
    assert card.pose == "own"
    assert card.weights == f"talker.pth@{hashlib.sha256(b'weights').hexdigest()[:8]}"
    assert "its description was written for 0123456" in card.caveat
    assert card.caveat.startswith("slow; ")


def test_interpreter_and_environment_of_the_program(clone: Path, clip: PreparedClip, monkeypatch) -> None:
    (clone / "tell.py").write_text("import os, sys; print(sys.executable, sorted(os.environ.items())); sys.exit(1)")
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    model = made(clone, "good", steps=[{"argv": ["{python}", "tell.py"]}], variables={"HERE": "{video}"})
    said = []
    monkeypatch.setattr(
        "bench_lipsync.baselines.external.model.logger.warning", lambda text, *more: said.append(text % more)
    )
    with pytest.raises(ClipError):
        frames_of(model, clip, seed=7)
    assert sys.executable in said[0]
    assert "('BENCH_SEED', '7')" in said[0]
    assert "('PYTHONHASHSEED', '7')" in said[0]
    assert "('CUDA_VISIBLE_DEVICES', '')" in said[0]
    assert "('HERE', 'benchin/clip.mkv')" in said[0]
    assert "hunter2" not in said[0]


def test_environment_that_broke_makes_an_unavailable_row(clone: Path, tmp_path: Path) -> None:
    description = install(describe("good"), clone)
    found = read_installation(description.name)
    assert found is not None
    write_installation(found.model_copy(update={"environment": Runtime(kind="python", where="/gone/python")}))
    with pytest.raises(BenchError, match="no interpreter at /gone/python"):
        ExternalModel(description)


def test_all_steps_share_one_time_limit(clone: Path, clip: PreparedClip) -> None:
    nap = {"argv": ["{python}", "-c", "import time; time.sleep(1.2)"]}
    model = made(clone, "good", steps=[nap, nap], limits={"seconds": 2, "seconds_per_frame": 0})
    began = time.monotonic()
    with pytest.raises(ClipError, match="timeout: stopped after 2 s"):
        frames_of(model, clip)
    assert time.monotonic() - began < 10
