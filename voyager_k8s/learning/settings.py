"""Reads what people configure: a campaign, a cluster, a library, and names of what travels with the package."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from voyager_k8s.agents.replies import read_yaml
from voyager_k8s.core.base import Model, one_line
from voyager_k8s.core.config import CampaignConfig, ClusterConfig, LibraryConfig
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.errors import UsageError

__all__ = ["absolute", "library_config", "read_cluster", "read_config", "resolve_cassette", "resolve_curriculum"]

M = TypeVar("M", bound=Model)


def read_config(path: Path) -> CampaignConfig:
    """Read a campaign's configuration.

    Raises:
        UsageError: it cannot be read, is not YAML, or has an unknown key or a value that does not fit.
    """
    return _read(CampaignConfig, path, "configuration")


def absolute(config: CampaignConfig) -> CampaignConfig:
    """The configuration with every file in it as an absolute path, so that whoever resumes may stand elsewhere.

    Raises:
        UsageError: the curriculum or the cassette does not exist.
    """
    models, library = config.models, config.library
    if models.replay:
        models = models.model_copy(update={"replay": str(resolve_cassette(models.replay))})
    if models.record:
        models = models.model_copy(update={"record": str(Path(models.record).absolute())})
    if library.path:
        library = library.model_copy(update={"path": str(Path(library.path).absolute())})
    known = config.curriculum in ("auto", "manual")
    curriculum = config.curriculum if known else str(resolve_curriculum(config.curriculum))
    return config.model_copy(update={"curriculum": curriculum, "models": models, "library": library})


def read_cluster(environment: str) -> ClusterConfig:
    """The cluster that `environments/<name>/cluster.yaml`, or a file, describes.

    Raises:
        UsageError: there is none, or it has an unknown key or a value that does not fit.
    """
    path = Path(environment)
    if path.suffix not in (".yaml", ".yml"):
        path = data_folder("environments") / environment / "cluster.yaml"
    if not path.is_file():
        known = sorted(found.parent.name for found in data_folder("environments").glob("*/cluster.yaml"))
        raise UsageError(f"there is no environment {environment!r}; there are {', '.join(known)}, or give a .yaml file")
    return _read(ClusterConfig, path, "environment")


def library_config(library: Path) -> LibraryConfig:
    """How an existing library is embedded: as the campaign that made it wrote down, else by default.

    Raises:
        UsageError: its `library.yaml` has an unknown key or a value that does not fit.
    """
    path = library / "library.yaml"
    return _read(LibraryConfig, path, "library's settings") if path.exists() else LibraryConfig()


def resolve_curriculum(name: str) -> Path:
    """A curriculum's path: a file, or the name of one that travels with the package (`first-steps`).

    Raises:
        UsageError: there is no such file.
    """
    return _named(name, "curriculum", ".yaml", "auto, manual, ")


def resolve_cassette(name: str) -> Path:
    """A cassette's path: a file, or the name of one that travels with the package (`demo`).

    Raises:
        UsageError: there is no such file.
    """
    return _named(name, "cassette", ".cassette")


def _named(name: str, what: str, suffix: str, besides: str = "") -> Path:
    ours = data_folder("curricula")
    for path in (Path(name), ours / f"{name}{suffix}"):
        if path.is_file():
            return path.absolute()
    known = ", ".join(sorted(path.stem for path in ours.glob(f"*{suffix}"))) or "(none)"
    raise UsageError(f"there is no {what} {name!r}; give {besides}a file, or one of {known}")


def _read(shape: type[M], path: Path, what: str) -> M:
    data = read_yaml(path, what)
    try:
        return shape.model_validate({} if data is None else data)
    except ValidationError as error:
        raise UsageError(f"the {what} {path}: {one_line(error)}") from error
