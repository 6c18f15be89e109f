"""The datasets that come with `bench`."""

from __future__ import annotations

from bench_lipsync.harness.api.dataset import Dataset
from bench_lipsync.harness.registry.registry import Registry

DATASETS: Registry[type[Dataset]] = Registry(
    "dataset",
    {
        "demo": "bench_lipsync.harness.datasets.demo.dataset:DemoDataset",
        "folder": "bench_lipsync.harness.datasets.folder:FolderDataset",
        "hdtf": "bench_lipsync.harness.datasets.hdtf.dataset:HdtfDataset",
        "voxceleb2": "bench_lipsync.harness.datasets.voxceleb2:VoxCeleb2Dataset",
    },
)
