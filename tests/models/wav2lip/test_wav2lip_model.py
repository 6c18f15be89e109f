"""Wav2Lip as a model under test: boxes, pasting, weights files, and what it says about itself."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.models.wav2lip.boxes import Pads, detector_boxes, padded_boxes, smooth_boxes
from bench_lipsync.models.wav2lip.checkpoint import load_wav2lip, save_wav2lip
from bench_lipsync.models.wav2lip.crops import network_input, to_bgr
from bench_lipsync.models.wav2lip.model import DEMO_WEIGHTS, Wav2Lip, draw_frames
from bench_lipsync.models.wav2lip.network import Wav2LipNet

SIZE, FRAMES, DIVIDE = 64, 11, 16


@dataclass(frozen=True)
class Faces:
    landmarks: np.ndarray


class SyntheticClip(PreparedClip):
    """A prepared clip that lies in memory instead of in files."""

    def read_frames(self, start: int = 0, stop: int | None = None, chunk: int = 32):
        pixels = np.random.default_rng(0).integers(0, 256, (self.frames, SIZE, SIZE, 3), np.uint8)[start:stop]
        yield from (pixels[i : i + chunk] for i in range(0, len(pixels), chunk))

    @property
    def faces(self) -> Faces:
        return Faces(face_at(np.full(self.frames, 20.0)))


def face_at(left: np.ndarray) -> np.ndarray:
    """Landmarks of a face 30 px wide and 36 px high, whose oval begins at `left`."""
    landmarks = np.zeros((len(left), 478, 3), np.float32)
    landmarks[:, 151, 1], landmarks[:, 152, 1] = 12, 48
    landmarks[:, 234, 0], landmarks[:, 454, 0] = left, left + 30
    return landmarks


def synthetic(frames: int = FRAMES) -> SyntheticClip:
    return SyntheticClip("c", "c", Path("nowhere"), {"frames": frames, "size": SIZE})


def sound(seed: int, frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, 640 * frames).astype(np.int16)


@pytest.fixture(scope="module")
def net() -> Wav2LipNet:
    torch.manual_seed(0)
    network = Wav2LipNet(DIVIDE).eval()
    # Louder than a random network is, so that what it hears shows in 8-bit levels.
    network.output_block[1].weight.data *= 100
    for block in network.audio_encoder:
        block.conv_block[1].weight.data *= 3
    return network


@pytest.fixture(scope="module")
def weights(net: Wav2LipNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_wav2lip(path, net, {"name": "tiny", "trained_on": "noise"})
    return path


def frames(model: LipSyncModel, audio: np.ndarray, batch_size: int = 4) -> np.ndarray:
    return np.concatenate(list(model.generate(synthetic(), audio, GenerateContext(batch_size=batch_size))))


def test_boxes_are_the_detectors_with_padding() -> None:
    boxes = detector_boxes(face_at(np.array([20.0])))
    assert boxes.tolist() == [[23, 12, 47, 48]]
    assert padded_boxes(boxes, SIZE, Pads()).tolist() == [[23, 12, 47, 58]]
    assert padded_boxes(boxes, SIZE, Pads(top=20, bottom=40, right=30)).tolist() == [[23, 0, 64, 64]]


def test_smoothing_looks_ahead_truncates_and_reuses_its_own_means_at_the_end() -> None:
    boxes = np.array([[0], [0], [0], [0], [4], [10], [10]]).repeat(4, axis=1)
    # Windows 0:5, 1:6, 2:7, and from there on always 2:7, of which what was written is read again.
    assert smooth_boxes(boxes)[:, 0].tolist() == [0, 2, 4, 5, 6, 7, 6]
    assert boxes[4, 0] == 4


def test_the_network_sees_blue_first_and_no_mouth_in_its_first_half() -> None:
    faces = np.zeros((1, 96, 96, 3), np.uint8)
    faces[..., 0] = 255  # red
    seen = network_input(to_bgr(faces), to_bgr(faces))
    assert seen.shape == (1, 6, 96, 96)
    assert seen[0, :, 0, 0].tolist() == [0, 0, 1, 0, 0, 1]
    assert seen[0, :, 95, 0].tolist() == [0, 0, 0, 0, 0, 1]


def test_only_the_box_changes(net: Wav2LipNet) -> None:
    truth = np.random.default_rng(3).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    boxes = np.array([[10, 12, 40, 50], [11, 13, 41, 51]])
    output = draw_frames(net, truth, boxes, np.zeros((2, 1, 80, 16), np.float32))
    for drawn, true, (left, top, right, bottom) in zip(output, truth, boxes, strict=True):
        inside = np.zeros((SIZE, SIZE), bool)
        inside[top:bottom, left:right] = True
        assert np.array_equal(drawn[~inside], true[~inside])
        assert not np.array_equal(drawn[inside], true[inside])


def test_an_empty_box_is_a_typed_failure(net: Wav2LipNet) -> None:
    truth = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    with pytest.raises(ClipError, match="face box is empty"):
        draw_frames(net, truth, np.array([[5, 5, 5, 9]]), np.zeros((1, 1, 80, 16), np.float32))


def test_keeps_the_contract_and_follows_the_sound(weights: Path) -> None:
    model = Wav2Lip(weights)
    assert isinstance(model, LipSyncModel)
    assert model.card.weights.startswith("tiny@")
    first = frames(model, sound(1))
    assert first.shape == (FRAMES, SIZE, SIZE, 3)
    assert np.array_equal(first, frames(model, sound(1), batch_size=3))
    assert not np.array_equal(first, frames(model, sound(2)))


def test_the_demo_weights_come_with_the_package_and_say_what_they_are() -> None:
    assert DEMO_WEIGHTS.stat().st_size < 10_000_000
    card = Wav2Lip().card
    assert card.weights.startswith("wav2lip-demo@") and "demo" in card.trained_on
    assert "say nothing about the published model" in card.caveat
    drawn = frames(Wav2Lip(), sound(1))
    assert np.array_equal(drawn[:, :8], np.concatenate(list(synthetic(FRAMES).read_frames()))[:, :8])


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench_lipsync.models.wav2lip.model.DEMO_WEIGHTS", tmp_path / "demo.safetensors")
    with pytest.raises(BenchError, match=r"--model wav2lip:wav2lip\.pth.*bench train wav2lip"):
        Wav2Lip()


def test_too_little_sound_is_a_typed_failure(weights: Path) -> None:
    with pytest.raises(ClipError, match=r"0\.2 s at a time"):
        next(Wav2Lip(weights).generate(synthetic(3), sound(1, 3), GenerateContext()))


def test_the_published_layout_loads(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = Wav2LipNet().state_dict()
    state = {f"module.{key}": torch.zeros(value.shape, dtype=value.dtype) for key, value in shapes.items()}
    torch.save({"state_dict": state, "global_step": 1}, tmp_path / "wav2lip_gan.pth")
    loaded = load_wav2lip(tmp_path / "wav2lip_gan.pth")
    assert (loaded.name, loaded.net.divide) == ("wav2lip_gan", 1)


class Hostile:
    def __reduce__(self):
        return print, ("executed",)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"state_dict": Hostile()}))
    with pytest.raises(BenchError, match=r"refused|no checkpoint"):
        load_wav2lip(tmp_path / "bad.pth")
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [{"a": 1}, {"state_dict": {"x": torch.zeros(1)}}])
def test_other_weights_are_refused_by_what_is_wrong(tmp_path: Path, content: dict[str, object]) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(BenchError, match=r"other\.pth (is not in the published layout|does not fit Wav2Lip)"):
        load_wav2lip(tmp_path / "other.pth")


def test_without_weights_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no Wav2Lip weights .*`bench train wav2lip`"):
        load_wav2lip(tmp_path / "absent.pth")
