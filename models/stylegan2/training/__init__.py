"""Training a StyleGAN2 prior."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"settings": ["PRESETS"], "train": ["run"]},
)
