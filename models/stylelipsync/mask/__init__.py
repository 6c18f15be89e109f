"""The pose-aware mask from a 3D face mesh."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "face": ["NeutralFace"],
        "mask": ["keep_planes"],
        "paste": ["clip_keep_planes"],
        "predictor": ["find_face", "mesh_predictor"],
    },
)
