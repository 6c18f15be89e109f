"""A disk that takes nothing more, is read-only or fails: the run ends with a way out, no clip is to blame, and the same
command goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av.error
import noise_runs
import pytest
from noise_runs import Darker, NoiseRuns, noise  # noqa: F401, a fixture
from results_digest import differences

from bench_lipsync.harness.errors import BenchError, ClipError, NoRoomError, Status
from bench_lipsync.harness.media import LosslessWriter
from bench_lipsync.harness.media.container import media_errors
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import disk
from bench_lipsync.harness.util.disk import machine_error, storage_error
from bench_lipsync.metrics.image.psnr import PsnrScorer

pytestmark = pytest.mark.faults
HERE = Path(__file__).parent
SIZE = 9_000_000
"""Bytes of the small disk; the run of these tests needs half of it."""
FULL_DISK = [errno.ENOSPC, errno.EDQUOT, errno.EROFS]


def _no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _ffmpeg(number: int) -> Exception:
    """FFmpeg's own error of that number, as PyAV raises it."""
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-number)
    return caught.value


# Where the disk gives up: each takes a run's first clip along in another way.


def _in_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", _no_space)


def _in_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: LosslessWriter, chunk: object) -> None:
        with disk.written_by_ffmpeg(self.path):
            raise _ffmpeg(errno.ENOSPC)

    monkeypatch.setattr(LosslessWriter, "write", write)


def _in_media_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(clip: object, folder: Path, size: int) -> None:
        with media_errors(folder / "preview.mp4"):
            raise _ffmpeg(errno.ENOSPC)

    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", prepare)


def _in_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def generate(self: Darker, clip: object, audio: object, context: object):
        _no_space()
        yield

    monkeypatch.setattr(Darker, "generate", generate)


def _in_a_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PsnrScorer, "open", _no_space)


def _when_scores_are_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.write_bytes", _no_space)


def _when_an_entry_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.store.store.seal", _no_space)


def _when_an_entry_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.store.scratch.sync_tree", _no_space)


def _when_a_table_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", _no_space)
    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_batch", _no_space)


def _when_a_video_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _no_space)
    monkeypatch.setattr(shutil, "copyfile", _no_space)


PLACES = [
    *(_in_preparation, _in_the_encoder, _in_media_errors, _in_a_model, _in_a_scorer, _when_scores_are_saved),
    *(_when_an_entry_is_listed, _when_an_entry_is_synced, _when_a_table_is_written, _when_a_video_is_copied),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
def test_wherever_the_disk_gives_up_the_same_command_goes_on(
    noise: NoiseRuns,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[pytest.MonkeyPatch], None],
) -> None:
    with monkeypatch.context() as broken:
        place(broken)
        with pytest.raises(NoRoomError, match=r"No space left on device.*free.*the same command goes on"):
            noise.run()
    before = noise.entries()
    assert not any((entry / "failure.json").exists() for entry in before), "a clip was blamed"
    assert not list((noise.root / "cache/store/tmp").iterdir())
    resumed = noise.run()
    assert resumed.result.status == "complete" and not resumed.result.failures
    assert before <= noise.entries()
    whole = noise.run("whole")
    assert differences(resumed.folder, whole.folder) == []


@pytest.mark.parametrize("number", [*FULL_DISK, errno.EIO])
def test_every_way_a_disk_refuses_is_told_apart_from_a_broken_clip(tmp_path: Path, number: int) -> None:
    store, remember = Store(tmp_path), frozenset({Status.DECODE_ERROR})

    def build(folder: Path) -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise ClipError(Status.DECODE_ERROR, "cannot be decoded") from error

    for _ in range(2):
        with pytest.raises(NoRoomError, match=os.strerror(number)):
            store.make("prepare", {}, build, remember)
    assert store.make("prepare", {}, lambda folder: None).made


@pytest.mark.parametrize("error", [MemoryError("out"), OSError(errno.EMFILE, "files"), PermissionError(13, "no")])
def test_what_the_machine_lacks_is_not_remembered_of_a_clip(tmp_path: Path, error: Exception) -> None:
    def build(folder: Path) -> None:
        raise ClipError(Status.DECODE_ERROR, "cannot be decoded") from error

    store = Store(tmp_path)
    with pytest.raises(ClipError):
        store.make("prepare", {}, build, frozenset({Status.DECODE_ERROR}))
    assert store.make("prepare", {}, lambda folder: None).made


def test_what_ffmpeg_says_of_a_broken_file_is_remembered(tmp_path: Path) -> None:
    calls = []

    def build(folder: Path) -> None:
        calls.append(1)
        with media_errors(folder / "clip.mp4"):
            raise _ffmpeg(errno.EIO)  # FFmpeg's word for many a truncated file, too.

    for _ in range(2):
        with pytest.raises(ClipError, match="Input/output error"):
            Store(tmp_path).make("prepare", {}, build, frozenset({Status.DECODE_ERROR}))
    assert calls == [1]


def test_the_cause_is_found_however_deep() -> None:
    try:
        try:
            _no_space()
        except OSError as error:
            raise ValueError("could not be saved") from error
    except ValueError as error:
        wrapped = RuntimeError("something else")
        wrapped.__cause__ = error
    assert storage_error(wrapped) and machine_error(wrapped)
    assert storage_error(ValueError()) is None and storage_error(_ffmpeg(errno.EIO)) is None
    assert storage_error(_ffmpeg(errno.ENOSPC))


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"writing below .* failed"):
        Store(tmp_path / "file").make("stage", {}, lambda folder: None)


# A real file system without room. It lives and ends in a namespace of its own.


def _in_a_small_disk(words: list[str], folder: Path, **values: object) -> subprocess.CompletedProcess[str]:
    """Run Python with `words` while a file system of `SIZE` bytes is mounted at `folder`."""
    folder.mkdir()
    inside = f'mount -t tmpfs -o size={SIZE} none "$DISK" && exec "$@"'
    path = os.pathsep.join(map(str, (HERE.parent / "support", HERE, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "DISK": str(folder), "PYTHONPATH": path}
    environment.update({key: str(value) for key, value in values.items()})
    command = ["unshare", "-rm", "sh", "-c", inside, "sh", sys.executable, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)  # noqa: S603


def _require_mounts(tmp_path: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("NOT CHECKED: a real full disk; needs unshare")
    tried = _in_a_small_disk(["-c", "print('mounted')"], tmp_path / "trial")
    if "mounted" not in tried.stdout:
        pytest.skip(f"NOT CHECKED: a real full disk; no file system may be mounted here ({tried.stderr.strip()[:80]})")


def test_a_real_full_disk(tmp_path: Path) -> None:
    _require_mounts(tmp_path)
    for name in noise_runs.CLIPS:
        path = tmp_path / "clips" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    config = {"models": ["darker"], "dataset": "folder", "metrics": ["PSNR"], "size": noise_runs.SIZE}
    (tmp_path / "small.yaml").write_text(json.dumps({**config, "data_root": str(tmp_path / "clips")}))
    kept = [*(SIZE - free for free in (100_000, 1_200_000, 2_500_000, 3_800_000)), 0]
    done = _in_a_small_disk([str(HERE / "full_disk.py")], tmp_path / "disk", ROOT=tmp_path, KEPT=kept)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    codes = [code for code, _ in told["ended"]]
    assert codes[0] == 2 and codes[-1] == 0 and set(codes) <= {0, 2}, told
    assert codes.count(2) >= 2, "the disk was larger than this test needs"
    for code, said in told["ended"]:
        assert "Traceback" not in said
        if code == 2:
            assert "No space left on device" in said and "MB free" in said and "same command goes on" in said
    assert told["same"] and told["left"] == [], told


def test_a_real_read_only_store(tmp_path: Path) -> None:
    """What is there is found; what is missing ends with a message; nothing crashes."""
    _require_mounts(tmp_path)
    done = _in_a_small_disk(["-c", READ_ONLY], tmp_path / "disk")
    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in done.stdout


READ_ONLY = """
import os, subprocess
from pathlib import Path
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.store.maintenance import make_room
from bench_lipsync.harness.errors import BenchError

disk = Path(os.environ["DISK"])
store = Store(disk / "store")
entry = store.make("stage", {"n": 1}, lambda folder: (folder / "a").write_text("a")).path
broken = store.make("stage", {"n": 2}, lambda folder: (folder / "a").write_text("a")).path
(broken / "a").write_text("aaa")
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
assert store.find("stage", {"n": 1}) == entry
assert store.find("stage", {"n": 2}) is None and broken.is_dir()
store.sweep()
with store.lease():
    assert store.remove(entry) is False
    assert make_room(store, max_bytes=0, max_age=0).entries == ()
try:
    store.make("stage", {"n": 3}, lambda folder: None)
except BenchError as error:
    print(error)
"""
