"""A model's frames on disk: the same bytes whatever the batch, begun again when memory runs out, errors told apart."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.compute.batching import AUTO
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import read_lossless
from bench_lipsync.harness.stages import generate_frames as generating
from bench_lipsync.harness.stages.generate_frames import in_batches_that_fit, write_frames
from bench_lipsync.harness.stages.stages import generate
from bench_lipsync.harness.store.store import Store

SIZE, FRAMES = 32, 45
SOUND = np.zeros(FRAMES * 640, np.int16)


class Painter:
    """Paints noise in batches as asked; `check` is called with each batch's size before it is painted."""

    card = ModelCard("painter", "model")

    def __init__(self, check: Callable[[int], None] = lambda size: None) -> None:
        self.check = check
        self.asked: list[int] = []
        self.painted: list[int] = []
        self.closed = 0
        self.threads: set[str] = set()

    def fingerprint(self) -> str:
        return "1"

    def generate(self, clip: PreparedClip, audio: np.ndarray, context: GenerateContext) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(context.seed)
        same = np.empty((context.batch_size, SIZE, SIZE, 3), np.uint8)  # One memory for all, as fast models do.
        self.asked.append(context.batch_size)
        try:
            for first in range(0, FRAMES, context.batch_size):
                count = min(context.batch_size, FRAMES - first)
                self.threads.add(threading.current_thread().name)
                self.check(count)
                for index in range(count):
                    same[index] = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
                self.painted.append(count)
                yield same[:count]
        finally:
            self.closed += 1


def room_for(frames: int, error: BaseException | None = None) -> Callable[[int], None]:
    def check(size: int) -> None:
        if size > frames:
            raise error or torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    return check


@pytest.fixture(autouse=True)
def _fresh_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "_FITTING", {})


@pytest.fixture
def clip(tmp_path: Path) -> PreparedClip:
    return PreparedClip("a", "b", tmp_path, {"frames": FRAMES, "size": SIZE, "content_hash": "c"})


def no_thread_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("bench-")]


def test_frames_and_hash_whatever_the_batch(clip: PreparedClip, tmp_path: Path) -> None:
    files = []
    for size in (1, 7, 8, 45, 64):
        model, path = Painter(), tmp_path / f"{size}.mkv"
        facts = write_frames(model, clip, SOUND, GenerateContext(batch_size=size), path)
        frames = np.concatenate(list(read_lossless(path)))
        assert facts == {
            "frames": FRAMES,
            "frames_hash": hashlib.sha256(frames.tobytes()).hexdigest(),
            "batch_size": size,
        }
        assert model.threads == {"MainThread"} and model.closed == 1
        files.append(path.read_bytes())
    assert len(set(files)) == 1 and no_thread_left()


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        MemoryError("Unable to allocate 3 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OSError("XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 2 bytes"),
    ],
)
def test_a_shortage_halves_the_batch_and_begins_again(clip: PreparedClip, tmp_path: Path, error: BaseException) -> None:
    model, roomy = Painter(room_for(3, error)), Painter()
    facts = write_frames(model, clip, SOUND, GenerateContext(batch_size=AUTO), tmp_path / "a.mkv")
    assert model.asked == [8, 4, 2] and facts["batch_size"] == 2 and model.closed == 3
    assert (
        facts["frames_hash"] == write_frames(roomy, clip, SOUND, GenerateContext(), tmp_path / "b.mkv")["frames_hash"]
    )
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_a_shortage_in_the_middle_of_a_clip(clip: PreparedClip, tmp_path: Path) -> None:
    calls = []

    def check(size: int) -> None:
        calls.append(size)
        if len(calls) == 4:
            raise MemoryError

    facts = write_frames(Painter(check), clip, SOUND, GenerateContext(), tmp_path / "a.mkv")
    whole = write_frames(Painter(), clip, SOUND, GenerateContext(), tmp_path / "b.mkv")
    assert (facts["batch_size"], facts["frames"]) == (4, FRAMES)
    assert facts["frames_hash"] == whole["frames_hash"], "no frame of the first try is left in it"


def test_the_size_that_fits_stays_for_the_next_clips(clip: PreparedClip, tmp_path: Path) -> None:
    model = Painter(room_for(5))
    for _ in range(3):
        write_frames(model, clip, SOUND, GenerateContext(batch_size=16), tmp_path / "a.mkv")
    assert model.asked == [16, 8, 4, 4, 4]


def test_the_size_that_fits_is_that_of_one_model_and_one_size_of_crops(clip: PreparedClip, tmp_path: Path) -> None:
    def begins_with(model: Painter, clip: PreparedClip, size: int) -> int:
        asked: list[int] = []

        def attempt(context: GenerateContext) -> None:
            asked.append(context.batch_size)

        in_batches_that_fit(attempt, model, clip, GenerateContext(batch_size=size))
        return asked[0]

    model, other = Painter(room_for(5)), Painter()
    other.card = ModelCard("other", "model")
    large = PreparedClip("a", "b", tmp_path, {"frames": FRAMES, "size": 2 * SIZE, "content_hash": "c"})
    write_frames(model, clip, SOUND, GenerateContext(), tmp_path / "a.mkv")
    assert begins_with(model, clip, AUTO) == 4
    assert begins_with(model, clip, 2) == 2, "no more than was requested"
    assert begins_with(model, large, AUTO) == begins_with(other, clip, AUTO) == 8


def test_one_frame_too_many_is_told_and_not_remembered(clip: PreparedClip, tmp_path: Path) -> None:
    model, store = Painter(room_for(0)), Store(tmp_path / "store")
    with pytest.raises(ClipError, match=r"memory of cpu does not hold one frame.*20.00 GiB") as caught:
        generate(model, clip, SOUND, GenerateContext(), store)
    assert caught.value.status is Status.MEMORY and model.asked == [8, 4, 2, 1]
    model.check = room_for(100)
    assert generate(model, clip, SOUND, GenerateContext(), store).video.is_file()
    assert '"batch_size": 8' in next((tmp_path / "store").rglob("meta.json")).read_text()


def test_other_errors_of_the_model_do_not_begin_again(clip: PreparedClip, tmp_path: Path) -> None:
    def check(size: int) -> None:
        raise RuntimeError("shapes do not fit")

    model = Painter(check)
    with pytest.raises(ClipError, match="shapes do not fit") as caught:
        write_frames(model, clip, SOUND, GenerateContext(), tmp_path / "a.mkv")
    assert caught.value.status is Status.MODEL_FAILED and model.asked == [8] and no_thread_left()


def test_an_error_of_the_encoder_comes_back_and_ends_the_model(
    clip: PreparedClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def write(self: object, chunk: np.ndarray) -> None:
        written.append(len(chunk))
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench_lipsync.harness.media.lossless.LosslessWriter.write", write)
    model = Painter()
    with pytest.raises(OSError, match="No space left"):
        write_frames(model, clip, SOUND, GenerateContext(batch_size=1), tmp_path / "a.mkv")
    assert model.closed == 1 and len(model.painted) < FRAMES and len(written) == 2 and no_thread_left()


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        (np.zeros((FRAMES + 1, SIZE, SIZE, 3), np.uint8), "more than 45 frames"),
        (np.zeros((FRAMES - 1, SIZE, SIZE, 3), np.uint8), "44 frames for a clip of 45"),
        (np.zeros((FRAMES, SIZE, SIZE, 3), np.float32), "float32"),
        (np.zeros((FRAMES, SIZE, SIZE + 1, 3), np.uint8), "expected uint8"),
    ],
)
def test_frames_that_break_the_contract(clip: PreparedClip, tmp_path: Path, chunk: np.ndarray, reason: str) -> None:
    class Wrong(Painter):
        def generate(self, clip: PreparedClip, audio: np.ndarray, context: GenerateContext) -> Iterator[np.ndarray]:
            yield chunk

    with pytest.raises(ClipError, match=reason) as caught:
        write_frames(Wrong(), clip, SOUND, GenerateContext(), tmp_path / "a.mkv")
    assert caught.value.status is Status.BAD_OUTPUT and no_thread_left()


def test_a_chunk_of_the_whole_clip_waits_in_pieces(
    clip: PreparedClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "_PIECE_BYTES", 10 * SIZE * SIZE * 3)
    sizes = []
    digest_of = generating._pieces

    def pieces(chunk: np.ndarray) -> Iterator[np.ndarray]:
        for piece in digest_of(chunk):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(generating, "_pieces", pieces)
    facts = write_frames(Painter(), clip, SOUND, GenerateContext(batch_size=45), tmp_path / "a.mkv")
    whole = write_frames(Painter(), clip, SOUND, GenerateContext(batch_size=45), tmp_path / "b.mkv")
    assert sizes[:5] == [10, 10, 10, 10, 5] and facts == whole


_REAL = """
import resource, sys
from pathlib import Path
import numpy as np, psutil, torch
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.stages.generate_frames import in_batches_that_fit, write_frames
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
torch.set_num_threads(1)

class Hungry:
    card = ModelCard("hungry", "model")
    def generate(self, clip, audio, context):
        for first in range(0, clip.frames, context.batch_size):
            count = min(context.batch_size, clip.frames - first)
            layer = torch.empty(context.batch_size, 256 << 20, dtype=torch.uint8)
            yield layer[:count, : 32 * 32 * 3].reshape(count, 32, 32, 3).numpy()

clip = PreparedClip("a", "b", Path(), {"frames": 20, "size": 32})
context = GenerateContext(batch_size=16)
write_frames(Hungry(), clip, np.zeros(0, np.int16), GenerateContext(batch_size=1), Path(sys.argv[1]))
room = psutil.Process().memory_info().vms + (1500 << 20)
resource.setrlimit(resource.RLIMIT_AS, (room, room))
print(write_frames(Hungry(), clip, np.zeros(0, np.int16), context, Path(sys.argv[1]))["batch_size"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits on addresses are Linux's")
def test_a_real_shortage_of_pytorch(tmp_path: Path) -> None:
    """A quarter of a gigabyte a frame, two batches held at once, in a process that may have 1.5 more: two fit."""
    command = [sys.executable, "-c", _REAL, str(tmp_path / "a.mkv")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ourselves
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2"]
    assert "out of memory on cpu with 16 frames at once; going on with 8" in done.stderr
