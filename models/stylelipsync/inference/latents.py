"""Latents of a clip as a stream: in bounded memory, and the same to the bit however they are asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from bench_lipsync.models.stylelipsync.inference.inference import Inference
from bench_lipsync.models.stylelipsync.network.mals import RADIUS

BLOCK = 32
"""Frames that are worked out together. Fixed: how many frames go through a layer at once decides how it rounds."""


class LatentStream:
    """Latents of `windows` (T, 20, 80) with the `identity` code (1, 1, num_ws, w_dim), as of the whole clip.

    Blocks begin at multiples of `BLOCK`, and each is smoothed with its neighbours within MaLS's reach on both sides.
    """

    def __init__(self, net: Inference, windows: Tensor, identity: Tensor) -> None:
        self._net, self._windows, self._identity = net, windows, identity
        self._number, self._block = -1, identity[0]

    def span(self, start: int, stop: int) -> Tensor:
        """Latents (stop - start, num_ws, w_dim) of frames `start:stop`; going forward, no block is computed twice."""
        parts, at = [], start
        while at < stop:
            number, offset = divmod(at, BLOCK)
            until = min(stop, (number + 1) * BLOCK)
            parts.append(self._of(number)[offset : offset + until - at])
            at = until
        return torch.cat(parts)

    @torch.inference_mode()
    def _of(self, number: int) -> Tensor:
        if number != self._number:
            start, stop = number * BLOCK, min((number + 1) * BLOCK, len(self._windows))
            lower, upper = max(0, start - RADIUS), min(len(self._windows), stop + RADIUS)
            audio = self._net.audio_encoder(self._windows[lower:upper].to(self._identity.device))
            block = self._net.combine(audio[None], self._identity)[0, start - lower : stop - lower]
            self._number, self._block = number, block
        return self._block
