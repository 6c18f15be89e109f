"""Metrics: pure functions of arrays at the core, a thin `Scorer` around each family."""
