"""Quality of single frames: SSIM, PSNR, LPIPS, their mouth variants, sharpness."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "lpips": ["LpipsScorer"],
        "mouth": ["MouthLpipsScorer", "MouthScorer"],
        "psnr": ["PsnrScorer"],
        "sharpness": ["SharpnessScorer"],
        "ssim": ["SsimScorer"],
    },
)
