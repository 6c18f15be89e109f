"""Pretrained networks that metrics use: Inception, I3D, ArcFace, LPIPS, S3FD, dlib's landmarks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "arcface": ["ASSET", "ArcFace", "FIVE_POINTS", "align", "cosine"],
        "dlib_landmarks": ["MOUTH", "DlibMouth"],
        "fold_batchnorm": ["fold", "fold_inception"],
        "i3d": ["SIDE", "load_i3d"],
        "inception": ["load_inception"],
        "lpips": ["load_lpips"],
    },
)
