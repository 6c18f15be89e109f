"""Runs a foreign program in a private folder, under limits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "command": ["base_variables", "put_prelude", "step_argv", "variables"],
        "process": ["Job", "LogTail", "TOKEN", "run"],
        "repository": ["clone_digest", "clone_state", "fetch_clone", "is_address"],
        "workspace": ["Workspace", "open_workspace", "remove_stale"],
    },
)
