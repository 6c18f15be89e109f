"""The README's two commands are what CI runs."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def _commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [block.strip() for block in blocks]


def test_ci_runs_the_second_command_word_for_word() -> None:
    assert _commands()[1] in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


def test_ci_runs_what_the_first_command_runs() -> None:
    install, run = _commands()[0].split(" && ")
    assert install.startswith("pip install -c constraints.txt")
    assert run in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
