"""`bench doctor`: what can be computed on this machine, and what to do for the rest."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["examine"],
    submod_attrs={"findings": ["DEFAULT_RUN", "Diagnosis", "Finding", "State"]},
)
