"""Names to plug-ins: lazy `"module:attr"` targets, third-party entry points, and errors that suggest the right name."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from harness.status import BenchError

T = TypeVar("T")


class UnknownNameError(BenchError):
    """A name that no plug-in has."""


class Registry(Generic[T]):
    """Maps a name to a target that is imported only when asked for, so that `bench --help` stays fast.

    Entry points of the group `bench.<kind>s` in other installed packages are found beside the built-in names.
    """

    def __init__(self, kind: str, builtin: dict[str, str]) -> None:
        self.kind = kind
        self._targets: dict[str, Any] = dict(builtin)

    def register(self, name: str, target: Any) -> None:
        """Add a target: a `"module:attr"` string or the object itself. A name taken twice is an error."""
        if name in self._targets and self._targets[name] != target:
            raise BenchError(f"{self.kind} {name!r} is registered twice: {self._targets[name]!r} and {target!r}")
        self._targets[name] = target

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._targets, *(point.name for point in self._entry_points())})

    def in_order(self) -> list[str]:
        """All names: our own as they are declared, then those of other packages, sorted."""
        return list(dict.fromkeys([*self._targets, *sorted(point.name for point in self._entry_points())]))

    def get(self, name: str) -> T:
        """Import and return the target. Raises `UnknownNameError` with the nearest names."""
        target = self._targets.get(name)
        if target is None:
            target = next((point for point in self._entry_points() if point.name == name), None)
            if target is None:
                raise UnknownNameError(self._unknown(name))
            target = target.load()
        elif isinstance(target, str):
            module, _, attribute = target.partition(":")
            target = getattr(importlib.import_module(module), attribute)
        self._targets[name] = target
        return cast(T, target)

    def _entry_points(self) -> Any:
        return entry_points(group=f"bench.{self.kind}s")

    def _unknown(self, name: str) -> str:
        names = self.names()
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
        return f"no {self.kind} is called {name!r}; {hint}"
