"""What passes between the harness and a foreign program: inputs written for it, and its output read back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["collect", "staging"],
)
