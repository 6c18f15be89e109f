"""StyleGAN2 synthesis (Karras et al., CVPR 2020) in plain PyTorch: the frozen decoder that StyleLipSync builds on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "convert": ["run"],
        "inference": ["BlockModulation", "FastAffine", "Modulation", "fast_blocks"],
        "prior": ["Prior", "PriorInfo", "load_prior", "save_prior"],
    },
)
