"""Descriptions and installations of the stand-in program, one a trait."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Runtime
from bench_lipsync.baselines.external.installation import Installation, hash_weights, write_installation

STANDINS = Path(__file__).parents[1] / "baselines/external/standins"


def make_clone(folder: Path) -> Path:
    """A repository with the stand-in in it, weights, and what somebody left behind in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(STANDINS / "inference.py", folder / "inference.py")
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints" / "talker.pth").write_bytes(b"weights")
    (folder / "config.txt").write_text("original")
    (folder / "benchout").mkdir(exist_ok=True)
    (folder / "benchout" / "result.mp4").write_bytes(b"of another day")
    return folder


def describe(trait: str, note: str = "", **more: Any) -> Description:
    """The stand-in as a description has it. `more` goes into its output, or where a key says so: `facts`, `limits`."""
    parts = {name: more.pop(name) for name in ("facts", "limits", "shims", "variables", "steps") if name in more}
    words = ["{python}", "inference.py", "--face", "{video}", "--audio", "{audio}", "--outfile", "{out}/result.mp4"]
    return Description.model_validate(
        {
            "name": f"talker-{trait}",
            "title": f"Talker, {trait}",
            "repository": "https://example.org/talker",
            "commit": "0123456",
            "licence": "MIT",
            "environment": {"python": "3", "gpu": False},
            "weights": [{"file": "checkpoints/talker.pth", "page": "https://example.org/weights"}],
            "inputs": [
                {"name": "video", "kind": "video", "path": "benchin/clip.mkv"},
                {"name": "audio", "kind": "audio", "path": "benchin/clip.wav"},
            ],
            "steps": [{"argv": [*words, "--trait", trait, "--note", note]}],
            "output": {"files": "benchout/*.mp4", **more},
            "limits": {"seconds": 30, "seconds_per_frame": 0, "output_mb": 20},
            "facts": {"keeps_upper_half": True},
            **parts,
        }
    )


def install(description: Description, clone: Path) -> Description:
    """Set it up with the interpreter of the tests."""
    write_installation(
        Installation(
            name=description.name,
            repository=str(clone),
            weights=hash_weights(description, (clone,)),
            environment=Runtime(kind="python", where=sys.executable),
        )
    )
    return description
