"""The Basel Face Model predictor on a basis made up here: a mean head with random deviations, and networks untrained.

The licensed files are not here; what is tested is that files of their layout are read, cameras and poses are right,
and masks come out of it, not how well the published network sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from synthetic_clip import FRAMES, sound, synthetic

from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.mask import bfm_network
from bench_lipsync.models.stylelipsync.mask.bfm import (
    FOLDER_VARIABLE,
    BfmMissing,
    FaceBasis,
    load_basis,
    project,
    rotations,
)
from bench_lipsync.models.stylelipsync.mask.bfm_network import (
    PARTS,
    Alignment,
    CoefficientNet,
    Coefficients,
    align,
    cut,
    load_network,
)
from bench_lipsync.models.stylelipsync.mask.bfm_predictor import BfmPredictor, load_bfm_predictor, neutral_shape
from bench_lipsync.models.stylelipsync.mask.mask import SIZE, draw_masks, keep_planes, landmark_masks, soften
from bench_lipsync.models.stylelipsync.mask.predictor import find_face, mesh_predictor
from bench_lipsync.models.stylelipsync.model import StyleLipSync
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.vision.frames import resize

KEYPOINTS = {0: (-0.7, 0.2), 1: (-0.7, 0.05), 15: (0.7, 0.05), 16: (0.7, 0.2), 8: (0, -0.8), 30: (0, -0.05)}
KEYPOINTS |= {33: (0, -0.16), 36: (-0.45, 0.3), 39: (-0.15, 0.3), 42: (0.15, 0.3), 45: (0.45, 0.3), 48: (-0.25, -0.38)}
KEYPOINTS |= {54: (0.25, -0.38), 62: (0, -0.36), 66: (0, -0.4), 51: (0, -0.3), 57: (0, -0.45)}


def make_mat(path: Path, side: int = 41) -> None:
    """A file of the published layout whose mean is a paraboloid; the first expression opens the mouth."""
    rng = np.random.default_rng(0)
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-0.8, 0.8, side), np.linspace(-0.9, 0.9, side)))
    z = 1.2 * (1 - (x / 0.82) ** 2 - (y / 1.5) ** 2)
    mean = np.stack([x, y, z], axis=1)
    corner = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    places = [KEYPOINTS.get(index, (0.0, 0.0)) for index in range(68)]
    keypoints = [int(np.argmin((x - px) ** 2 + (y - py) ** 2)) for px, py in places]
    expression = 0.002 * rng.normal(size=(mean.size, 64))
    lowered = np.zeros_like(mean)
    lowered[y < -0.38, 1] = -0.3
    expression[:, 0] = lowered.ravel()
    savemat(
        path,
        {
            "meanshape": mean.reshape(1, -1),
            "idBase": 0.002 * rng.normal(size=(mean.size, 80)),
            "exBase": expression,
            "tri": np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]) + 1,
            "keypoints": np.array([keypoints]) + 1,
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three files."""
    path = tmp_path_factory.mktemp("bfm")
    make_mat(path / "BFM_model_front.mat")
    landmarks = np.zeros((68, 3))
    for index, (x, y) in KEYPOINTS.items():
        landmarks[index] = x, y, 0.3
    landmarks[30, 2] = 0.6
    savemat(path / "similarity_Lm3D_all.mat", {"lm": landmarks})
    torch.save({"net_recon": blank_network()}, path / "epoch_20.pth")
    return path


def blank_network() -> dict[str, torch.Tensor]:
    """Weights of the published names that see nothing: whatever the picture, coefficient i is i / 1000."""
    with torch.device("meta"):
        net = CoefficientNet()
    state = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in net.state_dict().items()}
    for part, biases in zip(range(7), torch.arange(257).split(list(PARTS.values())), strict=True):
        state[f"final_layers.{part}.bias"] = biases / 1000
    return state


@pytest.fixture(scope="module")
def basis(folder: Path) -> FaceBasis:
    return load_basis(folder)


def said(frames: int, yaw_degrees: np.ndarray | float = 0.0, opening: np.ndarray | float = 0.0) -> Coefficients:
    rng = np.random.default_rng(1)
    expression, angles = np.zeros((frames, 64), np.float32), np.zeros((frames, 3), np.float32)
    expression[:, 0], angles[:, 1] = opening, np.radians(yaw_degrees)
    identity = np.repeat(rng.normal(size=(1, 80)), frames, axis=0).astype(np.float32)
    return Coefficients(identity, expression, angles, np.zeros((frames, 3), np.float32))


def straight(frames: int) -> Alignment:
    return Alignment(np.full(frames, 1.0), np.full((frames, 2), 128.0))


def predictor(basis: FaceBasis) -> BfmPredictor:
    return BfmPredictor(basis, None, np.zeros((5, 3)))  # type: ignore[arg-type]


def test_reads_the_published_layout(basis: FaceBasis) -> None:
    count = 41 * 41
    assert basis.mean.shape == (count, 3)
    assert basis.identity.shape == (count, 3, 80)
    assert basis.expression.shape == (count, 3, 64)
    assert basis.triangles.min() == 0
    assert basis.triangles.max() == count - 1
    np.testing.assert_allclose(basis.mean.mean(axis=0), 0, atol=1e-5)


def test_coefficients_are_linear(basis: FaceBasis) -> None:
    rng = np.random.default_rng(2)
    identity, expression = rng.normal(size=(3, 80)).astype(np.float32), rng.normal(size=(3, 64)).astype(np.float32)
    flat = basis.identity.reshape(-1, 80) @ identity.T + basis.expression.reshape(-1, 64) @ expression.T
    expected = basis.mean + flat.T.reshape(3, -1, 3)
    np.testing.assert_allclose(basis.shapes(identity, expression), expected, atol=1e-5)
    np.testing.assert_allclose(basis.shapes(identity, expression, slice(5, 9)), expected[:, 5:9], atol=1e-5)


def test_rotation_is_about_x_then_y_then_z() -> None:
    a, b, c = 0.3, -0.5, 0.2
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    found = rotations(np.array([[a, b, c]], np.float32))[0]
    np.testing.assert_allclose(found, about_z @ about_y @ about_x, atol=1e-6)


def test_camera_is_the_published_one() -> None:
    point = np.array([[[0.5, 0.4, 0.2], [0.5, 0.4, 0.2]]], np.float32)
    still = np.zeros((1, 3), np.float32)
    x, y, depth = project(point, still, still)[0, 0]
    assert x == pytest.approx(1015 * 0.5 / 9.8, rel=1e-5)
    assert y == pytest.approx(-1015 * 0.4 / 9.8, rel=1e-5)
    assert depth == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("yaw", [-35.0, 0.0, 20.0])
def test_known_pose_is_recovered(basis: FaceBasis, yaw: float) -> None:
    found = said(30, yaw)
    found.translation[:, 0] = 0.2
    track = predictor(basis).mesh(found, straight(30), 1.0)
    # The neutral shape is turned by half a turn about x against the model's axes.
    flip = np.diag([1.0, -1.0, -1.0])
    expected = flip @ rotations(found.angles)[0] @ flip
    angle = np.degrees(np.arccos(np.clip((np.trace(track.poses.rotation[0] @ expected.T) - 1) / 2, -1, 1)))
    assert angle < 3.0, "a similarity differs from perspective by the direction the face is seen in"
    size = float(np.linalg.norm(np.subtract(KEYPOINTS[45], KEYPOINTS[36])))
    assert track.poses.scale[0] == pytest.approx(1015 / 10 * size, rel=0.06)
    assert track.poses.apply(track.anchor[None])[0, 0, 0] == pytest.approx(128 + 0.2 * 101.5, abs=3)


@pytest.mark.parametrize("yaw", [-30.0, 0.0, 30.0])
def test_mask_covers_the_mouth_and_ignores_the_lips(basis: FaceBasis, yaw: float) -> None:
    openings = np.tile([0.0, 0.0, 0.4, 0.4, 0.2], 8)
    face = predictor(basis).mesh(said(40, yaw, openings), straight(40), 1.0).face()
    masks = draw_masks(face)
    assert (masks == masks[0]).mean() > 0.999
    for t in range(0, 40, 7):
        x, y = face.tracked.frame(t)[basis.keypoints[[48, 54, 51, 57, 8]]].round().astype(int).T
        assert (soften(masks[t])[y, x] < 0.05).all()


def test_mask_follows_the_yaw(basis: FaceBasis) -> None:
    face = predictor(basis).mesh(said(60, np.repeat([-30.0, 0.0, 30.0], 20)), straight(60), 1.0).face()
    masks = draw_masks(face)
    lower = face.shape.vertices[:, 1] > face.shape.top
    for before, after in ((5, 30), (30, 55)):
        mask_moves = np.nonzero(masks[after])[1].mean() - np.nonzero(masks[before])[1].mean()
        face_moves = (face.tracked.frame(after) - face.tracked.frame(before))[lower, 0].mean()
        assert abs(mask_moves) > 4
        assert np.sign(mask_moves) == np.sign(face_moves)


def test_tracked_mesh_has_the_true_jaw(basis: FaceBasis) -> None:
    openings = np.repeat([0.0, 0.5], 10)
    track = predictor(basis).mesh(said(20, 0.0, openings), straight(20), 1.0)
    face = track.face()
    assert track.opening[15] > track.opening[0] + 0.1
    hidden = (landmark_masks(face.span(8, 12)) > 0).mean(axis=(1, 2))
    assert hidden[0] == hidden[1]
    assert hidden[2] > hidden[1] * 1.02


def test_alignment_brings_the_standard_face_to_the_middle() -> None:
    standard = np.array([[-0.3, 0.3, 0.3], [0.3, 0.3, 0.3], [0, -0.05, 0.6], [-0.25, -0.38, 0.3], [0.25, -0.38, 0.3]])
    landmarks = np.zeros((2, 478, 3), np.float32)
    for points, (x, y, _) in zip(bfm_network.MIDDLES, standard, strict=True):
        landmarks[:, list(points), :2] = [100 + 80 * x, 140 - 80 * y]
    found = align(landmarks, standard)
    np.testing.assert_allclose(found.centre, [[100, 140]] * 2, atol=1e-3)
    np.testing.assert_allclose(found.scale, 102 / 80, rtol=1e-5)
    frame = np.zeros((256, 256, 3), np.uint8)
    frame[136:144, 96:104] = 255
    picture = cut(frame, float(found.scale[0]), found.centre[0])
    rows, columns = np.nonzero(picture[..., 0] > 127)
    assert picture.shape == (224, 224, 3)
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == pytest.approx((112, 112), abs=0.6)


@dataclass
class Footage:
    """What a predictor asks of a clip."""

    landmarks: np.ndarray
    size: int = 128

    @property
    def faces(self) -> Footage:
        return self

    def read_frames(self) -> list[np.ndarray]:
        rng = np.random.default_rng(3)
        return [rng.integers(0, 255, (2, self.size, self.size, 3), np.uint8), np.zeros((1, 128, 128, 3), np.uint8)]


def test_plugs_in_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert mesh_predictor("bfm") is load_bfm_predictor(folder)
    landmarks = np.random.default_rng(4).uniform(30, 90, (3, 478, 3)).astype(np.float32)
    face = find_face(Footage(landmarks), "bfm")  # type: ignore[arg-type]
    assert face.frames == 3
    assert np.isfinite(face.poses.translation).all()
    assert draw_masks(face).shape == (3, SIZE, SIZE)


def test_coefficients_come_in_the_published_order(folder: Path) -> None:
    frames = np.zeros((1, 128, 128, 3), np.uint8)
    found = bfm_network.regress(load_network(folder), [frames], Alignment(np.ones(1), np.full((1, 2), 64.0)))
    np.testing.assert_allclose(found.identity[0], np.arange(80) / 1000, rtol=1e-5)
    np.testing.assert_allclose(found.expression[0], np.arange(80, 144) / 1000, rtol=1e-5)
    np.testing.assert_allclose(found.angles[0], np.arange(224, 227) / 1000, rtol=1e-5)
    np.testing.assert_allclose(found.translation[0], np.arange(254, 257) / 1000, rtol=1e-5)


def test_neutral_shape_has_the_eyes_one_apart(basis: FaceBasis) -> None:
    shape = neutral_shape(basis, np.zeros(80, np.float32))
    right, left = shape.vertices[basis.keypoints[[36, 45]]]
    assert np.linalg.norm(left - right) == pytest.approx(1)
    np.testing.assert_allclose((left + right) / 2, 0, atol=1e-9)
    chin, tip = shape.vertices[basis.keypoints[[8, 30]], 1]
    assert chin > shape.mouth > shape.nose_base > shape.top > 0
    assert tip > shape.top


@pytest.mark.parametrize("name", ["BFM_model_front.mat", "similarity_Lm3D_all.mat", "epoch_20.pth"])
def test_missing_file_is_named_with_its_source(folder: Path, tmp_path: Path, name: str) -> None:
    for file in folder.iterdir():
        if file.name != name:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(BfmMissing, match=name) as caught:
        load_bfm_predictor(tmp_path)
    assert "https://" in str(caught.value)
    assert FOLDER_VARIABLE in str(caught.value)


def test_wrong_files_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "BFM_model_front.mat").write_bytes(b"no matlab")
    with pytest.raises(RefusedFileError, match="Matlab"):
        load_basis(tmp_path)
    savemat(tmp_path / "BFM_model_front.mat", {"meanshape": np.zeros((1, 9))})
    with pytest.raises(RefusedFileError, match="idBase"):
        load_basis(tmp_path)
    torch.save({"net_recon": {"backbone.conv1.weight": torch.zeros(1)}}, tmp_path / "epoch_20.pth")
    with pytest.raises(RefusedFileError, match="net_recon"):
        load_network(tmp_path)


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"net_recon": Evil()}, tmp_path / "epoch_20.pth")
    with pytest.raises(RefusedFileError):
        load_network(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_unknown_predictor_is_named() -> None:
    with pytest.raises(ValueError, match="flame"):
        mesh_predictor("flame")


def test_the_checkpoint_chooses_it_in_inference_and_adaptation(
    folder: Path, tiny_config: StyleLipSyncConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    clip, weights = synthetic(), tmp_path / "tiny.safetensors"
    torch.manual_seed(0)
    net = StyleLipSyncNet(tiny_config.model_copy(update={"mesh": "bfm"}))
    save_checkpoint(weights, net, CheckpointInfo())
    model = StyleLipSync(weights)
    expected = keep_planes(find_face(clip, "bfm"), "pose-aware", FRAMES)
    monkeypatch.setattr(type(clip), "content_hash", "synthetic", raising=False)
    assert np.array_equal(model.keep(clip, 0, FRAMES), expected)
    assert not np.array_equal(expected, keep_planes(find_face(clip), "pose-aware", FRAMES))
    frames = np.concatenate(list(model.generate(clip, sound(0), GenerateContext(batch_size=4))))
    assert np.array_equal(frames[0, 0], clip.pixels[0, 0])
    # Adaptation reads its arrays as training does.
    monkeypatch.setattr(type(clip), "audio", lambda self: sound(0))
    data = load_data([clip], tmp_path / "data", model._checkpoint.net.config)
    assert np.array_equal(data.keep, (resize(expected, 32) * 255.0).round())
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(BfmMissing, match=r"BFM_model_front\.mat.*BENCH_BFM"):
        StyleLipSync(weights)
