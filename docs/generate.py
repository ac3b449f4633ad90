"""Writes the reference pages from the code: `configuration.md` from the configuration classes, `cli.md`
from `--help`.

    python docs/generate.py           write both
    python docs/generate.py --check   exit with 1 where one is out of date
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from voyager_k8s.cli.main import cli

DOCS = Path(__file__).parent
CONFIG = DOCS.parent / "voyager_k8s" / "core" / "config.py"
INTRODUCTION = """# Configuration

`voyager-k8s train --config FILE` reads a file of this shape, and every campaign's folder holds the one it was
started with (`campaign.yaml`). An unknown key is refused. Options on the command line win over the file. API keys
are not part of it: they are read from the provider's environment variable (`OPENAI_API_KEY`,
`ANTHROPIC_API_KEY` ...) and are written nowhere.

```yaml
curriculum: first-steps
iterations: 10
models:
  default: {model: "openai:gpt-5.1"}
  roles:
    critic: {model: "openai:gpt-5.1-mini"}
  fallback: {model: "openai:qwen3", base_url: "http://localhost:8000/v1", key_variable: LOCAL_API_KEY}
sandbox: {seconds: 30}
```

This page is made from the classes in `voyager_k8s/core/config.py`; the top is `CampaignConfig`.
"""


def configuration() -> str:
    """The reference of every configuration class, the campaign's first."""
    classes = [node for node in ast.parse(CONFIG.read_text()).body if isinstance(node, ast.ClassDef)]
    classes.sort(key=lambda node: node.name != "CampaignConfig")
    return INTRODUCTION + "".join(f"\n{section}" for section in map(_section, classes))


def _section(node: ast.ClassDef) -> str:
    rows = "".join(f"| `{name}` | `{type_}` | {default} | {text} |\n" for name, type_, default, text in _fields(node))
    return f"## {node.name}\n{ast.get_docstring(node)}\n\n| key | type | default | |\n|---|---|---|---|\n{rows}"


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str, str]]:
    for field, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = " ".join(str(following.value.value).split()) if documented else ""  # type: ignore[union-attr]  # as checked in the line above
            yield field.target.id, _cell(ast.unparse(field.annotation)), _cell(_default(field.value)), _cell(text)


def _default(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Field":
        value = next((keyword.value for keyword in value.keywords if keyword.arg == "default"), None)
    if isinstance(value, ast.Call):
        return "see below"
    return f"`{ast.unparse(value)}`" if value else "required"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def command_line() -> str:
    """Every command's help, as it is printed."""
    parts = ["# Command line\n\nThis page is made from `--help`.\n"]
    for path, command in _commands((), cli):
        context = click.Context(command, info_name=" ".join(("voyager-k8s", *path)), **cli.context_settings)
        parts.append(f"\n## {context.info_name}\n```\n{command.get_help(context)}\n```\n")
    return "".join(parts)


def _commands(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands((*path, name), found)


def main() -> int:
    """Write the pages, or with `--check` only compare."""
    stale = []
    for name, text in (("configuration.md", configuration()), ("cli.md", command_line())):
        path = DOCS / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
