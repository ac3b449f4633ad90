"""What all domain types share: frozen, closed to unknown keys, plain JSON inside."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Manifest", "Model", "one_line"]

Manifest = dict[str, Any]
"""A Kubernetes object (or part of one) as plain JSON-able data."""


class Model(BaseModel):
    """A frozen domain type; an unknown key is an error, so a misspelt one is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def one_line(error: ValidationError) -> str:
    """Pydantic's findings as one line a person (or a model) can act on: `where: what; where: what`."""
    findings = []
    for finding in error.errors():
        where = ".".join(str(part) for part in finding["loc"]) or "value"
        what = finding["msg"].removeprefix("Value error, ")
        if finding["type"] == "extra_forbidden":
            what = "unknown key"
        findings.append(f"{where}: {what}")
    return "; ".join(findings)
