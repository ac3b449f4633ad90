"""The seed skills' two files agree, and are of the form that every skill has."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest
import yaml

from voyager_k8s.agents.contract import faults
from voyager_k8s.core.data import data_folder
from voyager_k8s.core.skill import Parameter, SkillCard

FOLDER = data_folder("skills")
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
WANTED = {
    *("apply_manifest", "apply_manifests", "get_object", "list_objects", "patch_object", "delete_object"),
    *("wait_for_condition", "wait_for_rollout", "wait_for_job", "wait_for_pods", "read_logs", "list_events"),
    *("scale_workload", "rollback_workload", "restart_workload", "set_image", "find_problems", "resource_path"),
}


def card(name: str) -> SkillCard:
    return SkillCard.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))


def source(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text()


def function(name: str) -> ast.FunctionDef:
    for node in ast.parse(source(name)).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise AssertionError(f"skills/{name}.py does not define {name}")


def test_every_source_has_a_card_and_nothing_else_lies_there() -> None:
    assert set(NAMES) >= WANTED
    files = {path.name for path in FOLDER.iterdir() if path.name != "__pycache__"}
    assert files == {f"{name}{suffix}" for name in NAMES for suffix in (".py", ".yaml")}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_belongs_to_the_source(name: str) -> None:
    found = card(name)
    assert (found.name, found.status) == (name, "seed")
    assert found.sha256 == hashlib.sha256((FOLDER / f"{name}.py").read_bytes()).hexdigest()
    assert found.description
    assert found.returns


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_the_parameters(name: str) -> None:
    arguments = function(name).args
    parameters = tuple(
        Parameter(
            name=argument.arg,
            type=ast.unparse(argument.annotation) if argument.annotation else "",
            default=None if default is None else ast.unparse(default),
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    assert card(name).parameters == parameters


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_the_imports(name: str) -> None:
    modules = [node.module or "" for node in ast.walk(ast.parse(source(name))) if isinstance(node, ast.ImportFrom)]
    imported = {module.removeprefix("skills.") for module in modules if module.startswith("skills.")}
    assert set(card(name).imports) == imported
    assert imported <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_source_is_of_the_form(name: str) -> None:
    assert faults(ast.parse(source(name)), NAMES) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_fits_into_a_prompt(name: str) -> None:
    first = (ast.get_docstring(function(name)) or "").split("\n\n")[0]
    assert 0 < len(first.split("\n")) <= 4
    assert first.rstrip().endswith((".", "`."))


def test_no_skill_imports_itself_in_a_circle() -> None:
    done: set[str] = set()
    while len(done) < len(NAMES):
        ready = {name for name in NAMES if name not in done and set(card(name).imports) <= done}
        assert ready, f"a circle among {sorted(set(NAMES) - done)}"
        done |= ready


def test_the_folder_is_found_from_the_package() -> None:
    assert Path(FOLDER).name == "skills"
