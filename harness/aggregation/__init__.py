"""From clip results to the rows of a table: means, pooled set metrics, intervals, tests between models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"measurements": ["Measurements"], "model_tests": ["correct", "pair_tests"], "rows": ["metric_rows"]},
)
