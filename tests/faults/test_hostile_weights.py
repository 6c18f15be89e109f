"""No file that claims to be weights runs code, fills the memory or shows a traceback, wherever it is given."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_weights import BOMBS, LAYOUTS, PAYLOADS

from bench_lipsync.harness.errors import BenchError, ClipError

pytestmark = pytest.mark.faults
FULL = os.environ.get("BENCH_FAULTS") == "full"
MAX_SECONDS = 30.0
"""Of processor time."""
MAX_GROWTH = 600 << 20
"""Bytes by which the peak of memory may rise; the networks themselves take some."""


def _stylelipsync(path: Path) -> Any:
    import torch

    from bench_lipsync.models.stylelipsync.checkpoint import load_checkpoint

    torch.save({"w_avg": torch.zeros(512)}, path.with_name("w_avg.pth"))
    return load_checkpoint(path)


def _mean_latent(path: Path) -> Any:
    import torch

    from bench_lipsync.models.stylelipsync.checkpoint import load_checkpoint

    weights = path.with_name("other.pth")
    torch.save({"G": {}}, weights)
    return load_checkpoint(weights, path)


def _wav2lip(path: Path) -> Any:
    from bench_lipsync.models.wav2lip.checkpoint import load_wav2lip

    return load_wav2lip(path)


def _syncnet(path: Path) -> Any:
    from bench_lipsync.models.syncnet.published.checkpoint import load_syncnet_v2

    return load_syncnet_v2(path)


def _open_syncnet(path: Path) -> Any:
    from bench_lipsync.models.syncnet.open.network import load_open_syncnet

    return load_open_syncnet(path)


def _expert(path: Path) -> Any:
    from bench_lipsync.models.syncnet.expert.network import load_expert

    return load_expert(path)


def _s3fd(path: Path) -> Any:
    from bench_lipsync.models.backbones.s3fd.detector import _load

    return _load(path)


def _prior(path: Path) -> Any:
    from bench_lipsync.models.stylegan2.prior import load_prior

    return load_prior(path)


def _convert(path: Path) -> Any:
    from bench_lipsync.models.stylegan2.convert import convert

    return convert(path)


def _array_pickle(path: Path) -> Any:
    from bench_lipsync.harness.serialization.array_pickle import read_array_pickle

    return read_array_pickle(path)


def _torchscript(path: Path) -> Any:
    from bench_lipsync.harness.serialization.array_pickle import read_torchscript

    return read_torchscript(path)


def _i3d(path: Path) -> Any:
    from bench_lipsync.models.backbones.i3d import load_i3d

    return load_i3d(path)


def _face_track(path: Path) -> Any:
    from bench_lipsync.harness.faces.track import FaceTrack

    return FaceTrack.load(path)


def _add_asset(path: Path) -> Any:
    from bench_lipsync.harness.assets.add import add_asset

    return add_asset("syncnet_v2", path)


def _state_of_a_training(path: Path) -> Any:
    from bench_lipsync.harness.serialization.weights import read_torch

    return read_torch(path)["settings"]["nothing of the kind"]


READERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "stylelipsync": (_stylelipsync, ".pth"),
    "stylelipsync_safetensors": (_stylelipsync, ".safetensors"),
    "mean_latent": (_mean_latent, ".pth"),
    "wav2lip": (_wav2lip, ".pth"),
    "wav2lip_safetensors": (_wav2lip, ".safetensors"),
    "syncnet_v2": (_syncnet, ".model"),
    "open_syncnet": (_open_syncnet, ".safetensors"),
    "sync_expert": (_expert, ".safetensors"),
    "s3fd": (_s3fd, ".pth"),
    "prior": (_prior, ".safetensors"),
    "convert_pkl": (_convert, ".pkl"),
    "convert_pt": (_convert, ".pt"),
    "convert_safetensors": (_convert, ".safetensors"),
    "array_pickle": (_array_pickle, ".ckpt"),
    "torchscript": (_torchscript, ".pt"),
    "i3d": (_i3d, ".ckpt"),
    "face_track": (_face_track, ".npz"),
    "asset_add": (_add_asset, ".model"),
}
"""Every place that reads weights or arrays which somebody else may have made."""


def _pairs() -> list[tuple[str, str]]:
    """Every bomb for every reader; by default for a quarter of the readers, each time others."""
    pairs = [(reader, bomb) for reader in READERS for bomb in BOMBS]
    return pairs if FULL else pairs[::4] + [("convert_pkl", bomb) for bomb in ("pickle_large_memo",)]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries take time and memory the first time; no file is charged for it."""
    import bench_lipsync.models.backbones.i3d
    import bench_lipsync.models.backbones.s3fd.detector
    import bench_lipsync.models.stylegan2.convert
    import bench_lipsync.models.stylelipsync.checkpoint
    import bench_lipsync.models.syncnet.expert.network
    import bench_lipsync.models.syncnet.open.network
    import bench_lipsync.models.wav2lip.checkpoint  # noqa: F401


@contextmanager
def _refused(trace: Path) -> Iterator[None]:
    """Inside, a typed refusal is raised in time and memory, and nothing is run."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises((BenchError, ClipError)) as caught:
        yield
    assert time.process_time() - began < MAX_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MAX_GROWTH
    assert not trace.exists() and not (Path.cwd() / "owned").exists(), "code in the file was run"
    message = str(caught.value)
    assert "Traceback" not in message and "weights_only=False" not in message and len(message) < 1000, message


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reader", READERS)
def test_code_in_weights_is_never_run(
    reader: str, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    read, suffix = READERS[reader]
    # One of them by default, another one for every pair of reader and layout.
    turn = (list(READERS).index(reader) + list(LAYOUTS).index(layout)) % len(PAYLOADS)
    for name in list(PAYLOADS) if FULL else [list(PAYLOADS)[turn]]:
        payload = PAYLOADS[name]
        path, trace = tmp_path / f"{name}{suffix}", tmp_path / f"trace-{name}"
        LAYOUTS[layout](payload(trace), path)
        with _refused(trace):
            read(path)


@pytest.mark.parametrize(("reader", "bomb"), _pairs())
def test_weights_that_are_none_or_a_bomb_are_refused(
    reader: str, bomb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    read, suffix = READERS[reader]
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(BOMBS[bomb]())
    with _refused(tmp_path / "trace"):
        read(path)


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_payloads_do_run_where_nobody_is_careful(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files above test something."""
    import pickle
    import webbrowser

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(PAYLOADS[name](trace)))  # noqa: S301 - the point
    assert trace.exists() or opened or name == "import"


def test_no_reader_of_ours_may_run_code() -> None:
    """What the readers above are built from: every call that could run code says that it must not."""
    import re

    root = Path(__file__).resolve().parents[2]
    careless = re.compile(
        r"torch\.load\((?![^\n]*weights_only=True)|pickle\.loads?\(|yaml\.(unsafe_|full_)?load\((?!=)|allow_pickle=True|"
        r"joblib|cloudpickle|shelve|marshal\.load|torch\.jit\.load|\bextractall\(|unpack_archive|shell=True|os\.system\("
    )
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for package in ("harness", "models", "metrics", "baselines", "reports")
        for path in sorted((root / package).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if careless.search(line) and not line.lstrip().startswith(("#", '"""'))
    ]
    known = ("harness/executors/",)  # our own workers' messages to us, never a file
    assert not [line for line in found if not line.startswith(known)]


def test_arrays_with_objects_are_refused(tmp_path: Path) -> None:
    """The store's own reader of features."""
    from bench_lipsync.harness.scoring.score_files import load_curves, load_features

    path = tmp_path / "features.npz"
    np.savez(path, FID=np.array([{"a": 1}], object))
    with pytest.raises(BenchError, match="holds no scores"):
        load_features(path, "FID")
    with pytest.raises(BenchError, match="holds no scores"):
        load_curves(path)
