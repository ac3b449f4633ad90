"""`status`: what a campaign has done and learned."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from voyager_k8s.learning.status import CampaignStatus

__all__ = ["print_status", "status"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Show what the campaign in FOLDER has done and learned; it may be running."""
    from voyager_k8s import runtime

    print_status(runtime.status(folder), as_json=as_json)


def print_status(status: CampaignStatus, *, as_json: bool) -> None:
    """Print a campaign's figures to stdout, for a person or as JSON."""
    if as_json:
        click.echo(status.model_dump_json(indent=2))
        return
    _print_tasks(status)
    _print_figures(status)
    _print_next(status)


def _print_tasks(status: CampaignStatus) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("task", "result", "attempts", "skill", "imports"):
        table.add_column(name, overflow="fold")
    imports = {skill.name: ", ".join(skill.imports_learned) for skill in status.skills}
    for line in status.tasks:
        table.add_row(line.id, line.state, str(line.attempts), line.skill or "-", imports.get(line.skill, "") or "-")
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    console.print(table)


def _print_figures(status: CampaignStatus) -> None:
    counts = f"{status.tasks_completed} tasks completed, {status.tasks_failed} failed"
    for number, word in ((status.tasks_unknown, "could not be judged"), (status.tasks_rejected, "not set up")):
        counts += f", {number} {word}" if number else ""
    click.echo(f"\n{counts}; {status.attempts} attempts; {len(status.skills)} skills learned")
    tokens = status.tokens
    click.echo(f"tokens: {tokens['prompt']:,} in, {tokens['reply']:,} out, in {tokens['calls']} model calls")
    if status.overhead_seconds_per_attempt is not None:
        own = status.overhead_seconds_per_attempt * 1000
        click.echo(f"an attempt's own overhead (without replies, program and settling): {own:.0f} ms, median")
    if status.replay.get("mismatches"):
        total = status.replay["replies"]
        click.echo(f"replayed: {status.replay['mismatches']} of {total} prompts differ from the recorded ones")
    click.echo(f"stopped because: {status.stopped_because}")


def _print_next(status: CampaignStatus) -> None:
    if not status.skills:
        return
    program, library, name = _shown(sys.argv[0]), f"--library {_shown(status.library)}", status.skills[-1].name
    click.echo(
        f"""
Next:
  {program} skills list {library}
  {program} skills show {name} {library}
  {program} skills search "make a broken Deployment healthy" {library}
  {program} status {_shown(status.folder)} --json"""
    )


def _shown(path: str) -> str:
    """A path as one would type it here."""
    here, there = Path.cwd(), Path(path).absolute()
    if shutil.which("voyager-k8s") == str(there):
        return "voyager-k8s"
    return shlex.quote(str(there.relative_to(here) if there.is_relative_to(here) else there))
