"""The list of packages; everything else is in pyproject.toml.

The five folders at the root of the repository are installed below one import name: `harness/` is
`bench_lipsync.harness`.
"""

from setuptools import find_packages, setup

FOLDERS = ("harness", "models", "metrics", "baselines", "reports")

setup(
    packages=[
        "bench_lipsync",
        *(
            f"bench_lipsync.{name}"
            for name in find_packages(include=[*FOLDERS, *(f"{folder}.*" for folder in FOLDERS)])
        ),
    ]
)
