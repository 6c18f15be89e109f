"""From a prepared clip and audio to frames."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"inference": ["Inference", "Precision", "prepare_inference"], "latents": ["LatentStream"]},
)
