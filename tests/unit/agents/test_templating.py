"""Templates: values keep their types, mistakes are named, and nothing but values can be got at."""

from __future__ import annotations

import json
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import a_task
from voyager_k8s.agents.templating import bind_arguments, bind_task, render_prompt
from voyager_k8s.core.errors import ReplyError, TaskRejected
from voyager_k8s.core.task import AssertCheck, ExpressionCheck, Values

VALUES: Values = {
    "namespace": "ns",
    "name": "web",
    "replicas": 3,
    "ratio": 0.5,
    "on": True,
    "nothing": None,
    "ports": [80, 443],
    "labels": {"app": "shop", "tier": "front"},
}


def bound(template: Any) -> Any:
    return bind_arguments({"it": template}, VALUES)["it"]


def refused(template: Any) -> str:
    with pytest.raises(ReplyError) as caught:
        bound(template)
    return str(caught.value)


# -- values ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ replicas }}", 3),
        ("{{replicas}}", 3),
        (" {{ replicas }} ", 3),
        ("{{- replicas -}}", 3),
        ("{{ ratio }}", 0.5),
        ("{{ on }}", True),
        ("{{ nothing }}", None),
        ("{{ ports }}", [80, 443]),
        ("{{ ports[1] }}", 443),
        ("{{ labels }}", {"app": "shop", "tier": "front"}),
        ("{{ labels.app }}", "shop"),
        ("{{ replicas + 1 }}", 4),
        ("{{ -replicas }}", -3),
        ("{{ replicas > 2 }}", True),
        ("{{ replicas | string }}", "3"),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ '}' }}", "}"),
        ("{{ name }}-{{ replicas }}", "web-3"),
        ("{{ name }}{{ replicas }}", "web3"),
        ("n={{ replicas }}", "n=3"),
        ("{{ name | upper }}!", "WEB!"),
        ("{% if on %}yes{% else %}no{% endif %}", "yes"),
        ("{% for p in ports %}{{ p }} {% endfor %}", "80 443 "),
        ("plain", "plain"),
        ("", ""),
        ("{not a template}", "{not a template}"),
        ('{"a": 1}', '{"a": 1}'),
        ("{# a remark #}x", "x"),
        ("<&>'\"{{ name }}", "<&>'\"web"),
        (7, 7),
        (None, None),
    ],
)
def test_a_template_that_is_one_expression_keeps_its_type(template: object, value: object) -> None:
    assert bound(template) == value
    assert type(bound(template)) is type(value)


def test_templates_are_filled_at_any_depth_and_in_keys() -> None:
    template = {"{{ name }}": [{"port": "{{ ports[0] }}"}, ["{{ on }}", "x-{{ name }}"]], "{{ replicas }}": 1}

    assert bound(template) == {"web": [{"port": 80}, [True, "x-web"]], "3": 1}


@pytest.mark.parametrize(
    "text", ["a: 1\n", "a\n\n", "\n", "a: {b}\n", "a: {{ name }}\n", "{{ name }} \n\n", "x\r\n{y}\n"]
)
def test_the_lines_of_a_file_in_a_config_map_are_kept(text: str) -> None:
    assert bound(f"# {text}") == "# " + text.replace("{{ name }}", "web").replace("\r\n", "\n")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="{"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_what_is_no_template_stays_as_it_is(value: Any) -> None:
    assert bound(value) == value


@given(value=JSON)
def test_a_value_goes_through_a_template_unchanged(value: Any) -> None:
    assert bind_arguments({"a": "{{ it }}"}, {"it": value}) == {"a": value}


# -- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "template", ["{{ nmae }}", "x{{ nmae }}", "{{ [nmae] }}", "{{ nmae.x }}", "{{ nmae or 1 }}", ["{{ nmae }}"]]
)
def test_a_name_that_is_no_parameter_is_said_with_those_there_are(template: object) -> None:
    said = refused(template)

    assert said.startswith("the arguments: the template ")
    assert said.endswith("the parameters are labels, name, namespace, nothing, on, ports, ratio, replicas")


@pytest.mark.parametrize(
    "template",
    [
        *("{{", "{{ }}", "{{ name", "{% if %}", "{% endfor %}", "{{ name | nofilter }}", "{{ 'a }}", "{{ name name }}"),
        *("{{ replicas / 0 }}", "{{ name + 1 }}", "{{ ports[9] }}", "{{ labels.none.x }}", "{{ name.index('z') }}"),
        *("{{ name.encode('foo') }}", "{{ '{0}'.format() }}", "x{{ '{0}'.format() }}", "{{ 5 | dictsort }}"),
        *("{% import 'x' as y %}", "{% include 'x' %}", "{% extends 'x' %}", "{{ 1e999 }}", "{{ 1e308 * 10 }}"),
        *("{{ range(3) }}", "{{ name.upper }}", "{{ lipsum }}", "{{ ports | map('string') }}", "{{ cycler('a') }}"),
        *("{{ namespace.encode() }}", "{{ '\\ud800' }}", "{{ " + "(" * 3000 + " }}"),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_a_template_that_gives_no_value_is_sent_back(template: str) -> None:
    assert "the parameters are labels" in refused(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "x{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ labels.__init__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ '{a.__class__.__mro__}'.format_map({'a': name}) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ range(10 ** 9) | list }}",
        "{{ range(200000) | list | length }}",
        "{{ labels.update({'x': 1}) }}",
        "{{ labels.clear() }}",
        "{{ ports.append(1) }}",
        "{% set labels.app = 'x' %}",
    ],
)
def test_a_template_gets_at_nothing_but_values(template: str) -> None:
    before = json.dumps(VALUES)

    assert "the template" in refused(template)
    assert json.dumps(VALUES) == before


@pytest.mark.parametrize("name", ["self", "context", "range", "args", "environment", "it's"])
def test_a_parameter_may_have_any_name(name: str) -> None:
    assert bind_arguments({"a": "{{ namespace }}", "b": "x{{ namespace }}"}, {name: 1, "namespace": "n"}) == {
        "a": "n",
        "b": "xn",
    }


PIECES = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "#}", "-", " name ", "ports", "|", "map", "list", "(", ")", "[", "]", "'", '"'),
        *(".", "0", "1", "+", "/", "~", "if", "else", "for x in ports", "endfor", "set x", "=", "not", "is", "defined"),
        *("\n", ",", ":"),
    ]
)


@given(template=st.text() | st.lists(PIECES, max_size=15).map("".join))
def test_any_template_gives_plain_data_or_is_sent_back(template: str) -> None:
    try:
        value = bound(template)
    except ReplyError as error:
        said = str(error)
    else:
        said = "the parameters are put in"
        assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert "the parameters are" in said


# -- tasks ---------------------------------------------------------------------------


def test_a_task_is_bound_to_one_set_of_values_and_a_namespace() -> None:
    task = a_task(
        id="task-003",
        goal="Run {{ count }} Pods of {{ app }} in {{ namespace }}.",
        search_terms="scale {{ app }}",
        parameters={"app": "web", "count": 2},
        variants=[{"app": "db", "count": 3}],
        setup=[
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "{{ namespace }}"},
                "spec": {"n": "{{ count }}"},
            }
        ],
        checks=[
            {"assert": {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "{{ count }}"}}},
            {
                "expression": "pods.size() == {{ count }}",
                "with": {"pods": {"apiVersion": "v1", "kind": "Pod", "labels": {"app": "{{ app }}"}}},
                "invariant": True,
            },
        ],
    )

    done = bind_task(task, task.variants[0], "ns-1")

    assert (done.id, done.goal, done.search_terms) == ("task-003", "Run 3 Pods of db in ns-1.", "scale db")
    assert done.values == {"app": "db", "count": 3, "namespace": "ns-1"}
    assert done.setup[0]["metadata"] == {"name": "ns-1"}
    assert done.setup[0]["spec"] == {"n": 3}
    first, second = done.checks
    assert isinstance(first, AssertCheck)
    assert first.assert_["spec"] == {"replicas": 3}
    assert isinstance(second, ExpressionCheck)
    assert second.invariant
    assert second.expression == "pods.size() == 3"
    assert second.with_["pods"].labels == {"app": "db"}


@pytest.mark.parametrize(
    "fields",
    [
        {"goal": "Make {{ nmae }}"},
        {"search_terms": "make {{ nmae }}"},
        {"setup": [{"apiVersion": "v1", "kind": "{{ nmae }}"}]},
        {"checks": [{"answer": ["{{ nmae }}"]}]},
        {"checks": [{"answer": {"{{ nmae }}": 1}}]},
        {"checks": [{"expression": "x == '{{ nmae }}'"}]},
    ],
)
def test_an_unknown_name_anywhere_in_a_task_is_said_with_the_parameters(fields: dict[str, Any]) -> None:
    with pytest.raises(TaskRejected, match=r"'nmae' is undefined; the parameters are colour, name, namespace"):
        bind_task(a_task(**fields), a_task().parameters, "ns")


def test_values_that_make_no_valid_check_are_said() -> None:
    task = a_task(checks=[{"assert": {"apiVersion": "v1", "kind": "{{ name }}"}}])

    with pytest.raises(
        TaskRejected, match=r"with the values .*'name': 5.*: checks.0.assert.assert: a partial manifest"
    ):
        bind_task(task, {"name": 5, "colour": "red"}, "ns")


# -- prompts -------------------------------------------------------------------------


def test_a_prompt_without_a_variable_that_it_uses_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'task' is undefined"):
        render_prompt("describer_human", program=None)


def test_a_prompt_that_is_not_there_is_an_error() -> None:
    with pytest.raises(jinja2.TemplateNotFound):
        render_prompt("no_such_prompt")
