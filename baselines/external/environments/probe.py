"""Stand-alone script: prints the contents of an environment as one line of JSON.

`python probe.py MODULE...` also tries these imports; a name with a `+` before it is a program to find on PATH.

It runs in the foreign environment: standard library only, and the syntax of Python 3.6.
"""

import importlib
import json
import shutil
import sys
from typing import Any, Dict, List  # noqa: UP035 - Python 3.6


def distributions() -> Dict[str, Any]:  # noqa: UP006
    """Versions of all installed distributions by name."""
    try:
        from importlib.metadata import distributions as installed

        return {str(item.metadata["Name"]).lower(): item.version for item in installed() if item.metadata["Name"]}
    except ImportError:  # Before Python 3.8.
        import pkg_resources

        return {item.project_name.lower(): item.version for item in pkg_resources.working_set}


def attempt(name: str) -> str:
    """The reason why `name` cannot be imported, or `+name` is not on PATH; empty if there is none."""
    if name.startswith("+"):
        return "" if shutil.which(name[1:]) else "not on PATH"
    try:
        importlib.import_module(name)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def gpu(names: List[str]) -> str:  # noqa: UP006
    """The GPU that PyTorch sees, or `none`; empty where PyTorch is not in `names`."""
    if "torch" not in names or attempt("torch"):
        return ""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"


def main() -> None:
    """Print the report as the last line: imports may print before it."""
    report = {
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "distributions": distributions(),
        "problems": {name: attempt(name) for name in sys.argv[1:]},
        "gpu": gpu(sys.argv[1:]),
    }
    sys.stdout.write("\n" + json.dumps(report, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
