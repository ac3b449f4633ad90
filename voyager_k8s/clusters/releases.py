"""Downloads the control plane's programs from their official releases, and checks each by SHA-256.

A checksum comes over HTTPS from where the project publishes it, so it proves that the file arrived
as it was released, not who released it.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import TYPE_CHECKING

from voyager_k8s.clusters.binaries import Component, this_machine
from voyager_k8s.clusters.settings import InstallSettings
from voyager_k8s.core.base import Model
from voyager_k8s.core.errors import ClusterError
from voyager_k8s.core.progress import Listener, Notice

if TYPE_CHECKING:
    import httpx

__all__ = ["fetch"]

_MIB = 1024 * 1024
_CHUNK = 256 * 1024
_BETWEEN_NOTICES = 0.2
"""Seconds."""


class _Asset(Model):
    """One file of a release."""

    name: str
    url: str
    sha256: str
    """Hexadecimal."""


def fetch(component: Component, folder: Path, settings: InstallSettings, listener: Listener) -> None:
    """Download a component's programs into `folder`, each verified and executable.

    Raises:
        ClusterError: a host that cannot be reached, a missing file, a transfer that broke off, a wrong
            checksum; the message says which, with the URL.
        OSError: the folder cannot be written to.
    """
    import httpx

    timeout = httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds)
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        for asset in _FINDERS[component.name](client, component, settings):
            path = folder / asset.name
            with _reaching(asset.url):
                _download(client, asset, path, listener)
            if asset.name.endswith(".tar.gz"):
                _unpack(path, component)
    for name in component.programs:
        (folder / name).chmod(0o755)


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Turns what httpx raises while `url` is read into our error, in words."""
    import httpx

    try:
        yield
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise ClusterError(f"{url} answers {answer.status_code} {answer.reason_phrase}") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL) as error:
        raise ClusterError(f"{url} cannot be reached: {error or 'no connection in time'}") from error
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout) as error:
        raise ClusterError(f"the transfer of {url} broke off: {error or 'silence for too long'}") from error
    except httpx.HTTPError as error:
        raise ClusterError(f"{url}: {error}") from error


def _download(client: httpx.Client, asset: _Asset, path: Path, listener: Listener) -> None:
    digest = hashlib.sha256()
    with client.stream("GET", asset.url) as answer, path.open("wb") as file:
        answer.raise_for_status()
        length = answer.headers.get("content-length", "")
        total = int(length) / _MIB if length.isdigit() else None
        told = monotonic()
        for chunk in answer.iter_raw(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            if monotonic() - told > _BETWEEN_NOTICES:
                told = monotonic()
                listener(_progress(asset, answer.num_bytes_downloaded / _MIB, total))
        listener(_progress(asset, answer.num_bytes_downloaded / _MIB, total))
    if digest.hexdigest() != asset.sha256.lower():
        raise ClusterError(
            f"{asset.url} has the wrong checksum: SHA-256 {digest.hexdigest()}, published is {asset.sha256}; "
            f"the file was thrown away"
        )


def _progress(asset: _Asset, done: float, total: float | None) -> Notice:
    return Notice(kind="install", text=f"downloading {asset.name} (MiB)", done=done, total=total)


def _unpack(archive: Path, component: Component) -> None:
    """Take the programs out of an archive (they lie in a folder named after the release)."""
    wanted = set(component.programs)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                content = tar.extractfile(member) if name in wanted and member.isfile() else None
                if content is not None:
                    with (archive.parent / name).open("wb") as file:
                        while chunk := content.read(_CHUNK):
                            file.write(chunk)
                    wanted.discard(name)
    except tarfile.TarError as error:
        raise ClusterError(f"{archive.name} is no tar archive: {error}") from error
    if wanted:
        raise ClusterError(f"{archive.name} holds no {', '.join(sorted(wanted))}")
    archive.unlink()


def _kubernetes(client: httpx.Client, component: Component, settings: InstallSettings) -> list[_Asset]:
    machine = this_machine()
    base = f"{settings.kubernetes_url}/v{component.version}/bin/{machine.system}/{machine.architecture}"
    assets = []
    for name in component.programs:
        published = _text(client, f"{base}/{name}.sha256").split()
        assets.append(_asset(name, f"{base}/{name}", published[0] if published else ""))
    return assets


def _etcd(client: httpx.Client, component: Component, settings: InstallSettings) -> list[_Asset]:
    machine = this_machine()
    base = f"{settings.etcd_url}/v{component.version}"
    name = f"etcd-v{component.version}-{machine.system}-{machine.architecture}.tar.gz"
    sums = {line.split()[-1]: line.split()[0] for line in _text(client, f"{base}/SHA256SUMS").splitlines() if line}
    return [_asset(name, f"{base}/{name}", sums.get(name, ""))]


def _kwok(client: httpx.Client, component: Component, settings: InstallSettings) -> list[_Asset]:
    """GitHub's index of a release gives each asset's digest as `sha256:<hexadecimal>`."""
    machine = this_machine()
    url = f"{settings.kwok_index_url}/v{component.version}"
    try:
        digests = {entry["name"]: str(entry.get("digest")) for entry in json.loads(_text(client, url))["assets"]}
    except (ValueError, TypeError, KeyError) as error:
        raise ClusterError(f"{url} is no index of a release") from error
    assets = []
    for name in component.programs:
        file = f"{name}-{machine.system}-{machine.architecture}"
        digest = digests.get(file, "").removeprefix("sha256:")
        assets.append(_asset(name, f"{settings.kwok_url}/v{component.version}/{file}", digest))
    return assets


def _text(client: httpx.Client, url: str) -> str:
    with _reaching(url):
        return client.get(url).raise_for_status().text


def _asset(name: str, url: str, sha256: str) -> _Asset:
    if len(sha256) != hashlib.sha256().digest_size * 2:
        raise ClusterError(f"no SHA-256 is published for {url}")
    return _Asset(name=name, url=url, sha256=sha256)


_Finder = Callable[["httpx.Client", Component, InstallSettings], list[_Asset]]
_FINDERS: dict[str, _Finder] = {"kubernetes": _kubernetes, "etcd": _etcd, "kwok": _kwok}
