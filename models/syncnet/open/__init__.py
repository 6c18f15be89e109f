"""A small SyncNet trained here, with weights in the package."""

from pathlib import Path

import lazy_loader

WEIGHTS = Path(__file__).parents[1] / "weights" / "open_syncnet.safetensors"
"""The committed weights. Here so that the scorers can be described without importing torch."""

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "crops": ["crop_mouths", "mouth_frames"],
        "network": [
            "AudioHalf",
            "MEL_PER_FRAME",
            "OpenSyncConfig",
            "WINDOW_FRAMES",
            "conv_norm_relu",
            "load_open_syncnet",
        ],
        "stream": ["WindowStream"],
        "train": ["run"],
    },
)
