"""A container without a network that sees the working directory and, read-only, the targets of its links.

The only backend that isolates a hostile program from the rest of the machine.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments.base import Location, find_program, write_requirements
from bench_lipsync.baselines.external.program.process import TOKEN
from bench_lipsync.harness.errors import BenchError

_PAGE = "https://docs.docker.com/engine/install"
_WORKDIR = "/work"
_LOCAL = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "SSL_CERT_FILE"}
    | {"TORCH_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "CUDA_HOME", "CUDA_PATH", "NVIDIA_VISIBLE_DEVICES"}
    | {"CUDA_VISIBLE_DEVICES"}
)
"""Variables that describe this machine; the image has its own."""


class DockerEnvironment:
    """An image, given by its name."""

    def __init__(self, image: str) -> None:
        if not image or image.startswith("-"):
            raise BenchError(f"{image!r} is no name of an image; for example --docker pytorch/pytorch:1.12.1-cuda11.3")
        self._image = image

    @property
    def python(self) -> str:
        """The interpreter of the image."""
        return "python"

    def problem(self) -> str:
        """Whether docker is installed."""
        try:
            find_program("docker", _PAGE)
        except BenchError as error:
            return str(error)
        return ""

    def argv(self, command: Sequence[str], location: Location, variables: Mapping[str, str]) -> tuple[str, ...]:
        """`docker run` as the current user, without capabilities and network; removed when it ends."""
        mounts = [_mount(location.folder, _WORKDIR)]
        mounts += [_mount(path, str(path), "readonly") for path in location.read_only]
        container_variables = {name: value for name, value in variables.items() if name not in _LOCAL}
        container_variables |= {"HOME": f"{_WORKDIR}/.bench/tmp", "TMPDIR": f"{_WORKDIR}/.bench/tmp"}
        gpus = _gpus(variables.get("CUDA_VISIBLE_DEVICES")) if location.gpu else ()
        return (
            *(find_program("docker", _PAGE), "run", "--rm", "--init", "--name", _name(location.token)),
            *("--network", "none", "--ipc", "private", "--shm-size", "1g", "--pids-limit", "4096"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--user", f"{os.getuid()}:{os.getgid()}", "--workdir", _WORKDIR),
            *(word for mount in mounts for word in ("--mount", mount)),
            *(word for name, value in container_variables.items() for word in ("--env", f"{name}={value}")),
            *gpus,
            *(self._image, *command),
        )

    def variables(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables of the docker client; those of the program are in its arguments."""
        client = {name: base[name] for name in ("PATH", "HOME", TOKEN) if name in base}
        return client | {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}

    def cleanup(self, token: str) -> tuple[str, ...]:
        """Remove the container; killing the client does not end it."""
        return (find_program("docker", _PAGE), "rm", "--force", _name(token))

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """`docker build` of the description's image with its packages."""
        if not environment.image:
            raise BenchError("the description names no image to start from; give your own with --docker IMAGE")
        write_requirements(environment, folder)
        install = json.dumps(["python", "-m", "pip", "install", "--no-cache-dir", "-r", "/requirements.txt"])
        lines = [f"FROM {environment.image}", "COPY requirements.txt /requirements.txt"]
        (folder / "Dockerfile").write_text("\n".join([*lines, f"RUN {install}" if environment.packages else "", ""]))
        return ((find_program("docker", _PAGE), "build", "--tag", self._image, str(folder)),)


def remove_container(token: str) -> None:
    """End the container of a run that died; without a docker command there can be none."""
    with contextlib.suppress(BenchError, OSError, subprocess.TimeoutExpired):
        command = DockerEnvironment("any").cleanup(token)
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)  # noqa: S603


def _name(token: str) -> str:
    return f"bench-{token}"


def _gpus(visible: str | None) -> tuple[str, ...]:
    """The option for all GPUs, or for those in `visible`; none for an empty list."""
    if visible is None:
        return ("--gpus", "all")
    return ("--gpus", f'"device={visible}"') if visible else ()


def _mount(source: Path, target: str, *options: str) -> str:
    """The value of `--mount`, which docker parses as one line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(["type=bind", f"source={source}", f"target={target}", *options])
    return line.getvalue()
