"""Findings of `bench doctor`, and the verdict on the default run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "fetch", "note", "missing", "broken"]
"""`fetch`: downloaded automatically when first needed. `note`: works, with a remark. `missing`: the user must supply
it. `broken`: should work and does not."""
DEFAULT_RUN = "bench run --model stylelipsync --dataset demo"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    section: str
    """`machine`, `libraries`, `assets`, `metrics` or `models`."""
    name: str
    state: State
    detail: str
    fix: str = ""
    """The command or action that helps; empty where nothing is wrong."""
    needed: bool = False
    """Whether `DEFAULT_RUN` depends on it."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings."""

    findings: tuple[Finding, ...]

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """The findings that prevent the default run."""
        return tuple(item for item in self.findings if item.needed and item.state in ("missing", "broken"))

    @property
    def default_run_works(self) -> bool:
        """Whether `DEFAULT_RUN` can be expected to work here."""
        return not self.obstacles

    def as_json(self) -> dict[str, Any]:
        """The report of `bench doctor --json`."""
        return {
            "default_run": DEFAULT_RUN,
            "default_run_works": self.default_run_works,
            "findings": [asdict(item) for item in self.findings],
        }


def failed_check(section: str, name: str, error: Exception, fix: str, needed: bool = False) -> Finding:
    """A `broken` finding with the first line of an exception."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return Finding(section, name, "broken", reason, fix, needed)
