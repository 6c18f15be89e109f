"""S3FD (Zhang et al., 2017), the face detector of the published SyncNet pipeline; its weights are the user's own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"detector": ["S3fdDetector"]},
)
