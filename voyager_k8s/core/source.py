"""What can be read off a skill's source without running it."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache

from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.skill import Parameter

__all__ = ["digest", "docstring", "signature", "signature_line", "skill_imports", "summary"]


def digest(source: str) -> str:
    """SHA-256 of the source as the file holds it (UTF-8), hexadecimal."""
    return hashlib.sha256(source.encode()).hexdigest()


def skill_imports(source: str) -> tuple[str, ...]:
    """The sibling skills a source imports (`from skills.x import x`, `import skills.x`), sorted.

    Raises:
        LibraryError: the source does not parse.
    """
    names = set()
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("skills."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("skills.")}
    return tuple(sorted(names))


def signature(source: str, name: str) -> tuple[tuple[Parameter, ...], str]:
    """The keyword parameters of a skill's function and its return type, as written.

    Raises:
        LibraryError: the source does not parse or has no such function.
    """
    arguments = _function(source, name).args
    parameters = tuple(
        Parameter(
            name=argument.arg,
            type=ast.unparse(argument.annotation) if argument.annotation else "object",
            default=None if default is None else ast.unparse(default),
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    returns = _function(source, name).returns
    return parameters, ast.unparse(returns) if returns else ""


@cache  # every action prompt shows the same seed skills
def summary(source: str, name: str) -> str:
    """A skill's signature and the first paragraph of its docstring: what a prompt shows of a control primitive.

    Raises:
        LibraryError: the source does not parse or has no such function.
    """
    return f"{signature_line(source, name)}\n    {docstring(source, name)}"


def signature_line(source: str, name: str) -> str:
    """`scale_workload(api, *, name: str, replicas: int=1) -> int`.

    Raises:
        LibraryError: the source does not parse or has no such function.
    """
    function = _function(source, name)
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    arguments = re.sub(r"^api: \w+", "api", ast.unparse(function.args))
    return f"{name}({arguments}){returns}"


def docstring(source: str, name: str) -> str:
    """The first paragraph of a skill's docstring, in one line; empty where it has none.

    Raises:
        LibraryError: the source does not parse or has no such function.
    """
    first = (ast.get_docstring(_function(source, name)) or "").split("\n\n")[0]
    return " ".join(first.split())


def _function(source: str, name: str) -> ast.FunctionDef:
    for node in _parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise LibraryError(f"the source of the skill {name} has no function of that name")


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise LibraryError(f"a skill's source does not parse: {error}") from error
