"""Where the time of a run goes: time spans collected, summarised and written as a trace."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"profile": ["Profile"], "summary": ["profile_table", "write_profile"]},
)
