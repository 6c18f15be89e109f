"""Sums per speaker, confidence intervals and paired tests."""
