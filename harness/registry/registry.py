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
    """Maps a name to a target that is imported only when asked for, so that `bench --help` stays fast.

    Entry points of the group `bench.<kind>s` in other installed packages are found beside the built-in names.
    """

    def __init__(self, kind: str, builtin: dict[str, str], more: str = "") -> None:
        """`more`: `"module:function"` that gives further targets by name, called when a name is not built in."""
        self.kind = kind
        self._targets: dict[str, Any] = dict(builtin)
        self.builtin = frozenset(builtin)
        self._more = more

    def names(self, further: bool = True) -> list[str]:
        """All names, sorted; without `further` only those that are built in or of other packages."""
        added = self._further() if further else {}
        return sorted({*self._targets, *added, *(point.name for point in self._entry_points())})

    def in_order(self) -> list[str]:
        """All names: our own as they are declared, then further ones and those of other packages, sorted."""
        others = sorted({*self._further(), *(point.name for point in self._entry_points())})
        return list(dict.fromkeys([*self._targets, *others]))

    def get(self, name: str) -> T:
        """Import and return the target. Raises `UnknownNameError` with the nearest names."""
        target = self._targets.get(name)
        if target is None and name in (further := self._further()):
            return further[name]
        if target is None:
            target = next((point for point in self._entry_points() if point.name == name), None)
            if target is None:
                raise UnknownNameError(self._unknown(name))
            target = target.load()
        elif isinstance(target, str):
            target = _imported(target)
        self._targets[name] = target
        return cast(T, target)

    def _further(self) -> Mapping[str, T]:
        return cast(Callable[[], Mapping[str, T]], _imported(self._more))() if self._more else {}

    def _entry_points(self) -> Any:
        return entry_points(group=f"bench.{self.kind}s")

    def _unknown(self, name: str) -> str:
        return f"no {self.kind} is called {name!r}; {suggest(name, self.names())}"


def _imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
