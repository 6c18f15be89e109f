"""What reading ahead and writing behind are worth: preparing, generating and previews, with and without, in turn.

`python benchmarks/speed/overlap.py --clip video.mp4 --model stylelipsync --rounds 3 [--cores 1]`; what it gave is in
docs/profile.md. Rounds alternate between both ways, so that whatever else the machine does hits both; the shortest
counts. Also says whether both gave the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.model import GenerateContext
from bench_lipsync.harness.compute.device import pick_device
from bench_lipsync.harness.compute.threads import settle_threads
from bench_lipsync.harness.run.model_loading import load_models
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util.files import sha256_file


class Serial:
    """Stands in for `Prefetch` and `BackgroundWriter`: the same calls, all in the caller's thread."""

    def __init__(self, given: Any, *_: object, **__: object) -> None:
        self._given = given

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self._given, "close"):
            self._given.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._given)

    def put(self, item: Any) -> None:
        """Take it at once."""
        self._given(item)


@contextmanager
def one_after_the_other() -> Iterator[None]:
    """No threads of ours."""
    names = ("stages.Prefetch", "prepare_clip.Prefetch", "prepare_clip.BackgroundWriter")
    patches = [
        mock.patch(f"bench_lipsync.harness.stages.{name}", Serial)
        for name in (*names, "generate_frames.BackgroundWriter")
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


class Cost(NamedTuple):
    """Seconds of one stage."""

    wall: float
    cpu: float


def round_of(clip: Clip, models: list[Any], context: GenerateContext) -> tuple[dict[str, Cost], dict[str, str]]:
    """Every stage once in a fresh store: what it cost, and the hash of what it made."""
    costs: dict[str, Cost] = {}
    made: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))

        def timed(name: str, work: Callable[[], Any]) -> Any:
            began, used = time.perf_counter(), time.process_time()
            result = work()
            costs[name] = Cost(time.perf_counter() - began, time.process_time() - used)
            return result

        prepared = timed("prepare", partial(stages.prepare, clip, 256, store))
        made["prepare"] = sha256_file(prepared.video_path) + prepared.content_hash
        sound = prepared.audio()
        for model in models:
            name = model.name
            output = timed(name, partial(stages.generate, model.model, prepared, sound, context, store))
            made[name] = output.frames_hash
            if hasattr(model.model, "frames_are_truth"):
                continue
            shown = timed(f"preview of {name}", partial(stages.preview, output, sound, store))
            made[f"preview of {name}"] = sha256_file(shown)
    return costs, made


def main() -> None:
    """Print a row per stage: seconds of both ways, their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=None, help="of the clip (default: all)")
    parser.add_argument("--model", action="append", help="repeatable (default: stylelipsync)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=None, help="use only the first so many")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    settle_threads()
    if options.cores:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: options.cores]))
    asked = options.model or ["stylelipsync"]
    models = [one for one in load_models(asked).models if one.name in {*asked, "static"}]
    clip = Clip("clip", "person", options.clip, end=options.seconds)
    context = GenerateContext(device=pick_device(options.device))
    best: dict[str, dict[str, Cost]] = {"serial": {}, "overlap": {}}
    made: list[dict[str, str]] = []
    round_of(clip, models, context)  # what is slow only once
    for _ in range(options.rounds):
        with one_after_the_other():
            serial = round_of(clip, models, context)
        overlap = round_of(clip, models, context)
        for way, (costs, hashes) in (("serial", serial), ("overlap", overlap)):
            made.append(hashes)
            for stage, cost in costs.items():
                known = best[way].get(stage, cost)
                best[way][stage] = Cost(min(known.wall, cost.wall), min(known.cpu, cost.cpu))
    same = all(hashes == made[0] for hashes in made)
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}; same bytes: {same}")
    print(f"{'stage':<28}{'serial':>10}{'overlap':>10}{'ratio':>8}{'cpu ratio':>11}")
    for stage, one in best["serial"].items():
        two = best["overlap"][stage]
        print(f"{stage:<28}{one.wall:>8.2f} s{two.wall:>8.2f} s{two.wall / one.wall:>8.2f}{two.cpu / one.cpu:>11.2f}")


if __name__ == "__main__":
    main()
