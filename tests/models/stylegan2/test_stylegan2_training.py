"""A tiny GAN trains, is killed and goes on exactly; its average, its data and its files are what they say."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.prior import Prior, PriorInfo, load_prior, save_prior
from bench_lipsync.models.stylegan2.training.data import draw, load_frames
from bench_lipsync.models.stylegan2.training.settings import PRESETS, GanSettings
from bench_lipsync.models.stylegan2.training.sheet import write_sheet
from bench_lipsync.models.stylegan2.training.train import run
from bench_lipsync.models.stylegan2.training.trainer import GanTrainer
from bench_lipsync.models.training.settings import make_settings

TINY = GanSettings(
    network=PriorConfig(resolution=16, channel_base=64, channel_max=8, w_dim=8, z_dim=8, mapping_layers=2),
    discriminator_base=64,
    discriminator_max=8,
    kimg=0.096,
    batch=4,
    group=2,
    r1_every=4,
    path_every=3,
    ema_kimg=0.02,
    precision="fp32",
    save_every=5,
    sheet_every=1000,
)
STEPS = 24


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def frames() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)


class FakeClip:
    """As much of a prepared clip as the data needs."""

    def __init__(self, frames: NDArray[np.uint8], name: str = "clip", promised: int | None = None) -> None:
        self.pixels, self.id, self.identity, self.size = frames, name, name, frames.shape[1]
        self.frames = len(frames) if promised is None else promised
        self.content_hash = f"{name}-{frames.sum()}"

    def read_frames(self, chunk: int) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self.pixels), chunk):
            yield self.pixels[start : start + chunk]


def weights(trainer: GanTrainer) -> list[torch.Tensor]:
    networks = (trainer.generator, trainer.discriminator, trainer.ema)
    return [value.clone() for network in networks for value in network.state_dict().values()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("share", [True, False])
def test_a_step_moves_both_networks_and_penalties_come_when_due(share: bool, frames: NDArray[np.uint8]) -> None:
    trainer = GanTrainer(TINY.model_copy(update={"share_fakes": share}), frames)
    before = weights(trainer)
    first = trainer.step()
    assert trainer.done == 1
    changed = [not torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True)]
    names = [name for part in ("generator", "discriminator") for name in getattr(trainer, part).state_dict()]
    still = {name for name, moved in zip(names, changed, strict=False) if not moved}
    assert all(name.endswith(("resample_filter", "noise_const")) for name in still), still
    steps = [trainer.step() for _ in range(4)]
    assert first.r1 == steps[0].r1 == steps[2].r1 != steps[3].r1, "R1 in steps 0 and 4"
    assert first.path == steps[1].path != steps[2].path, "path length in steps 0 and 3"


def test_the_average_follows_with_its_half_life(frames: NDArray[np.uint8]) -> None:
    trainer = GanTrainer(TINY, frames)
    before = trainer.ema.synthesis.b4.const.clone()
    trainer.step()
    new = trainer.generator.synthesis.b4.const.detach()
    # Four pictures a step and a half-life of 20 pictures.
    torch.testing.assert_close(trainer.ema.synthesis.b4.const, new + (before - new) * 0.5 ** (4 / 20))
    assert torch.equal(trainer.ema.mapping.w_avg, trainer.generator.mapping.w_avg)
    assert float(trainer.ema.mapping.w_avg.abs().sum()) > 0


def test_a_young_average_follows_closely(frames: NDArray[np.uint8]) -> None:
    trainer = GanTrainer(TINY.model_copy(update={"ema_ramp": 0.05}), frames)
    before = trainer.ema.synthesis.b4.const.clone()
    trainer.step()
    new = trainer.generator.synthesis.b4.const.detach()
    torch.testing.assert_close(trainer.ema.synthesis.b4.const, new + (before - new) * 0.5**20)


def test_it_learns_the_colour_of_the_pictures() -> None:
    plain = np.full((4, 16, 16, 3), (230, 30, 120), np.uint8)
    trainer = GanTrainer(TINY.model_copy(update={"lr": 0.01, "ema_kimg": 0.05}), plain)
    for _ in range(60):
        trainer.step()
    with torch.no_grad():
        mean = trainer.ema(torch.randn(16, 8)).mean(dim=(0, 2, 3))
    wanted = torch.tensor([230, 30, 120]) / 127.5 - 1
    assert float((mean - wanted).abs().max()) < 0.45


def test_a_killed_training_goes_on_to_the_same_losses(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    script = (
        "import sys, torch; torch.set_num_threads(1); from pathlib import Path; "
        f"sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "from test_stylegan2_training import train_tiny; train_tiny(Path(sys.argv[1]))"
    )
    straight = train_tiny(tmp_path / "straight")
    killed = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, str(killed)]
    process = subprocess.Popen(command, env=environment)  # noqa: S603 - our own script
    deadline = time.monotonic() + 120
    while not (killed / "state.pt").is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (killed / "state.pt").is_file()
    assert train_tiny(killed) == straight
    one, other = (load_prior(folder / "prior.safetensors") for folder in (tmp_path / "straight", killed))
    assert all(torch.equal(value, other.synthesis_state[key]) for key, value in one.synthesis_state.items())


def train_tiny(out: Path) -> list[list[str]]:
    """Train in `out` and return the log without its times."""
    import bench_lipsync.models.stylegan2.training.train as module

    module.LOG_EVERY = 1
    frames = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    run([FakeClip(frames)], out, TINY)  # type: ignore[list-item]
    with (out / "log.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == STEPS + 1
    return [row[:-1] for row in rows]


def test_resuming_equals_not_stopping_and_other_settings_are_named(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    straight = GanTrainer(TINY, frames)
    for _ in range(3):
        straight.step()
    straight.save(tmp_path / "state.pt")
    for _ in range(3):
        straight.step()
    torch.manual_seed(99)
    resumed = GanTrainer(TINY, frames)
    resumed.load(tmp_path / "state.pt")
    for _ in range(3):
        resumed.step()
    assert same(weights(straight), weights(resumed))
    with pytest.raises(BenchError, match=r"made with batch \S+, not \S+; lr \S+, not \S+;"):
        GanTrainer(TINY.model_copy(update={"lr": 1.0, "batch": 8}), frames).load(tmp_path / "state.pt")
    with pytest.raises(BenchError, match="made with 12 frames, not 11"):
        GanTrainer(TINY, frames[:11]).load(tmp_path / "state.pt")
    GanTrainer(TINY.model_copy(update={"kimg": 5.0}), frames).load(tmp_path / "state.pt")


def test_frames_are_flat_scaled_and_kept(tmp_path: Path) -> None:
    first = np.zeros((3, 32, 32, 3), np.uint8)
    first[:, :, 16:] = 200
    clips: Any = [FakeClip(first, "a"), FakeClip(np.full((2, 32, 32, 3), 9, np.uint8), "b")]
    flat = load_frames(clips, tmp_path, 16)
    assert flat.shape == (5, 16, 16, 3)
    assert flat[0, 0, 7, 0] == 0
    assert flat[2, 15, 8, 2] == 200
    assert (flat[3:] == 9).all()
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    load_frames(clips, tmp_path, 16)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == made


def test_missing_small_and_short_frames_are_named(tmp_path: Path) -> None:
    small: Any = [FakeClip(np.zeros((2, 16, 16, 3), np.uint8), "small")]
    with pytest.raises(BenchError, match="no frames to train on: 0 clips"):
        load_frames([], tmp_path, 16)
    with pytest.raises(BenchError, match=r"prepared at 16 px \(small first\).* to 32 px"):
        load_frames(small, tmp_path, 32)
    broken: Any = [FakeClip(np.zeros((2, 16, 16, 3), np.uint8), "broken", promised=3)]
    with pytest.raises(BenchError, match="hold 2 frames where 3 were announced"):
        load_frames(broken, tmp_path, 16)
    assert not list(tmp_path.rglob("clips.json")), "which would say that the arrays are complete"


def test_half_of_the_drawn_pictures_are_mirrored(frames: NDArray[np.uint8]) -> None:
    frames = frames[:1].copy()
    rng = np.random.default_rng(0)
    plain = draw(frames, 50, rng, mirror=False)
    assert plain.shape == (50, 3, 16, 16)
    torch.testing.assert_close(plain[0], torch.from_numpy(frames[0]).permute(2, 0, 1) / 127.5 - 1)
    assert all(torch.equal(plain[0], picture) for picture in plain)
    mixed = draw(frames, 50, rng, mirror=True)
    kinds = [torch.equal(picture, plain[0]) for picture in mixed]
    assert 15 < sum(kinds) < 35
    assert all(kind or torch.equal(picture, plain[0].flip(-1)) for kind, picture in zip(kinds, mixed, strict=True))


def test_priors_survive_the_disk_and_foreign_files_are_refused(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    from safetensors.torch import save_file

    trainer = GanTrainer(TINY, frames)
    trainer.step()
    ema, path = trainer.ema, tmp_path / "prior.safetensors"
    states = ema.synthesis.state_dict(), ema.mapping.state_dict()
    save_prior(path, Prior(states[0], ema.mapping.w_avg, ema.config, states[1], PriorInfo(kimg=1.5)))
    prior = load_prior(path)
    assert prior.info.kimg == 1.5
    z = torch.randn(2, 8)
    # The layout in memory differs, and with it the rounding.
    torch.testing.assert_close(prior.generator()(z), ema(z))
    with pytest.raises(BenchError, match=r"no StyleGAN2 prior at .*: `bench train stylegan2`"):
        load_prior(tmp_path / "missing.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BenchError, match="has format 'None'"):
        load_prior(tmp_path / "other.safetensors")
    del states[0]["b8.conv0.weight"]
    save_prior(path, Prior(states[0], ema.mapping.w_avg, ema.config, states[1], PriorInfo()))
    with pytest.raises(BenchError, match=r"synthesis\.b8\.conv0\.weight is missing, expected \(8, 8, 3, 3\)"):
        load_prior(path)


def test_a_sheet_has_both_halves_and_leaves_the_random_state(tmp_path: Path, frames: NDArray[np.uint8]) -> None:
    import cv2

    trainer = GanTrainer(TINY, frames)
    state = torch.get_rng_state()
    write_sheet(tmp_path / "sheets" / "1.png", trainer.ema)
    assert torch.equal(state, torch.get_rng_state())
    assert cv2.imread(str(tmp_path / "sheets" / "1.png")).shape == (128, 128, 3)


def test_recipes() -> None:
    from bench_lipsync.models.stylelipsync.training.settings import DEMO_NETWORK

    published, demo = PRESETS["published"], PRESETS["demo"]
    assert (published.batch, published.group, published.lr, published.r1_gamma) == (64, 8, 0.0025, 1.0)
    assert (published.r1_every, published.path_every, published.path_weight) == (16, 4, 2.0)
    assert (published.kimg, published.ema_kimg, published.betas) == (25_000, 20, (0.0, 0.99))
    assert published.network.channels[256] == 64
    assert demo.network.channels == DEMO_NETWORK.channels
    assert (demo.network.resolution, demo.network.w_dim) == (DEMO_NETWORK.resolution, DEMO_NETWORK.w_dim)
    assert make_settings(PRESETS, "demo", {"kimg": 1.0, "lr": None}).steps == 125
    with pytest.raises(BenchError, match="published or demo"):
        make_settings(PRESETS, "best", {})
    with pytest.raises(BenchError, match="batch of 6 cannot be divided into groups of 4"):
        make_settings(PRESETS, "demo", {"batch": 6})
