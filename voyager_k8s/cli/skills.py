"""`skills`: a library's skills, for people."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from voyager_k8s.library.files import FileSkillStore

__all__ = ["skills"]

_library = click.option(
    "--library",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The library's folder (a campaign's is DIR/library).",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group()
def skills() -> None:
    """List, show and search the skills of a library. A skill is a Python file with a YAML file beside it,
    in LIBRARY/skills/."""


@skills.command("list")
@_library
@click.option("--all", "everything", is_flag=True, help="The seed skills too.")
@_json
def list_skills(library: Path, everything: bool, as_json: bool) -> None:
    """List the learned skills."""
    from rich.console import Console
    from rich.table import Table

    found = [skill for skill in _store(library).all() if everything or skill.card.status != "seed"]
    if as_json:
        click.echo(json.dumps([skill.card.model_dump(mode="json") for skill in found], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "status", "version", "description"):
        table.add_column(name, overflow="fold", no_wrap=name == "name")
    for skill in found:
        table.add_row(skill.name, skill.card.status, str(skill.card.version), skill.card.description)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@skills.command()
@click.argument("name")
@_library
@_json
def show(name: str, library: Path, as_json: bool) -> None:
    """Print the source of the skill NAME, and what is known of it."""
    skill = _store(library).get(name)
    if as_json:
        click.echo(json.dumps({**skill.card.model_dump(mode="json"), "source": skill.source}, indent=2))
        return
    import yaml

    click.echo(yaml.safe_dump(skill.card.model_dump(mode="json"), sort_keys=False, width=110, allow_unicode=True))
    click.echo(skill.source, nl=False)


@skills.command()
@click.argument("text")
@_library
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Skills to show.")
@_json
def search(text: str, library: Path, limit: int, as_json: bool) -> None:
    """Find the skills whose description is nearest to TEXT in meaning."""
    from voyager_k8s.cli.console import console_listener
    from voyager_k8s.core.config import CampaignConfig
    from voyager_k8s.learning.settings import library_config
    from voyager_k8s.models.scripted import ScriptedModel
    from voyager_k8s.runtime import open_skills

    _store(library)
    config = CampaignConfig(library=library_config(library))
    with open_skills(library, config, ScriptedModel({}), os.environ, console_listener()) as manager:
        hits = manager.search(text, limit)
    found: list[dict[str, Any]] = [
        {"name": skill.name, "distance": round(distance, 4), "description": skill.card.description}
        for skill, distance in hits
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for hit in found:
        click.echo(f"{hit['distance']:.3f}  {hit['name']}: {hit['description']}")


@skills.command()
@click.argument("name")
@_library
def rehash(name: str, library: Path) -> None:
    """Accept an edit of the skill NAME: write its hash, parameters and imports anew into its .yaml."""
    from voyager_k8s.library.seeds import rehash as accept

    card = accept(_store(library), name).card
    click.echo(f"{name}: sha256 {card.sha256[:12]}..., imports {', '.join(card.imports) or 'nothing'}")


def _store(library: Path) -> FileSkillStore:
    from voyager_k8s import runtime

    return runtime.library(library)
