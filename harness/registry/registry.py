"""Names to plug-ins: lazy `"module:attr"` targets, third-party entry points, and errors that suggest the right name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from bench_lipsync.harness.errors import BenchError, suggest

T = TypeVar("T")


class UnknownNameError(BenchError):
    """A name that no plug-in has."""


class Registry(Generic[T]):
    """Maps a name to a target that is imported only when requested, so that `bench --help` stays fast.

    Entry points of the group `bench.<kind>s` in other installed packages are found beside the built-in names.
    """

    def __init__(self, kind: str, builtin: dict[str, str], external: str = "") -> None:
        """`external`: `"module:function"` that returns further targets by name; called for names not built in."""
        self.kind = kind
        self.builtin = tuple(builtin)
        self._targets: dict[str, Any] = dict(builtin)
        self._external = external

    def names(self, external: bool = True) -> list[str]:
        """All names, sorted; without `external` only those that are built in or of other packages."""
        return sorted(self._names(external))

    def in_order(self) -> list[str]:
        """All names: built-in ones in the order of their declaration, then the others, sorted."""
        return [*self.builtin, *sorted(self._names() - set(self.builtin))]

    def _names(self, external: bool = True) -> set[str]:
        added = self._external_targets() if external else {}
        return {*self._targets, *added, *(point.name for point in self._entry_points())}

    def get(self, name: str) -> T:
        """Import and return the target. Raises `UnknownNameError` with the nearest names."""
        target = self._targets.get(name)
        if target is None and name in (external := self._external_targets()):
            return external[name]
        if target is None:
            target = next((point for point in self._entry_points() if point.name == name), None)
            if target is None:
                raise UnknownNameError(self._unknown(name))
            target = target.load()
        elif isinstance(target, str):
            target = _imported(target)
        self._targets[name] = target
        return cast(T, target)

    def _external_targets(self) -> Mapping[str, T]:
        return cast(Callable[[], Mapping[str, T]], _imported(self._external))() if self._external else {}

    def _entry_points(self) -> Any:
        return entry_points(group=f"bench.{self.kind}s")

    def _unknown(self, name: str) -> str:
        return f"no {self.kind} is called {name!r}; {suggest(name, self.names())}"


def _imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
