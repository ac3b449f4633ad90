"""Makes the control plane's programs available: cache, `PATH`, official releases, or a build.

Each component is staged in a folder beside its final one and renamed, so that it is there as a whole
or not at all. One process installs at a time; the others wait and find what it made. What a killed
install left is swept by the next.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from voyager_k8s.clusters.binaries import Binaries, Component, components, says_version
from voyager_k8s.clusters.disk import DiskFullError, disk_error
from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.errors import ClusterError, PrerequisiteError
from voyager_k8s.core.progress import Listener, Notice

__all__ = ["cached", "install"]

_STAGING = ".staging-"

_Source = Callable[[Component, Path], None]
"""Puts a component's programs into a folder; raises ClusterError or PrerequisiteError."""


def install(settings: InstallSettings, listener: Listener) -> Binaries:
    """Make all programs available; does nothing where they are already.

    Args:
        listener: told of downloads (bytes), builds (packages) and, as warnings, of sources that failed.

    Raises:
        PrerequisiteError: Go is needed and missing, or the machine is of the wrong kind.
        ClusterError: every source failed (the message lists them), or the disk is full.
    """
    found = _at_hand(settings)
    missing = [component for component in components(settings) if component.programs[0] not in found]
    if missing:
        with _installing(settings, listener):
            for number, component in enumerate(missing, start=1):
                found |= _make(component, settings, listener, f"step {number} of {len(missing)}")
    return Binaries.of(found)


def cached(settings: InstallSettings) -> Binaries | None:
    """The programs where nothing has to be installed any more; None where something has to."""
    found = _at_hand(settings)
    complete = all(name in found for component in components(settings) for name in component.programs)
    return Binaries.of(found) if complete else None


def _at_hand(settings: InstallSettings) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for component in components(settings):
        found |= _in_cache(component, settings) or _on_path(component, settings)
    return found


def _in_cache(component: Component, settings: InstallSettings) -> dict[str, Path]:
    paths = {name: component.folder(settings) / name for name in component.programs}
    return paths if all(path.is_file() for path in paths.values()) else {}


def _on_path(component: Component, settings: InstallSettings) -> dict[str, Path]:
    """Only a complete set of the right minor version counts: versions are not mixed."""
    paths: dict[str, Path] = {}
    for name in component.programs:
        program = shutil.which(name, path=settings.search_path)
        if program is None or says_version(Path(program), component.version) is not None:
            return {}
        paths[name] = Path(program).absolute()
    return paths


@contextmanager
def _installing(settings: InstallSettings, listener: Listener) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder = settings.cache / "bin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            listener(Notice(kind="install", text="waiting for another process that installs the same programs"))
            lock.acquire()
    except OSError as error:
        raise disk_error(error, folder) from error
    try:
        for left in folder.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()


def _make(component: Component, settings: InstallSettings, listener: Listener, step: str) -> dict[str, Path]:
    ready = _in_cache(component, settings)
    if ready:  # another process has made it while this one waited
        return ready
    failures: list[str] = []
    needs_go = False
    for name, source in _sources(settings, listener, step):
        try:
            _stage(component, settings, source)
        except DiskFullError:
            raise
        except (ClusterError, PrerequisiteError) as error:
            failures.append(f"{name}: {error}")
            needs_go = isinstance(error, PrerequisiteError)
            listener(Notice(kind="warning", text=f"{component}: {name} failed: {error}"))
        else:
            return _in_cache(component, settings)
    message = f"{component} could not be installed. " + " | ".join(failures)
    raise PrerequisiteError(message) if needs_go else ClusterError(message)


def _sources(settings: InstallSettings, listener: Listener, step: str) -> Iterator[tuple[str, _Source]]:
    if settings.download:
        from voyager_k8s.clusters.releases import fetch

        yield "download", lambda component, folder: fetch(component, folder, settings, listener)
    from voyager_k8s.clusters.build import build

    yield "build", lambda component, folder: build(component, folder, settings, listener, step)


def _stage(component: Component, settings: InstallSettings, source: _Source) -> None:
    final = component.folder(settings)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=final.parent))
    try:
        made = staging / "made"
        made.mkdir()
        source(component, made)
        _verify(component, made)
        shutil.rmtree(final, ignore_errors=True)  # an incomplete one, put there by hand
        made.rename(final)
    except OSError as error:
        raise disk_error(error, final.parent) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _verify(component: Component, folder: Path) -> None:
    for name in component.programs:
        wrong = says_version(folder / name, component.version)
        if wrong is not None:
            raise ClusterError(wrong.replace(str(folder / name), name))
