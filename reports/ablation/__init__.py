"""The page and the tables of an ablation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"page": ["write_reports"], "tables": ["print_ablation"]},
)
