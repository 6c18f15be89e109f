"""Content-addressed store on disk, its maintenance, and its mirror on object storage."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "entry": ["DEPTH", "all_files"],
        "maintenance": ["entries", "make_room", "problems"],
        "mirror": ["open_store"],
        "store": ["Store", "link_or_copy"],
    },
)
