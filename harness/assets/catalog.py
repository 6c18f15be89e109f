"""The catalogue of weights that `bench` uses: what each file is, how it is recognised and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import ClassVar


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    """File name in the cache."""
    sha256: str
    """Hex digest; `BEGIN...END` where only both ends of it are public."""
    size: int
    """Bytes."""
    sources: tuple[str, ...]
    """Tried in order: `file:PATH`, `pypi:package==version!member` or an upstream URL of the very same file."""

    def matches(self, digest: str, size: int) -> bool:
        """Whether a file of that sha256 (lower-case hex) and size is this one."""
        begin, _, end = self.sha256.partition("...")
        return size == self.size and digest.startswith(begin) and digest.endswith(end)

    @property
    def folder(self) -> str | None:
        """Cache folder of a fully known digest, so that a changed catalogue never meets an old file."""
        return None if "..." in self.sha256 else self.sha256[:16]


@dataclass(frozen=True)
class AssetSpec:
    """One asset: a file, or a few that belong together, with what a user must know of them."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    files: tuple[AssetFile, ...]
    licence: str
    used_by: str
    note: str
    page: str
    """Web page of the original."""
    scorers: tuple[str, ...] = ()
    """Names in `harness.registry.plugins.SCORERS` of those that cannot work without it."""
    models: tuple[str, ...] = ()
    """Names in `harness.registry.plugins.MODELS` of those that cannot work without it."""
    asks_first: bool = False
    """Fetched only by `bench assets fetch`: the user decides whether the licence fits."""
    library: str = ""
    """Module that reads it, where only the extra of the same name installs that."""

    @property
    def sha256(self) -> str:
        """Digest of the first file, as it appears in signatures and provenance."""
        return self.files[0].sha256

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source of every file."""
        return tuple(dict.fromkeys(source for file in self.files for source in file.sources))

    @property
    def on_index(self) -> bool:
        """Whether the package index carries all of it."""
        return all(any(source.startswith("pypi:") for source in file.sources) for file in self.files)


def _read_catalog() -> dict[str, AssetSpec]:
    import yaml
    from pydantic import TypeAdapter

    text = resources.files(__package__).joinpath("catalog.yaml").read_text(encoding="utf-8")
    # Not strict in types: YAML has lists where the classes have tuples.
    specs = TypeAdapter(tuple[AssetSpec, ...]).validate_python(yaml.safe_load(text))
    return {spec.name: spec for spec in specs}


CATALOG = _read_catalog()
"""Every asset by name, as `catalog.yaml` lists them."""
