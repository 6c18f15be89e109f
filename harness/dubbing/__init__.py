"""`bench generate`: dubs a video with a recording, composites the result into the full frame, marks it as synthetic."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"pipeline": ["DubRequest", "adapted", "dub"]},
)
