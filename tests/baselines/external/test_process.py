"""A foreign program ends by itself or is ended; either way nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench_lipsync.baselines.external.program.process import TOKEN, Job, LogTail, kill_marked, run
from bench_lipsync.harness.errors import ClipError, Status

SLEEPS = "import time; time.sleep(60)"


def job(folder: Path, code: str, seconds: float = 20, grow: int = 50_000_000) -> Job:
    variables = {"PATH": os.environ["PATH"], TOKEN: "0123", "PYTHONUNBUFFERED": "1"}
    return Job((sys.executable, "-S", "-c", code), folder, variables, seconds, grow, grace=0.3)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def pids(path: Path) -> list[int]:
    """Process ids that a program has written, one in a file of the folder."""
    return [int(file.read_text()) for file in path.glob("*.pid") if file.read_text()]


def grandchild(name: str, before: str = "") -> str:
    """Code that starts a process which sleeps, and notes its id."""
    code = f"{before}\n{SLEEPS}"
    return (
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-S', '-c', {code!r}], start_new_session=True)\n"
        f"open('{name}.pid', 'w').write(str(p.pid))\n"
    )


def test_output_and_exit_code(tmp_path: Path) -> None:
    ended = run(job(tmp_path, "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"))
    assert ended.code == 3
    assert ended.log.lines() == ["one", "two"]
    assert ended.problem() == f"the program ended with exit code 3 after {ended.seconds:.0f} s: two"


def test_well_done(tmp_path: Path) -> None:
    assert run(job(tmp_path, "pass")).problem() == ""


def test_ended_by_a_signal(tmp_path: Path) -> None:
    ended = run(job(tmp_path, "import os; os.kill(os.getpid(), 11)"))
    assert "SIGSEGV" in ended.problem()


def test_program_that_is_not_there(tmp_path: Path) -> None:
    ended = run(Job(("no-such-program",), tmp_path, {"PATH": "/nowhere"}, 5, 1000))
    assert (
        ended.problem() == "the program could not be started: cannot start no-such-program: No such file or directory"
    )


def test_nothing_to_read_and_little_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    ended = run(job(tmp_path, "import os, sys; print(repr(sys.stdin.read()), sorted(os.environ))"))
    assert ended.log.lines()[0].startswith("'' [")
    assert "SECRET_KEY" not in ended.log.lines()[0]


def test_time_limit(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ClipError) as caught:
        run(job(tmp_path, f"open('me.pid', 'w').write(str(__import__('os').getpid())); {SLEEPS}", seconds=1))
    assert caught.value.status is Status.TIMEOUT
    assert caught.value.reason == "stopped after 1 s"
    assert time.monotonic() - began < 5
    assert not any(map(alive, pids(tmp_path)))


def test_program_that_will_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    with pytest.raises(ClipError, match="stopped after 1 s"):
        run(job(tmp_path, f"{deaf}open('me.pid', 'w').write(str(__import__('os').getpid())); {SLEEPS}", seconds=1))
    assert len(pids(tmp_path)) == 1
    assert not any(map(alive, pids(tmp_path)))


@pytest.mark.parametrize("stop", [False, True])
def test_grandchildren_in_sessions_of_their_own_go_too(tmp_path: Path, stop: bool) -> None:
    code = grandchild("a") + grandchild("b", "import os; os.environ.clear()") + (SLEEPS if stop else "")
    if stop:
        with pytest.raises(ClipError):
            run(job(tmp_path, code, seconds=2))
    else:
        assert run(job(tmp_path, code)).code == 0
    assert len(pids(tmp_path)) == 2
    assert not any(map(alive, pids(tmp_path)))


def test_huge_file_is_stopped_at_the_limit(tmp_path: Path) -> None:
    with pytest.raises(ClipError) as caught:
        run(job(tmp_path, "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()", grow=20_000_000))
    assert caught.value.status is Status.BAD_OUTPUT
    assert caught.value.reason == "stopped: it wrote more than 20 MB"
    assert (tmp_path / "big").stat().st_size <= 20_000_001, "however fast it is written"


def test_many_files_are_stopped(tmp_path: Path) -> None:
    code = "import time\nfor i in range(1000): open(str(i), 'wb').write(bytes(100_000)); time.sleep(0.01)"
    with pytest.raises(ClipError) as caught:
        run(job(tmp_path, code, grow=2_000_000))
    assert caught.value.status is Status.BAD_OUTPUT
    assert caught.value.reason == "stopped: it wrote more than 2 MB"


def test_much_print_costs_no_memory(tmp_path: Path) -> None:
    ended = run(job(tmp_path, "for i in range(200_000): print('x' * 100)\nprint('the end')"))
    assert ended.log.last_words() == "the end"
    assert len(ended.log.lines(10_000)) < 5000


def test_nothing_is_left_when_the_caller_is_killed(tmp_path: Path) -> None:
    inner = grandchild("a") + f"open('b.pid', 'w').write(str(__import__('os').getpid()))\n{SLEEPS}"
    caller = (
        "import sys; from pathlib import Path\n"
        "from bench_lipsync.baselines.external.program.process import Job, run\n"
        f"run(Job((sys.executable, '-S', '-c', {inner!r}), Path({str(tmp_path)!r}), {{}}, 60, 10_000_000, grace=0.3))"
    )
    process = subprocess.Popen([sys.executable, "-c", caller])  # noqa: S603
    try:
        assert wait_for(lambda: len(pids(tmp_path)) == 2)
        assert all(map(alive, pids(tmp_path)))
    finally:
        process.kill()
        process.wait()
    assert wait_for(lambda: not any(map(alive, pids(tmp_path))))


def test_ctrl_c_ends_the_program_first(tmp_path: Path) -> None:
    inner = f"open('b.pid', 'w').write(str(__import__('os').getpid()))\n{SLEEPS}"
    caller = (
        "import signal, sys; from pathlib import Path\n"
        "from bench_lipsync.baselines.external.program.process import Job, run\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # Ignored in a shell's background jobs.
        "try:\n"
        f"    run(Job((sys.executable, '-S', '-c', {inner!r}), Path({str(tmp_path)!r}), {{}}, 60, 10_000_000))\n"
        "except KeyboardInterrupt:\n    sys.exit(7)"
    )
    process = subprocess.Popen([sys.executable, "-c", caller])  # noqa: S603
    assert wait_for(lambda: len(pids(tmp_path)) == 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 7
    assert not any(map(alive, pids(tmp_path)))


def test_marked_processes_are_found_without_a_supervisor() -> None:
    asleep = [sys.executable, "-S", "-c", SLEEPS]
    process = subprocess.Popen(asleep, env={TOKEN: "a1b2c3"}, start_new_session=True)  # noqa: S603
    assert wait_for(lambda: b"a1b2c3" in Path(f"/proc/{process.pid}/environ").read_bytes())
    assert kill_marked("another") == 0
    assert kill_marked("a1b2c3") == 1
    assert process.wait(timeout=5) == -signal.SIGKILL


def test_log_is_made_readable() -> None:
    log = LogTail()
    log.write(b"\x1b[31mRed\x1b[0m alert\r\n")
    log.write(" 10%|█         | 1/10\r 50%|█████     | 5/10\r100%|██████████| 10/10 [00:01<00:00, 9.5it/s]\n".encode())
    log.write(b"a\x00b\x07 \xff\xe2\x80\xae\n\n------\n")
    assert log.lines()[0] == "Red alert"
    assert log.lines()[1].startswith("100%|")
    assert log.last_words().startswith("a b")
    assert all(letter.isprintable() for line in log.lines() for letter in line)


def test_log_forgets_the_beginning() -> None:
    log = LogTail(kept=100)
    for number in range(100):
        log.write(f"line {number}\n".encode())
    assert log.lines()[-1] == "line 99"
    assert len(log.lines(1000)) < 20
