"""User studies: blinded pages for raters, and scores of their answers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"make": ["make_study"], "score": ["score_files"]},
)
