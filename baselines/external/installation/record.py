"""Where a user has an external model: clone, weights, environment; kept as JSON in the cache folder."""

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
    """A file of weights as it was hashed; size and time tell whether it still is that file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """Where the program looks for it."""
    path: str
    sha256: str
    size: int
    changed: int
    """Modification time in nanoseconds."""

    def problem(self) -> str:
        """Why it cannot be used; empty if it can."""
        path = Path(self.path)
        if not path.is_file():
            return f"{self.path} is gone"
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) != (self.size, self.changed):
            return f"{self.path} has changed since it was hashed"
        return ""


class Installation(BaseModel):
    """One model as it is on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    repository: str
    """Folder of the clone."""
    weights: tuple[InstalledWeight, ...] = ()
    environment: Runtime | None = None

    def weight_files(self) -> dict[str, Path]:
        """Where the program looks for each, and where it is."""
        return {weight.file: Path(weight.path) for weight in self.weights}


def home(name: str) -> Path:
    """The folder of everything that is made for this model: clone, environment."""
    return cache_dir() / "baselines" / safe_id(name)


def read_installation(name: str) -> Installation | None:
    """What was set up, `None` for nothing. Raises `BenchError` for a record that cannot be read."""
    path = home(name) / "installation.json"
    if not path.is_file():
        return None
    remedy = f"delete it and run bench baselines setup {name}"
    return validate(Installation, path.read_bytes(), f"{path} cannot be read", remedy)


def write_installation(installation: Installation) -> Path:
    """Keep it for the next runs."""
    path = home(installation.name) / "installation.json"
    return write_text_atomically(path, installation.model_dump_json(indent=2) + "\n")


def setup_command(description: Description) -> str:
    """The command that sets this model up, with what is still open in capitals."""
    weights = " --weights DIR" if description.weights else ""
    return f"bench baselines setup {description.name} --repo {description.repository}{weights} --python EXE"


def installed(description: Description) -> Installation:
    """The complete installation of a model. Raises `BenchError` that names what is missing and the way out."""
    name, doctor = description.name, f"bench baselines doctor {description.name} says more"
    found = read_installation(name)
    if found is None:
        raise BenchError(f"{name} is not set up: {setup_command(description)}")
    if not Path(found.repository).is_dir():
        raise BenchError(f"{name}: its clone {found.repository} is gone; bench baselines setup {name} --repo PATH")
    if found.environment is None:
        raise BenchError(f"{name} has no environment: bench baselines setup {name} --python EXE, or --uv; {doctor}")
    here = {weight.file: weight.problem() for weight in found.weights}
    for weight in description.weights:
        problem = here.get(weight.file, "" if weight.optional else f"weights {weight.file} are missing")
        if problem:
            raise BenchError(f"{name}: {problem}; bench baselines setup {name} --weights DIR; from {weight.page}")
    return found


def hash_weights(description: Description, folders: tuple[Path, ...]) -> tuple[InstalledWeight, ...]:
    """Find the weights below `folders`, by the whole path or the bare name, and hash them.

    Raises `BenchError` for a file that is not the one whose sha256 the description gives.
    """
    found = []
    for weight in description.weights:
        path = find_weight(weight.file, folders)
        if path is None:
            continue
        digest, facts = sha256_file(path), path.stat()
        if weight.sha256 and digest != weight.sha256:
            raise BenchError(f"{path} is not the file that {weight.page} offers: sha256 {digest}, not {weight.sha256}")
        found.append(
            InstalledWeight(
                file=weight.file, path=str(path), sha256=digest, size=facts.st_size, changed=facts.st_mtime_ns
            )
        )
    return tuple(found)


def find_weight(file: str, folders: tuple[Path, ...]) -> Path | None:
    """The first of `folder/file` and `folder/name` that is there."""
    places = (folder / part for folder in folders for part in (file, Path(file).name))
    return next((place.resolve() for place in places if place.is_file()), None)
