"""VoxCeleb2 (Chung et al., Interspeech 2018): reads utterances, and lists the tracks to cut from full videos."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "annotations": ["find_annotations", "read_tracks"],
        "dataset": ["VoxCeleb2Dataset"],
        "output": ["check_output"],
        "track": ["MARGIN", "MIN_FACE", "CropRule"],
    },
)
