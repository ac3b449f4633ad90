"""The form every program has, checked by reading it, never by running it.

A program is one module with one public function `<name>(api, *, ...)`: typed, documented, importing
only the allowed part of the standard library, `kubernetes` and sibling skills, and doing nothing when
it is imported. Whatever is wrong is said all at once, in words the author can act on.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Collection, Iterator, Sequence

from voyager_k8s.agents.replies import Fence, fences, plain
from voyager_k8s.core.errors import ReplyError
from voyager_k8s.core.program import Program
from voyager_k8s.core.task import Values

__all__ = ["ALLOWED_MODULES", "faults", "read_program"]

ALLOWED_MODULES = frozenset(
    {
        *(
            "__future__",
            "base64",
            "binascii",
            "collections",
            "contextlib",
            "copy",
            "dataclasses",
            "datetime",
            "decimal",
        ),
        *("enum", "functools", "hashlib", "hmac", "ipaddress", "itertools", "json", "math", "operator", "random", "re"),
        *("secrets", "statistics", "string", "textwrap", "time", "typing", "urllib.parse", "uuid", "zlib"),
    }
)
"""What a program may import of the standard library: nothing that reaches files, processes or sockets."""

_FORBIDDEN_NAMES = frozenset(
    {
        *("__builtins__", "__import__", "__loader__", "__spec__"),
        *("breakpoint", "compile", "eval", "exec", "globals", "input", "open"),
    }
)
_DEFINITIONS = (
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_program(text: str, skills: Collection[str], taken: Collection[str]) -> Program:
    """Read a reply: a ```python block with the module, a ```json block with the arguments.

    Args:
        skills: names that may be imported from `skills`.
        taken: names that the function may not have.

    Raises:
        ReplyError: a block is missing or does not parse, or the module is not of the form; says all of it.
    """
    blocks = fences(text)
    source = _last(blocks, ("python", "py"), "a ```python block with the whole module")
    arguments = _arguments(_last(blocks, ("json",), "a ```json block with the arguments"))
    tree = _parse(source)
    found = faults(tree, skills)
    entry = _entry(tree)
    if entry is not None:
        found += _argument_faults(entry, arguments)
        if entry.name in taken:
            found.append(
                f"a skill named {entry.name} exists already: import it, or choose a name that says what differs"
            )
    if found or entry is None:
        raise ReplyError("; ".join(found))
    return Program(name=entry.name, source=source.strip() + "\n", arguments=arguments)


def _last(blocks: list[Fence], languages: tuple[str, ...], what: str) -> str:
    bodies = [block.body for block in blocks if block.language in languages]
    if not bodies:
        raise ReplyError(f"the reply lacks {what}")
    return bodies[-1]


def _arguments(text: str) -> Values:
    try:
        arguments = plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ReplyError(f"the ```json block is not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise ReplyError("the ```json block must be one object: argument name to value")
    return arguments


def _parse(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):  # `1 is 1` is no fault, and no business of the terminal's
            tree = ast.parse(source)
            compile(source, "program.py", "exec", dont_inherit=True)
    except MemoryError as error:  # what CPython's parser says of a nesting that is too deep
        raise ReplyError("the module does not compile: it is nested too deeply") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f" in line {error.lineno}: {error.text or ''}".rstrip() if isinstance(error, SyntaxError) else ""
        raise ReplyError(f"the module does not compile: {getattr(error, 'msg', error)}{line}") from error
    return tree


def faults(tree: ast.Module, skills: Collection[str]) -> list[str]:
    """Everything about a module that the contract does not allow; empty when it is of the form."""
    return [*_shape_faults(tree), *_import_faults(tree, skills), *_call_faults(tree), *_statement_faults(tree.body)]


def _public(tree: ast.Module) -> list[_Function]:
    functions = (node for node in tree.body if isinstance(node, _Function))
    return [function for function in functions if not function.name.startswith("_")]


def _entry(tree: ast.Module) -> ast.FunctionDef | None:
    public = _public(tree)
    return public[0] if len(public) == 1 and isinstance(public[0], ast.FunctionDef) else None


def _shape_faults(tree: ast.Module) -> list[str]:
    public = _public(tree)
    if len(public) != 1:
        names = ", ".join(function.name for function in public) or "none"
        return [f"the module must have exactly one public function (found: {names}); helpers begin with _"]
    return list(_function_faults(public[0]))


def _function_faults(function: _Function) -> Iterator[str]:
    name, arguments = function.name, function.args
    if isinstance(function, ast.AsyncFunctionDef):
        yield f"{name} must not be async"
    if not name.isascii() or name != name.lower():
        yield f"{name} must be lower case with underscores"
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    if positional != ["api"] or arguments.vararg or arguments.kwarg:
        yield f"{name} must take `api` first and everything else as keywords: def {name}(api, *, ...)"
    for argument in arguments.kwonlyargs:
        if argument.annotation is None:
            yield f"{name}: the parameter {argument.arg} needs a type"
    if function.returns is None:
        yield f"{name} needs a return type"
    if not ast.get_docstring(function):
        yield f"{name} needs a docstring"


def _import_faults(tree: ast.Module, skills: Collection[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_fault(alias.name)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_faults(node, skills)


def _from_faults(node: ast.ImportFrom, skills: Collection[str]) -> Iterator[str]:
    module, names = node.module or "", [alias.name for alias in node.names]
    if node.level:
        yield "no relative imports: from skills.<name> import <name>"
    elif module.startswith("skills."):
        skill = module.removeprefix("skills.")
        if skill not in skills:
            yield f"there is no skill {skill!r} to import (form: from skills.<name> import <name>)"
        elif names != [skill]:
            yield f"of the skill {skill} only its function can be imported: from skills.{skill} import {skill}"
    elif module == "urllib" and names == ["parse"]:
        return
    else:
        yield from _module_fault(module)


def _module_fault(module: str) -> Iterator[str]:
    top = module.partition(".")[0]
    if top == "skills":
        yield "import skills as: from skills.<name> import <name>"
    elif top != "kubernetes" and module not in ALLOWED_MODULES and (top not in ALLOWED_MODULES or top == "urllib"):
        yield f"{module} may not be imported; allowed are kubernetes, skills, {', '.join(sorted(ALLOWED_MODULES))}"


def _call_faults(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _FORBIDDEN_NAMES:
            yield f"{node.id} may not be used (line {node.lineno})"
        elif isinstance(node, ast.Attribute) and node.attr in ("__globals__", "__subclasses__", "__builtins__"):
            yield f"{node.attr} may not be used (line {node.lineno})"


def _statement_faults(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.ClassDef):
            yield from _class_faults(node.body)
        elif not docstring and not isinstance(node, _DEFINITIONS):
            yield f"line {node.lineno}: a module may only import, define and assign; put this into a function"


def _class_faults(body: Sequence[ast.stmt]) -> Iterator[str]:
    statements = [node for node in body if not isinstance(node, ast.Pass)]
    yield from (fault.replace("a module", "a class", 1) for fault in _statement_faults(statements))


def _argument_faults(function: ast.FunctionDef, arguments: Values) -> list[str]:
    keywords = function.args.kwonlyargs
    required = {name.arg for name, default in zip(keywords, function.args.kw_defaults, strict=True) if default is None}
    known = {name.arg for name in keywords}
    return [
        *(f"the arguments lack {name}" for name in sorted(required - set(arguments))),
        *(f"the arguments have {name}, which {function.name} does not take" for name in sorted(set(arguments) - known)),
    ]
