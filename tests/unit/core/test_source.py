"""What is read off a skill's source."""

from __future__ import annotations

import hashlib

import pytest

from voyager_k8s.core.errors import LibraryError
from voyager_k8s.core.skill import Parameter
from voyager_k8s.core.source import digest, docstring, signature, skill_imports, summary

SOURCE = '''\
"""A module."""
from skills.wait_for_rollout import wait_for_rollout
import skills.apply_manifest
import json, skillset


def expose(api, *, namespace: str, ports: list[int] | None = None, name="web", wait: bool = True) -> dict[str, int]:
    """Expose a Deployment
    by a Service.

    Args:
        ports: which.
    """
    from skills.get_object import get_object as read

    return {}


def _helper(): ...
'''


def test_sibling_skills_are_found_wherever_they_are_imported() -> None:
    assert skill_imports(SOURCE) == ("apply_manifest", "get_object", "wait_for_rollout")


def test_a_signature_is_given_as_it_is_written() -> None:
    parameters, returns = signature(SOURCE, "expose")

    assert parameters == (
        Parameter(name="namespace", type="str"),
        Parameter(name="ports", type="list[int] | None", default="None"),
        Parameter(name="name", type="object", default="'web'"),
        Parameter(name="wait", type="bool", default="True"),
    )
    assert returns == "dict[str, int]"
    assert signature(SOURCE, "_helper") == ((), "")


def test_a_summary_is_the_signature_and_the_first_paragraph_on_one_line() -> None:
    first, second = summary(SOURCE, "expose").split("\n")

    assert first.startswith("expose(api, *, namespace: str, ")
    assert first.endswith(" -> dict[str, int]")
    assert second == "    Expose a Deployment by a Service."


def test_a_function_without_a_docstring_has_an_empty_one() -> None:
    assert docstring(SOURCE, "_helper") == ""


def test_the_digest_is_that_of_the_file() -> None:
    assert digest("é\n") == hashlib.sha256("é\n".encode()).hexdigest()


def test_a_missing_function_is_said_with_its_name() -> None:
    with pytest.raises(LibraryError, match="the skill absent has no function"):
        summary(SOURCE, "absent")


@pytest.mark.parametrize("source", ["def f(:", "x = 1\0"])
def test_a_source_that_does_not_parse_is_a_library_error(source: str) -> None:
    with pytest.raises(LibraryError, match="does not parse"):
        skill_imports(source)
