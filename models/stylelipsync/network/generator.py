"""The whole network: masked frames, mel windows and one reference frame to lip-synchronised frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import NoiseMode
from bench_lipsync.models.stylegan2.network.synthesis import Synthesis
from bench_lipsync.models.stylelipsync.network.audio_encoder import AudioEncoder
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.face_encoder import FaceEncoder
from bench_lipsync.models.stylelipsync.network.mals import MaLS, smooth
from bench_lipsync.models.stylelipsync.network.reference_encoder import ReferenceEncoder


class StyleLipSyncNet(nn.Module):
    """Module and parameter names are those of the published checkpoint, which has `w_avg` in a file of its own."""

    w_avg: Tensor

    def __init__(self, config: StyleLipSyncConfig) -> None:
        super().__init__()
        self.config = config
        self.synthesis = Synthesis(config.resolution, config.w_dim, config.channels)
        self.audio_encoder = AudioEncoder(config)
        self.face_encoder = FaceEncoder(config)
        self.lip_encoder = ReferenceEncoder(config)
        if config.mals:
            self.mals = nn.ModuleList(MaLS(config.w_dim) for _ in range(config.num_ws))
        # The mean latent of StyleGAN.
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def latents(self, mel: Tensor, reference: Tensor) -> Tensor:
        """Latents (B, T, num_ws, w_dim) of mel windows (B, T, 20, 80) and reference frames (B, 3, R, R)."""
        batch, length = mel.shape[:2]
        audio = self.audio_encoder(mel.flatten(0, 1))
        audio = audio.reshape(batch, length, *audio.shape[1:])
        identity = self.lip_encoder(reference)[:, None]
        return self.combine(audio, identity)

    def combine(self, audio: Tensor, identity: Tensor) -> Tensor:
        """Merge audio codes (B, T, num_ws, w_dim) and identity codes (B, 1, num_ws, w_dim) over the whole sequence."""
        ws = identity + audio
        if self.config.mals:
            ws = smooth(self.mals, ws) + identity
        return ws + self.w_avg

    def decode(self, masked: Tensor, ws: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Frames (N, 3, R, R), about [-1, 1], from masked frames (N, 3, R, R) and latents (N, num_ws, w_dim)."""
        features = self.face_encoder(masked)

        def fuse(size: int, x: Tensor, w: Tensor) -> Tensor:
            return self.face_encoder.fuse(x, features[size // 2], w)

        frames: Tensor = self.synthesis(ws, noise_mode, fuse)
        return frames

    def forward(self, masked: Tensor, mel: Tensor, reference: Tensor, noise_mode: NoiseMode = "const") -> Tensor:
        """Frames (B, T, 3, R, R) of masked frames (B, T, 3, R, R), mel (B, T, 20, 80), reference (B, 3, R, R)."""
        ws = self.latents(mel, reference)
        frames = self.decode(masked.flatten(0, 1), ws.flatten(0, 1), noise_mode)
        return frames.reshape(*masked.shape[:2], *frames.shape[1:])
