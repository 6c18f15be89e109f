"""Runs a foreign program in a private folder, under limits."""
