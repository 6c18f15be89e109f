"""Clips cut out of full videos: what the preparations of HDTF and VoxCeleb2 share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "download": ["YtDlp"],
        "interval": ["CropBox", "FullVideo", "Interval", "IntervalStatus", "Outcome", "Problem"],
        "preparation": ["Preparation", "left_out", "plan", "prepare", "report_of", "write_report"],
    },
)
