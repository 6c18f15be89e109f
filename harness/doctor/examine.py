"""What can and cannot be computed here, and how to fix it: gathered without loading a network.

`examine` looks at the machine, the libraries, the cache, every asset, metric and model. What the default run needs
decides the verdict; everything else is told beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "fetch", "note", "missing", "broken"]
"""`fetch`: comes by itself when first needed. `note`: works, but worth knowing. `missing`: not here, for you to supply.
`broken`: should work and does not."""
_STOPS = ("missing", "broken")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    section: str
    """`machine`, `libraries`, `assets`, `metrics` or `models`."""
    name: str
    state: State
    detail: str
    fix: str = ""
    """The command or action that helps; empty where nothing needs help."""
    needed: bool = False
    """Whether the default run (`DEFAULT_RUN`) cannot do without it."""


DEFAULT_RUN = "bench run --model stylelipsync --dataset demo"


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found."""

    findings: tuple[Finding, ...]

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """What keeps the default run from working."""
        return tuple(item for item in self.findings if item.needed and item.state in _STOPS)

    @property
    def default_run_works(self) -> bool:
        """Whether `DEFAULT_RUN` can be expected to work here."""
        return not self.obstacles

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "default_run": DEFAULT_RUN,
            "default_run_works": self.default_run_works,
            "findings": [asdict(item) for item in self.findings],
        }


def examine() -> Diagnosis:
    """Look at everything. A check that fails itself becomes a finding, so that the rest is still told."""
    from bench_lipsync.harness.doctor import machine as doctor_machine
    from bench_lipsync.harness.doctor import plugins as doctor_parts

    checks: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
        ("machine", doctor_machine.machine),
        ("libraries", doctor_machine.libraries),
        ("assets", doctor_parts.assets),
        ("metrics", doctor_parts.metrics),
        ("models", doctor_parts.models),
    )
    findings: list[Finding] = []
    for section, check in checks:
        try:
            findings += check()
        except Exception as error:  # A doctor that dies of what it should find helps nobody.
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            findings.append(Finding(section, "this check", "broken", reason, "please report it", needed=True))
    return Diagnosis(tuple(findings))
