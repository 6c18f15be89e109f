"""Weights and arrays in files: readers for untrusted files, none of which executes code, and reproducible writers."""
