"""A skill's card as YAML that people read and edit."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import ValidationError

from voyager_k8s.core.base import one_line
from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.skill import SKILL_FORMAT, SkillCard

__all__ = ["read_card", "write_card"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.replace("\n", "").replace("\t", "").isprintable():
        style = '"'  # escapes it: YAML reads U+0085 and its like as the end of a line
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_card(card: SkillCard) -> str:
    """A card as text: format and version always, of the rest what differs from its default."""
    given = card.model_dump(mode="json", exclude_defaults=True)
    first = {"format": card.format, "name": card.name, "description": card.description, "version": card.version}
    return yaml.dump({**first, **given}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def read_card(text: str, where: str) -> SkillCard:
    """A card from text.

    Args:
        text: YAML.
        where: the file, for messages.

    Raises:
        LibraryError: no YAML, not a card, or written by a newer version.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - the safe loader, in C where there is one
    except yaml.YAMLError as error:
        raise LibraryError(f"{where} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise LibraryError(f"{where} is not a skill's card: a mapping is expected, with `name` and `description`")
    _check_format(data.get("format", SKILL_FORMAT), where)
    try:
        return SkillCard.model_validate(data)
    except ValidationError as error:
        raise LibraryError(f"{where} is not a skill's card: {one_line(error)}") from error


def _check_format(version: object, where: str) -> None:
    if isinstance(version, int) and version > SKILL_FORMAT:
        raise LibraryError(
            f"{where} has format {version}, this version of voyager-k8s reads up to {SKILL_FORMAT}: upgrade voyager-k8s"
        )
