"""The `bench` command on a disk that has ever less room, started by `test_disk_full` where the disk can be mounted."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import noise_runs
from results_digest import results_digest

import bench_lipsync.harness.run.pipeline
import bench_lipsync.harness.stages.prepare_clip
from bench_lipsync.harness import cli
from bench_lipsync.harness.registry import plugins


def main() -> None:
    disk, root = Path(os.environ["DISK"]), Path(os.environ["ROOT"])
    bench_lipsync.harness.stages.prepare_clip.prepare_clip = noise_runs.prepare_noise
    plugins.MODELS._targets["darker"] = noise_runs.Darker
    words = ["run", "--config", str(root / "small.yaml"), "--no-report", "--executor", "local", "--device", "cpu"]
    ended = []
    os.environ["BENCH_CACHE"] = str(disk / "cache")
    for kept in json.loads(os.environ["KEPT"]):  # What somebody else has on the disk.
        (disk / "filler").write_bytes(bytes(kept))
        ended.append(_bench([*words, "--out", str(disk / "run")], root / "said"))
        (disk / "filler").unlink()
    os.environ["BENCH_CACHE"] = str(root / "cache")
    whole = _bench([*words, "--out", str(root / "whole")], root / "said")
    same = whole[0] == 0 and results_digest(root / "whole") == results_digest(disk / "run")
    left = [path.name for path in (*(disk / "cache/store/tmp").iterdir(), *(disk / "run").rglob(".half-*"))]
    print(json.dumps({"ended": ended, "same": same, "left": left, "whole": whole[1]}))


def _bench(words: list[str], log: Path) -> tuple[int, str]:
    """The command itself in a process of its own: its exit code and what it says."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.argv = ["bench", *words]
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), log.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
