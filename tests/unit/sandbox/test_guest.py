"""What leaves a program's process: results as JSON, errors as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import ApiException

from voyager_k8s.sandbox.guest import ERROR_CHARACTERS, Unusable, describe, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_comes_out_as_it_went_in(value: Any) -> None:
    assert json.loads(encode(value, 1_000_000)) == value


@given(st.recursive(st.text() | st.binary() | st.floats() | st.sets(st.integers()), lambda inner: st.lists(inner)))
def test_whatever_is_returned_is_encoded_or_refused_with_a_reason(value: Any) -> None:
    try:
        data = encode(value, 1_000)
    except Unusable as error:
        data = str(error).encode()
        refused = True
    else:
        refused = False
    assert data.startswith(b"the returned value is") if refused else len(data) <= 1_000


def api_error(body: str) -> ApiException:
    error = ApiException(status=409, reason="Conflict")
    error.body = body
    return error


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"kind": "Status", "message": "the object has been modified"}', "the object has been modified"),
        ("plain text", "plain text"),
        ("[1]", "[1]"),
    ],
)
def test_an_api_error_is_told_by_its_message(body: str, told: str) -> None:
    assert describe(api_error(body), "main", "/library") == f"ApiException: 409 Conflict: {told}"


def test_a_chain_of_errors_without_end_is_cut() -> None:
    error = ValueError("y" * 2_000)
    error.__cause__ = error
    assert len(describe(error, "main", "/library")) < ERROR_CHARACTERS + 100
