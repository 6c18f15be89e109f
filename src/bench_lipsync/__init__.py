"""Evaluation harness for lip-sync video models, with a complete StyleLipSync."""
