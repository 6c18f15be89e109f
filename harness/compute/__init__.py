"""Devices, threads and batch sizes."""
