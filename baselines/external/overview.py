"""The external models as Markdown, made from their descriptions: docs/baselines.md holds it word for word.

`python -m bench_lipsync.baselines.external.overview` prints it.
"""

from __future__ import annotations

from bench_lipsync.baselines.external.catalogue import PACKAGED, load
from bench_lipsync.baselines.external.description import Description, Output

HEADER = "| name | model | kind | licence | what it is given | what is taken | compared with the truth | run for real |"


def table() -> str:
    """One row a packaged description, in the order of their names."""
    names = sorted(path.stem for path in PACKAGED.glob("*.yaml"))
    lines = [HEADER, "|" + "---|" * HEADER.count(" | ") + "---|"]
    for told in map(load, names):
        link = f"[{told.title}]({told.repository}) `{told.commit}`"
        cells = [f"`{told.name}`", link, _kind(told), told.licence, _given(told), _taken(told.output), _compared(told)]
        lines.append("| " + " | ".join([*cells, told.verified or "no"]) + " |")
    return "\n".join(lines)


def details() -> str:
    """What a reader must know of each: how it was trained, what it sees of the truth, caveats, traps."""
    parts = []
    for told in map(load, sorted(path.stem for path in PACKAGED.glob("*.yaml"))):
        facts = told.facts
        lines = [f"Trained on: {facts.trained_on}. Sees of the truth: {facts.gt_leak}."]
        lines += [facts.caveat] if facts.caveat else []
        lines += [*told.notes, *told.environment.notes]
        parts.append("\n".join([f"**`{told.name}`**", "", *(f"* {_sentence(line)}" for line in lines)]))
    return "\n\n".join(parts)


def _sentence(text: str) -> str:
    text = text.rstrip(".") + "."
    return text[0].upper() + text[1:]


def _kind(told: Description) -> str:
    if told.facts.pose == "own":
        return "animates a picture"
    return "edits the video" if told.facts.keeps_upper_half else "follows the video's poses"


def _given(told: Description) -> str:
    words = {"openface-csv": "68 landmarks", "image": "first frame", "text": "task file", "frames": "pictures"}
    kinds = ", ".join(words.get(item.kind, item.kind) for item in told.inputs)
    size = told.alignment.size
    how = {
        "none": "",
        "whole": f", at {size}x{size}",
        "similarity": f", face aligned to {size}x{size}",
        "square": f", square around the face, {size}x{size}",
    }
    return kinds + how[told.alignment.kind]


def _taken(output: Output) -> str:
    words = ["pictures" if output.kind == "frames" else "video"]
    left, right = output.panel
    if (left, right) != (0.0, 1.0):
        words.append(f"{left:.0%} to {right:.0%} of its width")
    if output.rate != 25:
        words.append(f"{output.rate:g} fps")
    if output.offset:
        words.append(f"from frame {output.offset} on")
    if output.placed == "by-face":
        words.append("laid onto the clip by its face")
    return ", ".join(words)


def _compared(told: Description) -> str:
    if told.facts.pose == "own":
        return "no, its own pose"
    return "whole frames" if told.shows_all else "face and mouth only"


if __name__ == "__main__":
    print(f"{table()}\n\n{details()}")
