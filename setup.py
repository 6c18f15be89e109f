"""The list of packages; everything else is in pyproject.toml.

The folders at the root of the repository are installed below one import name: `harness/` is `bench_lipsync.harness`.
"""

from setuptools import find_namespace_packages, setup

FOLDERS = ("harness", "models", "metrics", "baselines", "reports")

# Folders of data (weights, descriptions, templates) count as packages, so that their files are installed.
packages = find_namespace_packages(include=[*FOLDERS, *(f"{folder}.*" for folder in FOLDERS)])

setup(packages=["bench_lipsync", *(f"bench_lipsync.{package}" for package in packages)])
