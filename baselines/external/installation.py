"""Record of an installed external model (clone, weights, environment), kept as JSON in the cache folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Runtime
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.util.files import sha256_file, write_text_atomically
from bench_lipsync.harness.util.paths import cache_dir
from bench_lipsync.harness.util.sanitize import safe_id


class InstalledWeight(BaseModel):
    """A file of weights as it was hashed; size and modification time show whether it has changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """Path below the clone at which the program expects it."""
    path: str
    sha256: str
    size: int
    changed: int
    """Modification time in nanoseconds."""

    def problem(self) -> str:
        """The reason why it cannot be used; empty if it can."""
        path = Path(self.path)
        if not path.is_file():
            return f"{self.path} is gone"
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed):
            return f"{self.path} has changed since it was hashed"
        return ""


class Installation(BaseModel):
    """One model as installed on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    repository: str
    """Folder of the clone."""
    weights: tuple[InstalledWeight, ...] = ()
    environment: Runtime | None = None

    def weight_files(self) -> dict[str, Path]:
        """Location of each file by the path at which the program expects it."""
        return {weight.file: Path(weight.path) for weight in self.weights}


def home(name: str) -> Path:
    """The folder of the model's clone, environment and record."""
    return cache_dir() / "baselines" / safe_id(name)


def read_installation(name: str) -> Installation | None:
    """The record of a model, or `None` if it was never set up.

    Raises:
        BenchError: The record cannot be read.
    """
    path = home(name) / "installation.json"
    if not path.is_file():
        return None
    remedy = f"delete it and run bench baselines setup {name}"
    return validate(Installation, path.read_bytes(), f"{path} cannot be read", remedy)


def write_installation(installation: Installation) -> Path:
    """Write the record; returns its path."""
    path = home(installation.name) / "installation.json"
    return write_text_atomically(path, installation.model_dump_json(indent=2) + "\n")


def setup_command(description: Description) -> str:
    """The command that sets this model up, with open arguments in capitals."""
    weights = " --weights DIR" if description.weights else ""
    return f"bench baselines setup {description.name} --repo {description.repository}{weights} --python EXE"


def installed(description: Description) -> Installation:
    """The complete installation of a model.

    Raises:
        BenchError: Something is missing; the message names it and the command that helps.
    """
    name, doctor = description.name, f"bench baselines doctor {description.name} says more"
    installation = read_installation(name)
    if installation is None:
        raise BenchError(f"{name} is not set up: {setup_command(description)}")
    if not Path(installation.repository).is_dir():
        raise BenchError(
            f"{name}: its clone {installation.repository} is gone; bench baselines setup {name} --repo PATH"
        )
    if installation.environment is None:
        raise BenchError(f"{name} has no environment: bench baselines setup {name} --python EXE, or --uv; {doctor}")
    problems = {weight.file: weight.problem() for weight in installation.weights}
    for weight in description.weights:
        problem = problems.get(weight.file, "" if weight.optional else f"weights {weight.file} are missing")
        if problem:
            raise BenchError(f"{name}: {problem}; bench baselines setup {name} --weights DIR; from {weight.page}")
    return installation


def hash_weights(description: Description, folders: tuple[Path, ...]) -> tuple[InstalledWeight, ...]:
    """Find the weights below `folders`, by their path or their name alone, and hash them.

    Raises:
        BenchError: The sha256 of a file differs from the description's.
    """
    weights = []
    for weight in description.weights:
        path = find_weight(weight.file, folders)
        if path is None:
            continue
        digest, status = sha256_file(path), path.stat()
        if weight.sha256 and digest != weight.sha256:
            raise BenchError(f"{path} is not the file that {weight.page} offers: sha256 {digest}, not {weight.sha256}")
        weights.append(
            InstalledWeight(
                file=weight.file, path=str(path), sha256=digest, size=status.st_size, changed=status.st_mtime_ns
            )
        )
    return tuple(weights)


def find_weight(file: str, folders: tuple[Path, ...]) -> Path | None:
    """The first of `folder/file` and `folder/name` that exists."""
    candidates = (folder / part for folder in folders for part in (file, Path(file).name))
    return next((path.resolve() for path in candidates if path.is_file()), None)
