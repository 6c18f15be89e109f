"""Faces of one image, as the published SyncNet pipeline asks S3FD for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.ops import nms

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_torch
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.models.backbones.s3fd.network import S3FD

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEAN_RGB = (123.0, 117.0, 104.0)
_OVERLAPS = (0.3, 0.1)
"""Two rounds of suppression, the detector's own and the pipeline's; one round at 0.1 would keep other boxes."""


class S3fdDetector:
    """`conf_threshold` and `scale` (of the image before it is searched) are the published pipeline's.

    `path` is `sfd_face.pth`, by default the asset `s3fd`. Raises `AssetMissing` where it is not, and `BenchError`
    for a file that holds something else; no code in it is run.
    """

    def __init__(
        self, path: Path | None = None, device: str = "cpu", conf_threshold: float = 0.9, scale: float = 0.25
    ) -> None:
        from bench_lipsync.harness.assets.lookup import asset_path

        file = path or asset_path("s3fd")
        self._network = _load(file).to(device)
        self._device = device
        self._threshold = conf_threshold
        self._scale = scale
        self.tag = f"s3fd@{sha256_file(file)[:6]}"
        """Name and beginning of the hash of the weights, for signatures."""

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n, 5) left, top, right, bottom in pixels and the probability, most probable first, of (H, W, 3) RGB."""
        import cv2

        small = cv2.resize(frame, (0, 0), fx=self._scale, fy=self._scale, interpolation=cv2.INTER_LINEAR)
        pixels = torch.from_numpy(small).to(self._device).permute(2, 0, 1).float()
        pixels -= torch.tensor(_MEAN_RGB, device=self._device)[:, None, None]
        detections = self._network(pixels[None])
        sure = detections.scores[0] > self._threshold
        boxes, scores = detections.boxes[0][sure], detections.scores[0][sure]
        for overlap in _OVERLAPS:
            keep = nms(boxes, scores, overlap)
            boxes, scores = boxes[keep], scores[keep]
        # Boxes are scaled by the image's size, not by `scale`: the small image's size was rounded.
        factor = np.tile([frame.shape[1] / small.shape[1], frame.shape[0] / small.shape[0]], 2)
        return np.column_stack([boxes.cpu().numpy().astype(np.float64) * factor, scores.cpu().numpy()])


def _load(path: Path) -> S3FD:
    network = S3FD()
    try:
        network.load_state_dict(read_torch(path), strict=True)
    except (BenchError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise BenchError(
            f"{path.name} does not hold the tensors of S3FD ({reason[:200]}); "
            "`bench assets add s3fd FILE` takes the sfd_face.pth of the SyncNet pipeline"
        ) from error
    return network.eval().requires_grad_(False)
