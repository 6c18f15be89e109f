"""The audio encoder E_aud: 200 ms of log-mel to one latent offset for every layer of the decoder."""

from __future__ import annotations

from torch import Tensor, nn

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.se_resnet import stage


class SEResNet(nn.Module):
    """SE-ResNet-18 with a 3x3 PReLU stem for one-channel input and a linear head."""

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.PReLU(widths[0]),
            nn.MaxPool2d(3, 2, 1),
        )
        self.layer1 = stage(widths[0], widths[0], blocks[0], stride=1)
        self.layer2 = stage(widths[0], widths[1], blocks[1], stride=2)
        self.layer3 = stage(widths[1], widths[2], blocks[2], stride=2)
        self.layer4 = stage(widths[2], widths[3], blocks[3], stride=2)
        self.fc = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[3], outputs))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 1, H, W) to (N, outputs)."""
        x = self.layer2(self.layer1(self.stem(x)))
        out: Tensor = self.fc(self.layer4(self.layer3(x)))
        return out


class AudioEncoder(nn.Module):
    """Mel windows (N, 20, 80) to latents (N, num_ws, w_dim)."""

    def __init__(self, config: StyleLipSyncConfig) -> None:
        super().__init__()
        self.shape = (config.num_ws, config.w_dim)
        self.audio_encoder = SEResNet(config.audio_widths, config.audio_blocks, config.num_ws * config.w_dim)

    def forward(self, mel: Tensor) -> Tensor:
        """Encode every window by itself."""
        codes: Tensor = self.audio_encoder(mel[:, None])
        return codes.reshape(-1, *self.shape)
