"""Metrics on face landmarks: LMD, lip opening, lip leak."""
