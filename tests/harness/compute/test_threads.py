"""One number of threads: settled before and after libraries are loaded, and then the same bits whatever was set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from face_tracks import plain_track

from bench_lipsync.harness.compute.threads import VARIABLE, settle_threads, thread_count
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import LosslessWriter, write_wav

_ABOUT = """
import json, sys, threading
if sys.argv[1] == "loaded":
    import cv2, numpy, scipy.linalg, torch
from bench_lipsync.harness.compute.threads import settle_threads
settle_threads()
import cv2, numpy, scipy.linalg, torch, threadpoolctl
seen = []
thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
thread.start()
thread.join()
pools = {one["prefix"]: one["num_threads"] for one in threadpoolctl.threadpool_info()}
print(json.dumps({"torch": torch.get_num_threads(), "other thread": seen[0], "cv2": cv2.getNumThreads(), **pools}))
"""

# Products and networks with real weights whose bits depend on the number of threads (docs/profile.md).
_BITS = """
import hashlib, sys
from pathlib import Path
from bench_lipsync.harness.compute.threads import settle_threads
settle_threads()
import numpy, threadpoolctl, torch
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.registry.plugins import MODELS
clip = PreparedClip.load(Path(sys.argv[1]))
models = [MODELS.get(name)() for name in ("stylelipsync", "wav2lip")]
some = numpy.random.default_rng(0).normal(size=(300, 2048)).astype(numpy.float32)
for count in sys.argv[2:]:
    if count != "fresh":
        threadpoolctl.threadpool_limits(int(count))
        torch.set_num_threads(int(count))
        settle_threads()
    digest = hashlib.sha256()
    for model in models:
        for frames in model.generate(clip, clip.audio(), GenerateContext()):
            digest.update(frames.tobytes())
    digest.update((some @ some.T).tobytes())
    digest.update(numpy.linalg.eigvalsh(some.astype(float) @ some.T).tobytes())
    print(digest.hexdigest())
"""


def python(code: str, *arguments: str, **environment: str) -> list[str]:
    """The lines that `code` prints in a process of its own."""
    unset = {name for name in os.environ if name.endswith("_NUM_THREADS") or name == VARIABLE}
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(  # noqa: S603 - this very interpreter
        command, env={**clean, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("when", ["before", "loaded"])
def test_every_library_is_settled_before_and_after_it_is_loaded(when: str) -> None:
    found = json.loads(python(_ABOUT, when, OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="2")[-1])
    assert len(found) >= 5, "torch, the same in another thread, OpenCV, OpenMP, NumPy's OpenBLAS"
    assert set(found.values()) == {1}, found


def test_the_variable_overrules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert thread_count() == 1
    monkeypatch.setenv(VARIABLE, "4")
    assert thread_count() == 4
    for bad in ("0", "-1", "all", "", "1.5"):
        monkeypatch.setenv(VARIABLE, bad)
        with pytest.raises(BenchError, match="number of threads"):
            settle_threads()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared clip of noise with a face's outline that stands still, 12 frames."""
    folder, frames, size = tmp_path_factory.mktemp("clip"), 12, 96
    rng = np.random.default_rng(0)
    with LosslessWriter(folder / "video.mkv", size, size) as writer:
        writer.write(rng.integers(0, 256, (frames, size, size, 3), dtype=np.uint8))
    write_wav(folder / "audio.wav", rng.integers(-3000, 3000, frames * 640, dtype=np.int16))
    plain_track(np.tile(rng.uniform(20, size - 20, (478, 3)), (frames, 1, 1))).save(folder / "faces.npz")
    meta = {
        "id": "a",
        "identity": "b",
        "frames": frames,
        "size": size,
        "content_hash": "c",
        "crop": {"face_height": 0.6},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def test_the_same_bits_whatever_number_was_set(clip: Path) -> None:
    found = python(_BITS, str(clip), "fresh", "1", "2", "3", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    found += python(_BITS, str(clip), "fresh", OMP_NUM_THREADS="3", OPENBLAS_NUM_THREADS="2")
    assert len(found) == 5 and len(set(found)) == 1
