"""Ablations: every variant of a model measured against the whole model."""
