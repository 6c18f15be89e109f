"""Wav2Lip as a model under test: crop, draw, paste, frame by frame, with boxes from the prepared clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.models.wav2lip.boxes import detector_boxes, padded_boxes, smooth_boxes
from bench_lipsync.models.wav2lip.checkpoint import load_wav2lip
from bench_lipsync.models.wav2lip.crops import PADS, cut_faces, network_input, paste_faces, to_bgr, to_rgb
from bench_lipsync.models.wav2lip.mel import mel_spectrogram, mel_windows
from bench_lipsync.models.wav2lip.network import FACE_SIZE, Wav2LipNet

DEMO_WEIGHTS = Path(__file__).with_name("weights") / "demo.safetensors"
DEMO_CAVEAT = (
    "these are the demo weights: a narrower Wav2Lip, trained on a few rendered people; their numbers say nothing about"
    " the published model. Yours go behind the name: --model wav2lip:wav2lip_gan.pth"
)
VERSION = "1"
"""Raised whenever the same weights would give other frames."""
_BLOCK = 8
"""Frames drawn at once; fixed, because how many go through a layer together decides how it rounds."""


class Wav2Lip:
    """`weights`: `wav2lip.pth` or `wav2lip_gan.pth` of the authors, or our safetensors; default: the demo weights."""

    def __init__(self, weights: Path | str | None = None) -> None:
        if weights is None and not DEMO_WEIGHTS.is_file():
            raise BenchError(
                "wav2lip has no weights in this installation: give those of the authors (--model wav2lip:wav2lip.pth),"
                " or train some (bench train wav2lip)"
            )
        self._weights = load_wav2lip(Path(weights) if weights is not None else DEMO_WEIGHTS)
        self._caveat = DEMO_CAVEAT if weights is None else ""

    @property
    def card(self) -> ModelCard:
        """What the weights were trained on, and what the network is shown."""
        weights = self._weights
        narrow = f", {weights.net.divide} times narrower" if weights.net.divide > 1 else ""
        return ModelCard(
            name="wav2lip",
            kind="model",
            description=f"Wav2Lip (Prajwal et al., ACM MM 2020), native implementation{narrow}; pads "
            f"{' '.join(map(str, PADS))}, boxes of the prepared clip",
            native_size=FACE_SIZE,
            licence=weights.licence,
            trained_on=weights.trained_on,
            weights=f"{weights.name}@{weights.sha256[:8]}",
            caveat=self._caveat,
            gt_leak="the true mouth of the very frame that is drawn, as the reference; everything outside the box",
        )

    def fingerprint(self) -> str:
        """Of the weights and the code's version."""
        return hashlib.sha256(f"{VERSION}\n{self._weights.sha256}\n{PADS}".encode()).hexdigest()

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield chunks of 8 frames; on a CPU the same whatever `context` says. No random numbers are used.

        Raises `ClipError` (`too_short`) for less than 0.2 s of audio.
        """
        try:
            windows = mel_windows(mel_spectrogram(audio), clip.frames)
        except ValueError as error:
            raise ClipError(Status.TOO_SHORT, f"wav2lip hears 0.2 s at a time: {error}") from error
        boxes = smooth_boxes(padded_boxes(detector_boxes(clip.faces.landmarks), clip.size, PADS))
        net = self._weights.net.to(context.device)
        start = 0
        for truth in clip.read_frames(chunk=_BLOCK):
            span = slice(start, start + len(truth))
            yield draw_frames(net, truth, boxes[span], windows[span])
            start = span.stop


@torch.inference_mode()
def draw_frames(
    net: Wav2LipNet, truth: NDArray[np.uint8], boxes: NDArray[np.int64], windows: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """`truth` (n, H, W, 3) RGB with new faces in `boxes` (n, 4), for mel `windows` (n, 1, 80, 16).

    As in the published program the reference is the frame itself. Raises `ClipError` for an empty box.
    """
    device = next(net.parameters()).device
    faces = to_bgr(cut_faces(truth, boxes)).to(device)
    drawn = net(torch.from_numpy(windows).to(device), network_input(faces, faces))
    return paste_faces(truth, boxes, to_rgb(drawn))
