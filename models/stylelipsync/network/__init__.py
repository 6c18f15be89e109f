"""The networks of StyleLipSync."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "blocks": ["DownBlock", "Norm", "SameBlock"],
        "config": ["StyleLipSyncConfig"],
        "face_encoder": ["FaceEncoder"],
        "generator": ["StyleLipSyncNet"],
        "mals": ["RADIUS"],
        "samf": ["StandardFusion", "StyleAwareMaskedFusion"],
        "tone": ["masked_input", "tone_of"],
    },
)
