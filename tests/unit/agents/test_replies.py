"""Reading a reply, and asking again when it cannot be read."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from voyager_k8s.agents.replies import Fence, ask, fences, load, parse_object, plain
from voyager_k8s.core.base import Model
from voyager_k8s.core.conversation import Message, ModelRequest
from voyager_k8s.core.errors import ModelError, ReplyError
from voyager_k8s.models.scripted import ScriptedModel


class Point(Model):
    """What is asked for in these tests."""

    x: int
    label: str = ""


PROMPT = (Message(author="system", text="You measure."), Message(author="human", text="Where is it?"))


def refused(text: str) -> str:
    with pytest.raises(ReplyError) as caught:
        parse_object(text, Point)
    return str(caught.value)


# -- fences ----------------------------------------------------------------------


def test_fences_are_found_in_order_with_their_languages() -> None:
    text = "a\n```python\nx\n```\nb\n~~~JSON\n{}\n~~~\n```\n\n```\n"

    assert fences(text) == [Fence("python", "x\n"), Fence("json", "{}\n"), Fence("", "\n")]


def test_a_fence_inside_a_longer_one_is_text() -> None:
    assert fences("````md\n```json\n{}\n```\n````\n") == [Fence("md", "```json\n{}\n```\n")]


def test_a_fence_that_is_not_closed_is_none() -> None:
    assert fences("```json\n{}\n") == []


def test_windows_line_ends_are_read() -> None:
    assert fences("```json\r\n{}\r\n```\r\n") == [Fence("json", "{}\n")]


# -- one object --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"x": 1, "label": "a"}',
        ' \n{"x": 1,\n "label": "a"}\n',
        "x: 1\nlabel: a\n",
        '```json\n{"x": 1, "label": "a"}\n```',
        "```yaml\nx: 1\nlabel: a\n```",
        "```yml\nx: 1\nlabel: a\n```",
        '```\n{"x": 1, "label": "a"}\n```',
        'Here it is:\n\n```json\n{"x": 1, "label": "a"}\n```\nAnything else?',
        '```json\n{"x": 9}\n```\nno, rather\n```json\n{"x": 1, "label": "a"}\n```',
        '```json\n{"x": 1, "label": "a"}\n```\n```python\nprint(1)\n```',
        '```json\r\n{"x": 1, "label": "a"}\r\n```\r\n',
    ],
)
def test_an_object_is_read_however_it_is_wrapped(text: str) -> None:
    assert parse_object(text, Point) == Point(x=1, label="a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the reply must be one object with the keys x, label"),
        ("I do not know.", "the reply must be one object with the keys x, label"),
        ("[1, 2]", "the reply must be one object"),
        ("null", "the reply must be one object"),
        ('Sure: {"x": 1', "neither JSON nor YAML"),
        ("{{{", "neither JSON nor YAML"),
        ("x: 1\nx: [", "neither JSON nor YAML"),
        ('{"x": "much"}', "x: Input should be a valid integer"),
        ('{"label": "a"}', "x: Field required"),
        ('{"x": 1, "y": 2, "z": 3}', "y: unknown key; z: unknown key"),
        ("x: 2024-13-45", "neither JSON nor YAML: month must be in 1..12"),
        ("x: 0b_", "neither JSON nor YAML"),
        ("x: !!bool maybe", "neither JSON nor YAML"),
        ("x: !!timestamp soon", "neither JSON nor YAML"),
        ("x: !!python/object/apply:os.system [ls]", "neither JSON nor YAML"),
        ('{"x": NaN}', "neither JSON nor YAML: JSON has no form for it"),
        ("x: .inf", "neither JSON nor YAML: JSON has no form for it"),
        ("x: &a [*a]", "neither JSON nor YAML: JSON has no form for it"),
        ("x: !!binary aGVsbG8=", "neither JSON nor YAML: JSON has no form for it"),
        ('{"x": "\\ud800"}', "neither JSON nor YAML: JSON has no form for it"),
        ("[" * 1_200, "neither JSON nor YAML"),
        ("- " * 2_000, "neither JSON nor YAML"),
    ],
)
def test_what_is_no_such_object_is_sent_back_with_the_reason(text: str, said: str) -> None:
    assert said in refused(text)
    assert "\n" not in refused(text)


def test_yaml_is_brought_into_the_form_of_json() -> None:
    text = "since: 2024-01-02\nat: 2024-01-02T03:04:05\n3: one\ntrue: yes\nnull: ~\n1.5: {2: b}\n"

    assert load(text) == {
        "since": "2024-01-02",
        "at": "2024-01-02T03:04:05",
        "3": "one",
        "true": True,
        "null": None,
        "1.5": {"2": "b"},
    }


def test_an_object_of_python_has_no_form_in_json() -> None:
    with pytest.raises(ValueError, match="set is no JSON"):
        plain({"a": {1, 2}})


TRUTHS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=TRUTHS)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert plain(value) == value
    assert load(json.dumps(value)) == value


@given(value=TRUTHS)
def test_yaml_is_read_as_it_was_written(value: object) -> None:
    text = yaml.safe_dump(value)

    assert load(text) == value


PIECES = st.sampled_from(
    [
        *("{", "}", "[", "]", '"', "'", ":", "- ", "x", "1", ", ", "\n", "  ", "&a ", "*a", "!!int ", "? ", "|\n", ">"),
        *("%", "#", "```json\n", "```\n", "2024-99-99", "0x_", "<<: ", "=", "\ud800", "\x00", "\x85", "{{ a }}"),
        *("---\n", "...\n", "~", "1e999"),
    ]
)


@given(text=st.text() | st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_an_object_or_is_sent_back(text: str) -> None:
    try:
        found = parse_object(text, Point)
    except ReplyError as error:
        said = str(error)
    else:
        said = "read"
        assert isinstance(found, Point)
    assert said


# -- asking again -------------------------------------------------------------------


def ask_for_a_point(model: ScriptedModel, tries: int = 3) -> Point:
    return ask(model, "critic", "task-007", PROMPT, lambda text: parse_object(text, Point), tries=tries, schema=Point)


def test_a_reply_that_can_be_read_is_asked_for_once() -> None:
    model = ScriptedModel({"critic": ['{"x": 1}', '{"x": 2}']})

    assert ask_for_a_point(model) == Point(x=1)
    (request,) = model.requests
    assert request == ModelRequest(role="critic", task="task-007", messages=PROMPT, reply_schema=request.reply_schema)


def test_the_schema_says_each_key_once() -> None:
    model = ScriptedModel({"critic": ['{"x": 1}']})
    ask_for_a_point(model)

    assert model.requests[0].reply_schema == {
        "title": "Point",
        "description": "What is asked for in these tests.",
        "type": "object",
        "properties": {"x": {"type": "integer"}, "label": {"type": "string", "default": ""}},
        "required": ["x"],
        "additionalProperties": False,
    }


def test_a_reply_that_cannot_be_read_is_shown_back_with_what_is_wrong() -> None:
    model = ScriptedModel({"critic": ["no idea", '{"x": 2}']})

    assert ask_for_a_point(model) == Point(x=2)

    assert len(model.requests) == 2
    prompt, shown, complaint = (model.requests[1].messages[:2], *model.requests[1].messages[2:])
    assert prompt == PROMPT
    assert shown == Message(author="ai", text="no idea")
    assert complaint.author == "human"
    assert "the reply must be one object with the keys x, label" in complaint.text


def test_only_the_last_bad_reply_is_shown() -> None:
    model = ScriptedModel({"critic": ["no idea", '{"x": "much"}', '{"x": 3}']})

    assert ask_for_a_point(model) == Point(x=3)
    texts = [message.text for message in model.requests[2].messages]
    assert len(texts) == 4
    assert texts[2] == '{"x": "much"}'
    assert "x: Input should be a valid integer" in texts[3]


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_it_gives_up_after_so_many_tries_with_the_last_reason(tries: int) -> None:
    model = ScriptedModel({"critic": ["one", "two", '{"x": "three"}', '{"x": 4}']})
    reason = "x: Input should be a valid integer" if tries == 3 else "must be one object"

    with pytest.raises(ReplyError, match=reason):
        ask_for_a_point(model, tries)

    assert len(model.requests) == tries


def test_a_model_that_does_not_answer_is_not_asked_again() -> None:
    model = ScriptedModel({"critic": []})

    with pytest.raises(ModelError):
        ask_for_a_point(model)

    assert len(model.requests) == 1


def test_free_text_is_asked_for_without_a_schema() -> None:
    model = ScriptedModel({"action": ["some text"]})

    assert ask(model, "action", "task-001", PROMPT, str.upper, tries=1) == "SOME TEXT"
    assert model.requests[0].reply_schema is None
