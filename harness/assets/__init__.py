"""Weights and data files by name: catalog, download, verification, local cache."""
