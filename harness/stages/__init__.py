"""The cached stages of one clip: prepare it, generate its frames."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["stages"],
    submod_attrs={
        "generate_frames": ["frames_of", "in_batches_that_fit"],
        "source": ["clip_seconds"],
        "verify_clip": ["verify_clip"],
    },
)
