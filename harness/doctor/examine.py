"""Runs every check of `bench doctor` without loading a network.

The exit code depends only on what the default run needs; other findings are informational.
"""

from __future__ import annotations

from collections.abc import Callable

from bench_lipsync.harness.doctor import machine, plugins
from bench_lipsync.harness.doctor.findings import Diagnosis, Finding, failed_check
from bench_lipsync.harness.errors import BenchError


def examine() -> Diagnosis:
    """Check the machine, the libraries and the cache, and every asset, metric and model.

    A check that raises an exception becomes a finding, so that the others are still reported.
    """
    checks: dict[str, Callable[[], list[Finding]]] = {
        "machine": machine.machine,
        "libraries": machine.libraries,
        "assets": plugins.assets,
        "metrics": plugins.metrics,
        "models": plugins.models,
    }
    findings: list[Finding] = []
    for section, check in checks.items():
        try:
            findings += check()
        except BenchError as error:  # The cache is unknown, which `machine` says in full.
            findings.append(Finding(section, "this check", "missing", str(error).partition(";")[0]))
        except Exception as error:
            findings.append(failed_check(section, "this check", error, "please report it", needed=True))
    return Diagnosis(tuple(findings))
