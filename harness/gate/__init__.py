"""Regression gate: compare a run with another run or a saved baseline under rules."""
