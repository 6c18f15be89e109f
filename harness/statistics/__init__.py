"""Sums per speaker, confidence intervals and paired tests."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["moments"],
    submod_attrs={
        "cluster_sums": ["ClusterSums", "bundles", "difference", "from_clips", "from_left_out", "from_members", "mean"],
        "intervals": ["MIN_CLUSTERS", "asinh_interval", "interval"],
        "paired": ["ALPHA", "PairedTest", "TOO_FEW", "holm", "paired_p", "paired_test"],
    },
)
