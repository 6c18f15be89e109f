"""Audio front ends that several models share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"mel": ["N_MELS", "WINDOW", "clip_windows", "log_mel"]},
)
