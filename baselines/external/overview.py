"""The external models as Markdown, made from their descriptions; docs/baselines.md contains it verbatim.

`python -m bench_lipsync.baselines.external.overview` prints it.
"""

from __future__ import annotations

from bench_lipsync.baselines.external.catalogue import PACKAGED, load
from bench_lipsync.baselines.external.description import Description, Output

HEADER = "| name | model | kind | licence | input | output | compared with the ground truth | run for real |"


def table() -> str:
    """A table with one row for each packaged description, sorted by name."""
    lines = [HEADER, "|" + "---|" * HEADER.count(" | ") + "---|"]
    for description in _packaged():
        link = f"[{description.title}]({description.repository}) `{description.commit}`"
        cells = [f"`{description.name}`", link, _kind(description), description.licence, _inputs(description)]
        cells += [_output(description.output), _compared(description), description.verified or "no"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def details() -> str:
    """A paragraph for each: training data, access to the ground truth, caveats, notes."""
    parts = []
    for description in _packaged():
        facts = description.facts
        lines = [f"Trained on: {facts.trained_on}. Access to the ground truth: {facts.gt_leak}."]
        lines += [facts.caveat] if facts.caveat else []
        lines += [*description.notes, *description.environment.notes]
        parts.append("\n".join([f"**`{description.name}`**", "", *(f"* {_sentence(line)}" for line in lines)]))
    return "\n\n".join(parts)


def _packaged() -> list[Description]:
    return [load(name) for name in sorted(path.stem for path in PACKAGED.glob("*.yaml"))]


def _sentence(text: str) -> str:
    text = text.rstrip(".") + "."
    return text[0].upper() + text[1:]


def _kind(description: Description) -> str:
    if description.facts.pose == "own":
        return "animates an image"
    return "edits the video" if description.facts.keeps_upper_half else "follows the video's poses"


def _inputs(description: Description) -> str:
    words = {"openface-csv": "68 landmarks", "image": "first frame", "text": "task file", "frames": "images"}
    kinds = ", ".join(words.get(item.kind, item.kind) for item in description.inputs)
    size = description.alignment.size
    placement = {
        "none": "",
        "whole": f", at {size}x{size}",
        "similarity": f", face aligned to {size}x{size}",
        "square": f", square around the face, {size}x{size}",
    }
    return kinds + placement[description.alignment.kind]


def _output(output: Output) -> str:
    words = ["images" if output.kind == "frames" else "video"]
    left, right = output.panel
    if (left, right) != (0.0, 1.0):
        words.append(f"{left:.0%} to {right:.0%} of its width")
    if output.rate != 25:
        words.append(f"{output.rate:g} fps")
    if output.offset:
        words.append(f"from frame {output.offset} on")
    if output.placed == "by-face":
        words.append("registered to the clip by its face")
    return ", ".join(words)


def _compared(description: Description) -> str:
    if description.facts.pose == "own":
        return "no, its own pose"
    return "full frames" if description.shows_all else "face and mouth only"


if __name__ == "__main__":
    print(f"{table()}\n\n{details()}")
