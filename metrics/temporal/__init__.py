"""Steadiness over time: TWE and jitter."""
