"""The sync expert: judges in training whether five frames and their audio belong together.

It is never the network that measures. It sees the lower face in colour as the generator draws it, and the generator's
own mel windows, so that its judgement can be followed back into the frames. The paper says how its
SyncNet was trained, not what it looks like; size, crop and calibration are ours.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import load_model, save_weights
from bench_lipsync.models.syncnet.open.network import AudioHalf, OpenSyncConfig, conv_norm_relu
from bench_lipsync.models.syncnet.settings import SyncLossName

WEIGHTS = Path(__file__).parents[1] / "weights" / "sync_expert.safetensors"
"""The committed weights, trained on the demo set's faces and voices."""
FRAMES = 5
"""Frames that one judgement sees."""
_LABEL = ("network", "sync-expert")


@dataclass(frozen=True)
class ExpertConfig:
    """Size of the network; stored in the metadata of its weights."""

    crop: int = 64
    """Side in pixels of the lower face that is cut out."""
    reach: float = 1.5
    """The cut is this many times the mouth's square, which takes in chin and cheeks."""
    face_channels: tuple[int, int, int, int] = (48, 96, 128, 192)
    audio_channels: tuple[int, int, int, int] = (32, 64, 128, 192)
    embedding: int = 256


class FaceHalf(nn.Module):
    """Five lower faces, stacked as channels, to a unit vector."""

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__()
        a, b, c, d = config.face_channels
        self.body = nn.Sequential(
            *conv_norm_relu(3 * FRAMES, a, 5, stride=2, padding=2),
            *conv_norm_relu(a, b, 3, stride=2, padding=1),
            *conv_norm_relu(b, c, 3, stride=2, padding=1),
            *conv_norm_relu(c, c, 3, padding=1),
            *conv_norm_relu(c, d, 3, stride=2, padding=1),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(d * (config.crop // 32) ** 2, config.embedding),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 15, S, S) to (N, D)."""
        mean = faces.mean(dim=(1, 2, 3), keepdim=True)
        deviation = faces.std(dim=(1, 2, 3), keepdim=True)
        vectors = self.body((faces - mean) / (deviation + 0.05))
        return F.normalize(vectors.float(), dim=-1)


class SyncExpert(nn.Module):
    """Both halves, and the scale and threshold that turn a cosine into a probability."""

    def __init__(self, config: ExpertConfig | None = None) -> None:
        super().__init__()
        self.config = config or ExpertConfig()
        self.faces = FaceHalf(self.config)
        self.audio = AudioHalf(
            OpenSyncConfig(audio_channels=self.config.audio_channels, embedding=self.config.embedding)
        )
        self.log_scale = nn.Parameter(torch.tensor(2.5))
        self.threshold = nn.Parameter(torch.tensor(0.3))

    def embed_faces(self, frames: Tensor, squares: Tensor) -> Tensor:
        """Unit vectors (B, T - 4, D) of every five frames of (B, T, 3, R, R) with mouth `squares` (B, T, 3)."""
        batch, length = frames.shape[:2]
        if length < FRAMES:
            raise ValueError(f"the sync expert judges {FRAMES} frames at a time, not {length}")
        cuts = [self._cut(frames[:, i : i + FRAMES], squares[:, i : i + FRAMES]) for i in range(length - FRAMES + 1)]
        vectors: Tensor = self.faces(torch.stack(cuts, dim=1).flatten(0, 1))
        return vectors.view(batch, len(cuts), -1)

    def embed_audio(self, mel: Tensor) -> Tensor:
        """Unit vectors (B, T - 4, D) of mel windows (B, T, 20, 80): that of the middle of every five frames."""
        middle = mel[:, FRAMES // 2 : mel.shape[1] - FRAMES // 2]
        vectors: Tensor = self.audio(middle.flatten(0, 1))
        return vectors.view(*middle.shape[:2], -1)

    def logits(self, cosines: Tensor) -> Tensor:
        """Log odds that faces and audio belong together."""
        return self.log_scale.exp().clamp(max=60) * (cosines - self.threshold)

    def _cut(self, frames: Tensor, squares: Tensor) -> Tensor:
        """(B, 15, S, S): one square for all five frames, so that movement stays movement."""
        square = squares.mean(dim=1)
        theta = torch.zeros(len(square), 2, 3, device=frames.device)
        theta[:, 0, 0] = theta[:, 1, 1] = square[:, 2] * self.config.reach
        theta[:, :, 2] = square[:, :2]
        size = self.config.crop
        grid = F.affine_grid(theta, [len(square), 3 * FRAMES, size, size], align_corners=False)
        return F.grid_sample(frames.flatten(1, 2).float(), grid, padding_mode="border", align_corners=False)


def sync_cosines(expert: SyncExpert, frames: Tensor, squares: Tensor, mel: Tensor) -> Tensor:
    """Cosines (B, T - 4) of faces and audio for every five frames of (B, T >= 5, 3, R, R) in [-1, 1].

    `squares` (B, T, 3) are centre x, y and half side around the mouth in [-1, 1] image coordinates (those of
    `models.vision.mouth.mouth_squares`), `mel` (B, T, 20, 80) the log-mel window of each frame. Raises
    `ValueError` for fewer than five frames.
    """
    return (expert.embed_faces(frames, squares) * expert.embed_audio(mel)).sum(dim=-1)


def sync_logits(expert: SyncExpert, frames: Tensor, squares: Tensor, mel: Tensor) -> Tensor:
    """Log odds (B, T - 4) of being in sync; arguments as of `sync_cosines`."""
    return expert.logits(sync_cosines(expert, frames, squares, mel))


def sync_loss(expert: SyncExpert, frames: Tensor, squares: Tensor, mel: Tensor, form: SyncLossName = "bce") -> Tensor:
    """L_sync, a scalar that the generator lowers; arguments as of `sync_cosines`.

    `cosine` is the paper's 1 - cosine (eq. 7), in [0, 2]. `bce` is as in Wav2Lip the binary cross-entropy against "in
    sync", but of a calibrated probability instead of the cosine.
    """
    if form == "cosine":
        return 1 - sync_cosines(expert, frames, squares, mel).mean()
    return F.softplus(-sync_logits(expert, frames, squares, mel)).mean()


def save_expert(network: SyncExpert, path: Path, facts: dict[str, str]) -> None:
    """Write half-precision safetensors with the configuration and `facts` (how it was trained) as metadata."""
    metadata = {"format": "pt", _LABEL[0]: _LABEL[1], "config": json.dumps(asdict(network.config)), **facts}
    save_weights(network.state_dict(), path, metadata, half=True)


def load_expert(path: Path | None = None, device: str = "cpu", form: SyncLossName = "cosine") -> SyncExpert:
    """The expert of `path` (default: the committed weights), frozen and in evaluation mode.

    Raises `BenchError`, also for weights that cannot judge in the `form` of `sync_loss`.
    """
    path = path or WEIGHTS
    if not path.is_file():
        raise BenchError(
            f"{path.name} is not there; `bench train syncnet --network expert --dataset demo --out DIR` makes one"
        )
    network, facts = load_model(path, _LABEL, ExpertConfig, SyncExpert, "a sync expert")
    if form == "bce" and facts.get("loss") == "contrastive":
        raise BenchError(
            f"{path.name} was trained with the contrastive loss and gives no probabilities, which the sync loss bce "
            "needs; choose the sync loss cosine, or train an expert with --loss calibrated"
        )
    return network.requires_grad_(False).to(device)
