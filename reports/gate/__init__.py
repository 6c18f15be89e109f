"""The outcome of the gate as text, Markdown and JUnit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"junit": ["gate_junit"], "text": ["gate_json", "gate_markdown", "print_baseline", "print_gate"]},
)
