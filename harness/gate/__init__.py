"""Regression gate: compare a run with another run or a saved baseline under rules."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["compare"],
    submod_attrs={
        "baseline": ["Baseline"],
        "baseline_file": ["open_reference", "save_baseline"],
        "rules": ["GateSpec", "load_gate"],
        "verdicts": ["Finding", "GateResult", "Verdict"],
    },
)
