"""Charts as inline SVG."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "marks": ["Chart", "MARKERS", "label_rows", "short_label"],
        "results": ["make_charts"],
        "svg": ["MODEL_SLOTS", "PALETTE", "RC", "inline_svg", "row_slots"],
    },
)
