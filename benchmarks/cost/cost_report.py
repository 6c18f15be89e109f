"""Tables and plots of docs/cost.md from what the benchmarks of cost measured.

`python benchmarks/cost/cost_report.py --driver driver_cost.json --scaling scaling.json --model voxceleb2_model.json`
rewrites what stands between the marks in docs/cost.md and the plots in docs/images/. A file that is not there leaves
its part as it is.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.cost.voxceleb2_model import check

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cost.md"
IMAGES = ROOT / "docs" / "images"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def driver_tables(found: dict[str, Any]) -> str:
    """CPU seconds and peak memory of every part by number of clips; the last column says how linear it is."""
    runs = sorted((run for key, run in found.items() if key != "pooling"), key=lambda run: run["clips"])
    head = ["part", *(f"{run['clips']:,} clips" for run in runs)]
    rows = []
    for name in runs[0]["parts"]:
        cells = []
        for run in runs:
            one = run["parts"][name]
            cells.append(f"{one['cpu_s']:.1f} s, {one['peak_mb']:.0f} MB")
        rows.append([name, *cells])
    pairs = ["ms of CPU for a clip more of one row, all parts"]
    pairs += ["", *(f"{1e3 * _more(one, two):.2f}" for one, two in pairwise(runs))]
    sizes = ["`frames.parquet`, `run.json`, page"]
    for run in runs:
        sizes.append(
            ", ".join(f"{run['mb'][name]:.1f}" for name in ("frames.parquet", "run.json", "report.html")) + " MB"
        )
    text = table(head, [*rows, pairs, sizes])
    if pool := found.get("pooling"):
        text += (
            f"\n\nPooling real features (2048 numbers a frame): {pool['sum_ms_a_row']:.2f} ms a frame for FID's sums, "
            f"{pool['frechet_s']:.1f} s a distance, {pool['kid_s']:.1f} s a KID of 100 subsets, on one thread."
        )
    return text


def _more(one: dict[str, Any], two: dict[str, Any]) -> float:
    spent = [sum(part["cpu_s"] for name, part in run["parts"].items() if name != "ledger") for run in (one, two)]
    return (spent[1] - spent[0]) / (two["clips"] * two["rows"] - one["clips"] * one["rows"])


def scaling_tables(found: dict[str, Any]) -> str:
    """Seconds and peak memory of runs against number and length of clips, with 1 and 2 workers."""
    runs = [run for run in found.values() if run["kind"] == "run" and run["round"] == 0 and not _is_round(found, run)]
    runs.sort(key=lambda run: (run["length"] is not None, run["frames"], run["workers"]))
    rows = [
        [
            f"{run['clips']:,}",
            "1.7 to 1.9" if run["length"] is None else f"{run['length']:g}",
            f"{run['frames']:,}",
            str(run["workers"]),
            f"{run['seconds']:.0f}",
            f"{run['cpu_s']:.0f}",
            f"{run['cpu_s'] / run['clips']:.2f}",
            f"{1e3 * run['cpu_s'] / run['frames']:.0f}",
            f"{run['peak_mb']:.0f}",
            f"{run['load']:.1f}",
        ]
        for run in runs
    ]
    head = [
        "clips",
        "length, s",
        "frames",
        "workers",
        "s",
        "CPU s",
        "CPU s a clip",
        "CPU ms a frame",
        "peak MB",
        "load",
    ]
    parts = [table(head, rows)] if rows else []
    if pairs := _rounds(found):
        by_cpu = [run["cpu_s"] / bare["cpu_s"] for bare, run in pairs]
        by_clock = [run["seconds"] / bare["seconds"] for bare, run in pairs]
        parts.append(
            f"**Overhead**: {len(pairs)} rounds of {pairs[0][0]['clips']} clips in turns. The run takes "
            f"{statistics.median(by_cpu):.2f} times the CPU seconds of the bare work ({min(by_cpu):.2f} to "
            f"{max(by_cpu):.2f}), by the clock {statistics.median(by_clock):.2f} times ({min(by_clock):.2f} to "
            f"{max(by_clock):.2f})."
        )
    if sum(run["workers"] == 1 for run in runs) >= 4:
        fit, *lines = check(found)
        told = [
            [
                str(x["use"]),
                *(f"{x[k]:,.0f}" for k in ("clips", "frames", "measured_s", "model_s")),
                f"{x['error_%']:+.1f} %",
            ]
            for x in lines
        ]
        start, a_clip, a_frame = (float(fit[key]) for key in ("start_s", "a_clip_s", "a_frame_s"))
        parts.append(
            f"**Model**: {start:.1f} s + {a_clip:.2f} s a clip + {1e3 * a_frame:.1f} ms a frame of CPU time, "
            "fitted to the runs of up to 5,000 frames.\n\n"
            + table(["", "clips", "frames", "measured CPU s", "model CPU s", "error"], told)
        )
    return "\n\n".join(parts)


def _rounds(found: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    bare = [run for run in found.values() if run["kind"] == "bare"]
    pairs = []
    for one in bare:
        same = [
            r
            for r in found.values()
            if r["kind"] == "run" and r["round"] == one["round"] and r["clips"] == one["clips"]
        ]
        pairs += [(one, run) for run in same if run["length"] == one["length"] and run["workers"] == 1]
    return pairs


def _is_round(found: dict[str, Any], run: dict[str, Any]) -> bool:
    return any(run is other for _, other in _rounds(found))


def model_table(found: dict[str, Any]) -> str:
    """Hours on each number of GPUs."""
    rows = []
    for name, scenario in found.items():
        first = scenario["outcomes"][0]
        for one in scenario["outcomes"]:
            speed = first["hours"] * first["gpus"] / one["hours"]
            rows.append(
                [
                    name,
                    str(one["gpus"]),
                    str(one["workers"]),
                    f"{one['work_hours']:.1f}",
                    f"{one['tail_hours']:.1f}",
                    f"**{one['hours']:.1f}**",
                    f"{speed:.1f}",
                    f"{100 * one['driver_busy']:.1f} %",
                    f"{100 * one['gpu_busy']:.0f} %",
                    f"{one['store_gb_a_s']:.2f}",
                ]
            )
    head = ["scenario", "GPUs", "workers", "work, h", "driver after it, h", "together, h", "speed-up"]
    return table([*head, "driver busy", "GPU busy", "store, GB/s"], rows)


def plot(path: Path, draw: Callable[[Any], None], panels: int) -> None:
    """A figure of some panels as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * panels, 3.4), layout="constrained")
    draw(figure.subplots(1, panels))
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


def draw_driver(found: dict[str, Any], axes: Any) -> None:
    """CPU seconds and memory by number of clips."""
    runs = sorted((run for key, run in found.items() if key != "pooling"), key=lambda run: run["clips"])
    counts = [run["clips"] for run in runs]
    for name in runs[0]["parts"]:
        axes[0].plot(counts, [run["parts"][name]["cpu_s"] for run in runs], "o-", label=name)
        axes[1].plot(counts, [run["parts"][name]["peak_mb"] / 1000 for run in runs], "o-", label=name)
    for axis, title in zip(axes, ("CPU seconds", "peak memory, GB"), strict=True):
        axis.set(xscale="log", xlabel=f"clips, each in {runs[0]['rows']} rows", title=title)
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[1].set_ylim(bottom=0)
    axes[0].legend(fontsize=7)


def draw_scaling(found: dict[str, Any], axes: Any) -> None:
    """Seconds and memory by number and by length of clips."""
    runs = [run for run in found.values() if run["kind"] == "run" and not _is_round(found, run)]
    for workers in sorted({run["workers"] for run in runs}):
        for place, long in enumerate((False, True)):
            some = [r for r in runs if r["workers"] == workers and (r["length"] is not None) == long]
            some.sort(key=lambda run: run["frames"])
            along = [run["length"] if long else run["clips"] for run in some]
            label = f"{workers} worker{'s' if workers > 1 else ''}"
            axes[2 * place].plot(along, [run["seconds"] for run in some], "o-", label=label)
            axes[2 * place + 1].plot(along, [run["peak_mb"] / 1000 for run in some], "o-", label=label)
    names = ("short clips", "short clips", "seconds of each of 2 clips", "seconds of each of 2 clips")
    for number, (axis, name) in enumerate(zip(axes, names, strict=True)):
        axis.set(xscale="log", xlabel=name, title="peak memory, GB" if number % 2 else "seconds")
        if number % 2:
            axis.set_ylim(bottom=0)
        else:
            axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)


def draw_model(found: dict[str, Any], axes: Any) -> None:
    """Speed-up and hours by number of GPUs."""
    counts = [one["gpus"] for one in next(iter(found.values()))["outcomes"]]
    for name, scenario in found.items():
        hours = [one["hours"] for one in scenario["outcomes"]]
        axes[0].plot(counts, hours, "o-", label=name)
        axes[1].plot(counts, [hours[0] * counts[0] / one for one in hours], "o-", label=name)
    axes[1].plot(counts, counts, "--", color="grey", label="as many times as GPUs")
    for axis, title in zip(axes, ("hours", "speed-up"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="GPUs", title=title, xticks=counts, xticklabels=counts)
        axis.grid(alpha=0.3)
    # Under both: inside, it hides lines.
    axes[1].get_figure().legend(
        *axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=7, frameon=False
    )


PARTS: dict[str, tuple[Callable[[dict[str, Any]], str], Callable[[dict[str, Any], Any], None], int]] = {
    "driver": (driver_tables, draw_driver, 2),
    "scaling": (scaling_tables, draw_scaling, 4),
    "model": (model_table, draw_model, 2),
}


def main() -> None:
    """Rewrite the parts whose measurements are given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in PARTS:
        parser.add_argument(f"--{name}", type=Path)
    options = vars(parser.parse_args())
    page = PAGE.read_text(encoding="utf-8")
    for name, (tell, draw, panels) in PARTS.items():
        path = options[name]
        if path is None or not path.is_file():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        picture = f"![{tell.__doc__}](images/cost_{name}.png)"
        text = f"<!-- {name} -->\n{tell(found)}\n\n{picture}\n<!-- end of {name} -->"
        page = re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _, new=text: new, page, flags=re.DOTALL)
        plot(IMAGES / f"cost_{name}.png", lambda axes, draw=draw, found=found: draw(found, axes), panels)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
