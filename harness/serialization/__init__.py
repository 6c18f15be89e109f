"""Readers of weights and arrays from untrusted files; none of them executes code."""
