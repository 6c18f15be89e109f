"""The HTML page of a run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "media": ["preview_file"],
        "reproduction": ["write_reproduction"],
        "templating": ["Asset", "asset", "environment"],
        "text": ["notices"],
        "write": ["write_page", "write_run_page"],
    },
)
