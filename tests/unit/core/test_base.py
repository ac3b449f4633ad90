"""Domain types: frozen, closed, and their findings in one line."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from voyager_k8s.core.base import Model, one_line


class Inner(Model):
    """A part."""

    size: int = Field(default=1, ge=1)


class Outer(Model):
    """A whole."""

    name: str
    parts: tuple[Inner, ...] = ()


def test_a_domain_type_cannot_be_changed() -> None:
    whole = Outer(name="a")

    with pytest.raises(ValidationError):
        whole.name = "b"


def test_every_finding_is_said_in_one_line_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"parts": [{"size": 0, "sice": 2}]})

    assert one_line(caught.value) == (
        "name: Field required; parts.0.size: Input should be greater than or equal to 1; parts.0.sice: unknown key"
    )


def test_a_value_that_is_no_mapping_is_named_as_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate("text")

    assert one_line(caught.value).startswith("value: ")
    assert "\n" not in one_line(caught.value)
