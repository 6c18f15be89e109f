"""A plot of matplotlib made part of a page: colours that follow the theme, text as text, a title and a description.

A page's content security policy forbids style attributes, and a colour written into a plot cannot change with the
theme. So every property becomes an attribute, and every colour of `PALETTE` a class of the page's style sheet.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # of our own plots; nothing from outside is parsed here
from io import StringIO
from typing import TYPE_CHECKING, Any

from bench_lipsync.reports.table.model import Grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODEL_SLOTS = 8
"""Distinguishable colours; a ninth model reuses the first."""
BOUND_SLOTS = 4
SLOTS = (
    *("ink", "muted", "line"),
    *(f"m{number}" for number in range(MODEL_SLOTS)),
    *(f"b{number}" for number in range(BOUND_SLOTS)),
)
PALETTE = {slot: f"#0000{number:02x}" for number, slot in enumerate(SLOTS, 1)}
"""The colour to draw with, by the class that it becomes; these exact values mean nothing else in a plot.

Not from 0: matplotlib leaves black out, because black is the default of SVG.
"""
_CLASSES = {colour: slot for slot, colour in PALETTE.items()}
RC: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with a dollar sign is a name
    "font.size": 10,
    "axes.edgecolor": PALETTE["line"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.titlecolor": PALETTE["ink"],
    "text.color": PALETTE["ink"],
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
}
"""Settings that every plot here is drawn under."""


def row_slots(grid: Grid) -> list[str]:
    """`m0`, `m1`, ... for models, `b0`, `b1`, ... for bounds: names of colours in the style sheet, by row."""
    models = bounds = 0
    slots = []
    for row in grid.rows:
        if row.bound:
            slots.append(f"b{bounds % BOUND_SLOTS}")
            bounds += 1
        else:
            slots.append(f"m{models % MODEL_SLOTS}")
            models += 1
    return slots


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """`figure` as an `<svg>` element; `name` keeps its ids apart from those of other plots on the page."""
    import matplotlib

    text = StringIO()
    with matplotlib.rc_context({**RC, "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(text.getvalue())  # noqa: S314 (written by matplotlib two lines above)
    for parent in list(root.iter()):
        for child in list(parent):
            if _plain(child.tag) in ("metadata", "style"):
                parent.remove(child)
    used = {value[1:] for node in root.iter() for key, value in node.attrib.items() if _plain(key) == "href"}
    used |= {name for node in root.iter() for name in re.findall(r"url\(#([^)]+)\)", " ".join(node.attrib.values()))}
    for node in root.iter():
        _rewrite(node, name, used)
    head = [ET.Element("title", id=f"{name}-title"), ET.Element("desc", id=f"{name}-desc")]
    head[0].text, head[1].text = title, description
    root[:0] = head
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "stroke-linejoin": "round",
    }
    return ET.tostring(root, encoding="unicode")


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _rewrite(node: ET.Element, name: str, used: set[str]) -> None:
    """Without name spaces, style attributes, idle ids and fixed colours."""
    node.tag = _plain(node.tag)
    attributes = {_plain(key): value for key, value in node.attrib.items()}
    for part in attributes.pop("style", "").split(";"):
        key, _, value = part.partition(":")
        if key.strip() in ("font", "font-size"):
            attributes["font-size"] = (re.search(r"[\d.]+px", value) or ["10px"])[0]
        elif key.strip() and not key.strip().startswith("font-"):
            attributes[key.strip()] = value.strip()
    classes = []
    for key, letter in (("fill", "f"), ("stroke", "s")):
        if attributes.get(key) in _CLASSES:
            classes.append(f"{letter}-{_CLASSES[attributes.pop(key)]}")
    if classes:
        attributes["class"] = " ".join(classes)
    if attributes.get("id") not in used:
        attributes.pop("id", None)
    node.attrib = {
        key: re.sub(r"url\(#", f"url(#{name}-", f"{name}-{value}" if key == "id" else _local(key, value, name))
        for key, value in attributes.items()
    }


def _local(key: str, value: str, name: str) -> str:
    return f"#{name}-{value[1:]}" if key == "href" else value
