"""Builds the control plane's programs from their Go modules, where no release is to be had.

The modules' go.mod and go.sum pin every source file by checksum. Go's own cache makes a second build
quick. What is shown as progress is real: packages compiled, of the packages that need it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from voyager_k8s.clusters.binaries import Component
from voyager_k8s.clusters.disk import DiskFullError
from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.base import Model
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.errors import ClusterError, PrerequisiteError
from voyager_k8s.core.progress import Listener, Notice

__all__ = ["build", "find_go"]

_GO = (1, 26)
"""What the modules' go.mod asks for."""
_BETWEEN_NOTICES = 0.5
"""Seconds."""


class _Recipe(Model):
    """What to build in a component's module."""

    packages: tuple[str, ...]
    output: str
    """File or, ending in `/`, folder, within the component's."""
    variables: dict[str, str] = {}
    """Go variables that hold the version, and how it is written there."""
    links: tuple[str, ...] = ()
    """Further names of the one program built."""


_RECIPES = {
    "kwok": _Recipe(
        packages=("sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok/cmd/kwokctl"),
        output="./",
        variables={"sigs.k8s.io/kwok/pkg/consts.Version": "v{version}"},
    ),
    "etcd": _Recipe(packages=(".",), output="etcd"),
    "kubernetes": _Recipe(
        packages=(".",),
        output="kube",
        variables={
            "k8s.io/component-base/version.gitVersion": "v{version}",
            "k8s.io/component-base/version.gitMajor": "{major}",
            "k8s.io/component-base/version.gitMinor": "{minor}",
        },
        links=("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    ),
}


def build(component: Component, folder: Path, settings: InstallSettings, listener: Listener, step: str) -> None:
    """Build a component's programs into `folder`.

    Args:
        step: which of how many, for the notices: `step 2 of 3`.

    Raises:
        PrerequisiteError: no Go of the version needed.
        ClusterError: the build failed; the message ends with the compiler's last lines.
        OSError: the folder cannot be written to.
    """
    recipe = _RECIPES[component.name]
    go = find_go(settings)
    title = f"building {component} ({step})"
    with _copy_of_module(component, folder, settings) as module:
        listener(Notice(kind="install", text=f"{title}: fetching the source"))
        total = _stale_packages(go, module, recipe, component)
        command = [str(go), "build", "-v", *_flags(recipe, component), "-o", f"{folder}/{recipe.output}"]
        _compile([*command, *recipe.packages], module, title, total, listener)
    for name in recipe.links:
        (folder / name).symlink_to(recipe.output)


def find_go(settings: InstallSettings) -> Path:
    """Go from the search path, else the bundled one.

    Raises:
        PrerequisiteError: neither is there, or both are too old.
    """
    on_path = shutil.which("go", path=settings.search_path)
    candidates = [Path(on_path)] if on_path else []
    seen = []
    for go in [*candidates, settings.bundled_go]:
        version = _go_version(go)
        if version is not None and version >= _GO:
            return go
        seen.append(f"{go} {'is too old' if version else 'is not there'}")
    wanted = ".".join(map(str, _GO))
    raise PrerequisiteError(
        f"Go {wanted} or newer is needed to build the cluster's programs ({', '.join(seen)}): "
        f"install it with `pip install 'voyager-k8s[go]'`, or from https://go.dev/dl"
    )


def _go_version(go: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, env=_environment())
        major, minor = done.stdout.strip().removeprefix("go").split(".")[:2]
        return int(major), int("".join(filter(str.isdigit, minor[:2])))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _environment() -> dict[str, str]:
    """The caller's, handed on for the user's proxies and Go settings, with what the build must not vary in."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


def _flags(recipe: _Recipe, component: Component) -> list[str]:
    major, minor, _ = component.version.split(".")
    values = [
        f"-X {variable}={form.format(version=component.version, major=major, minor=minor)}"
        for variable, form in recipe.variables.items()
    ]
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s -w", *values])]


@contextmanager
def _copy_of_module(component: Component, folder: Path, settings: InstallSettings) -> Iterator[Path]:
    """An installed package may be read-only, and Go may want to write beside go.mod."""
    modules = settings.modules or data_folder("environments") / "control-plane"
    copy = folder.parent / "module"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(modules / component.name, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _stale_packages(go: Path, module: Path, recipe: _Recipe, component: Component) -> int:
    """How many packages the build will compile; fetches the source of all of them."""
    form = "{{if .Stale}}{{.ImportPath}}{{end}}"
    command = [str(go), "list", "-deps", *_flags(recipe, component), "-f", form, *recipe.packages]
    done = subprocess.run(command, cwd=module, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise _failure(done.stderr.splitlines()[-8:])
    return len(done.stdout.split())


def _compile(command: list[str], module: Path, title: str, total: int, listener: Listener) -> None:
    started = told = monotonic()
    compiled = 0
    last: deque[str] = deque(maxlen=8)
    process = subprocess.Popen(
        command, cwd=module, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with _stopped(process):
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            compiled += 1
            if monotonic() - told > _BETWEEN_NOTICES or compiled == total:
                told = monotonic()
                doing = "linking" if compiled >= total else "packages"
                listener(Notice(kind="install", text=f"{title}: {doing}", done=min(compiled, total), total=total))
        if process.wait() != 0:
            raise _failure(list(last))
    listener(Notice(kind="install", text=f"{title}: done in {monotonic() - started:.0f} s"))


@contextmanager
def _stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever ends the block, Ctrl-C included, the build is over after it."""
    with process:
        try:
            yield
        finally:
            if process.poll() is None:
                process.terminate()


def _failure(lines: list[str]) -> ClusterError:
    text = " / ".join(line.strip() for line in lines if line.strip())
    if "no space left on device" in text:
        return DiskFullError(f"no space is left on the disk for the build; free about 2 GiB: {text}")
    return ClusterError(f"go build failed: {text}")
