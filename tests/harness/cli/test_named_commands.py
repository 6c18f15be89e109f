"""Every command and option that a message, a docstring or a page of the docs names is one of the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from command_tree import commands

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("harness", "metrics", "models", "baselines", "reports", "src", "benchmarks")
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.yaml")),
]
UNKNOWN = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for what an f-string fills in."""
COMMAND = re.compile(r"(?<![\w./-])bench((?: +[a-z][a-z0-9-]*)+)((?:(?!\. |\$\()[^`\n;|&#])*)")
PROSE = {"reads", "with", "for", "wrote", "writes", "and"}
"""Words behind `bench` where it is the program's name in a sentence."""
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*|(?<![\w-])-[a-zA-Z](?![\w-])")
ALONE = re.compile(r"(?<![\w/-])--[a-z][a-z0-9-]*")
FOREIGN = re.compile(r"\b(pip install|torchrun|mlflow|ray start|git|docker|conda|make_portraits)\b")
"""Other programs, whose options a message may name."""
FOREIGN_OPTIONS = {"--cores": "benchmarks/speed/overlap.py", "--signal": "sbatch", "--num-gpus": "ray start"}
"""Options in the docs that stand alone, and whose they are."""


class Text(NamedTuple):
    """A string of the source or a page, and where it is."""

    place: str
    text: str


def strings(path: Path) -> Iterator[Text]:
    """Every string of a module, those of f-strings with `UNKNOWN` for their values."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else UNKNOWN for part in node.values]
            yield Text(place, "".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield Text(place, node.value)


def sources() -> list[Text]:
    paths = sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    return [text for path in paths for text in strings(path)]


def pages() -> list[Text]:
    return [
        Text(f"{page.relative_to(ROOT)}:{number}", line.replace("\\", " "))
        for page in PAGES
        for number, line in enumerate(page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines(), 1)
    ]


def options_of(command: Any) -> set[str]:
    named = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return {name for name in named if name.startswith("-")} | {"--help"}


KNOWN = commands()
GROUPS = {name.split()[0] for name in KNOWN if " " in name}
EVERY_OPTION = {option for command in KNOWN.values() for option in options_of(command)}


def command_of(words: list[str]) -> str | None:
    """The command that the words begin with; `""` for a group alone, `None` if there is none."""
    for count in (2, 1):
        if (name := " ".join(words[:count])) in KNOWN:
            return name
    return "" if words[0] in GROUPS and len(words) == 1 else None


def wrong_names(texts: list[Text]) -> list[str]:
    wrong = []
    for place, text in texts:
        for found in COMMAND.finditer(text):
            words = found[1].split()
            if words[0] in PROSE:
                continue
            name = command_of(words)
            if name is None:
                wrong.append(f"{place}: bench{found[1]}")
            elif name:
                for option in OPTION.findall(found[2]):
                    if option not in options_of(KNOWN[name]):
                        wrong.append(f"{place}: bench {name} ... {option}")
    return wrong


def test_commands_in_messages_exist() -> None:
    assert wrong_names(sources()) == []


def test_commands_in_the_docs_exist() -> None:
    assert wrong_names(pages()) == []


def test_options_in_messages_exist() -> None:
    """Words alone are arguments of other programs that are started."""
    sentences = [text for text in sources() if " " in text.text and not text.place.startswith("benchmarks/")]
    assert [
        f"{place}: {option}"
        for place, text in sentences
        if not FOREIGN.search(text)
        for option in set(ALONE.findall(text)) - EVERY_OPTION
    ] == []


def test_options_in_the_docs_exist() -> None:
    named = [(place, code) for place, text in pages() for code in re.findall(r"`(--[^`]+)`", text)]
    assert [
        f"{place}: {option}"
        for place, code in named
        for option in set(ALONE.findall(code)) - EVERY_OPTION - FOREIGN_OPTIONS.keys()
    ] == []


def test_the_search_finds_what_is_wrong() -> None:
    text = "see `bench rnu -m x`, `bench data show`, `bench run -m {x} --size 3` and bench train syncnet --lr 1; --help"
    assert wrong_names([Text("here", text)]) == [
        "here: bench rnu",
        "here: bench data show",
        "here: bench run ... --size",
        "here: bench train syncnet ... --lr",
    ]
