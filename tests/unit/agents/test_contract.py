"""The form of a program: what is accepted, what is refused, and that everything wrong is said at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import SOURCE
from voyager_k8s.agents.contract import ALLOWED_MODULES, read_program
from voyager_k8s.core.errors import ReplyError
from voyager_k8s.core.program import Program
from voyager_k8s.core.task import Values

SKILLS = ("apply_manifest", "wait_for_rollout")


def reply(source: str, arguments: object | str = None) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return f"The plan.\n\n```python\n{source}\n```\n\n```json\n{text}\n```\n"


def read(text: str, taken: tuple[str, ...] = SKILLS) -> Program:
    return read_program(text, skills=SKILLS, taken=taken)


def module(*, head: str = "", body: str = "return 1", signature: str = "api", returns: str = " -> int") -> str:
    return f'{head}\n\ndef count_pods({signature}){returns}:\n    """Count."""\n    {body}\n'


def refused(text: str, taken: tuple[str, ...] = SKILLS) -> str:
    with pytest.raises(ReplyError) as caught:
        read(text, taken)
    return str(caught.value)


# -- accepted ------------------------------------------------------------------


def test_a_program_of_the_form_is_read_with_its_arguments() -> None:
    arguments: Values = {"namespace": "{{ namespace }}", "name": "a", "data": {"n": 1}}

    program = read(reply(SOURCE, arguments))

    assert program == Program(name="make_config_map", source=SOURCE, arguments=arguments)


@pytest.mark.parametrize(
    "source",
    [
        module(signature="api, /"),
        module(signature="api, *, namespace: str = 'x', size: int | None = None"),
        module(head='"""A module."""'),
        module(head="from __future__ import annotations"),
        module(head="from collections.abc import Callable\nimport datetime as dt, json"),
        module(head="import urllib.parse\nfrom urllib import parse\nfrom urllib.parse import quote as q"),
        module(head="import kubernetes\nfrom kubernetes import client, watch\nfrom kubernetes.client.rest import A"),
        module(head="from skills.apply_manifest import apply_manifest"),
        module(head="from skills.apply_manifest import apply_manifest as apply"),
        module(body="from skills.wait_for_rollout import wait_for_rollout\n    return 1"),
        module(head="import re\n_NAME = re.compile('a')\nLIMIT: int = 3"),
        module(head="def _helper(a, *b, **c):\n    return a"),
        module(head="async def _helper():\n    return 1"),
        module(head="class Wanted(Exception):\n    '''It.'''\n    size: int = 1\n    def f(self):\n        return 1"),
        module(head="class Wanted(Exception):\n    pass"),
        module(head="class Wanted(Exception): ..."),
        module(head="import functools\n@functools.cache\ndef _a():\n    return 1"),
        module(body="opened = evaluated = 1\n    return opened"),
        module(body="return api.open"),
        "\n\n" + module() + "\n\n",
    ],
)
def test_what_the_contract_allows(source: str) -> None:
    assert read(reply(source)).name == "count_pods"


@pytest.mark.parametrize("name", sorted(ALLOWED_MODULES))
def test_every_module_that_is_promised_can_be_imported(name: str) -> None:
    head = "from __future__ import annotations" if name == "__future__" else f"import {name}"

    assert read(reply(module(head=head))).name == "count_pods"


def test_windows_line_ends_make_no_difference() -> None:
    assert read(reply(module()).replace("\n", "\r\n")) == read(reply(module()))


def test_of_several_blocks_the_last_counts() -> None:
    text = "First I thought of\n" + reply("import os", {"x": 1}) + "\nbut better:\n" + reply(module())

    assert read(text).arguments == {}
    assert "import os" not in read(text).source


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    source = module(body="text = '''\n```json\n{\"not\": \"this\"}\n```\n'''\n    return 1").strip()

    program = read(f"````python\n{source}\n````\n~~~json\n{{}}\n~~~\n")

    assert program.source == source + "\n"
    assert program.arguments == {}


def test_other_blocks_are_left_alone() -> None:
    text = "```yaml\na: 1\n```\n" + reply(module()) + "```\nkubectl get pods\n```\n```text\nthe end\n```\n"

    assert read(text).name == "count_pods"


@pytest.mark.parametrize("language", ["py", "Python", "PYTHON title=main"])
def test_a_python_block_may_be_marked_in_other_ways(language: str) -> None:
    assert read(reply(module()).replace("```python", f"```{language}")).name == "count_pods"


# -- refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (module().replace("def", "async def"), "count_pods must not be async"),
        (module() + module().replace("count_pods", "other"), "exactly one public function (found: count_pods, other)"),
        (module() + module(), "exactly one public function (found: count_pods, count_pods)"),
        ("def _private(api):\n    pass", "exactly one public function (found: none)"),
        ("x = 1", "exactly one public function (found: none)"),
        ("", "exactly one public function (found: none)"),
        ("class A:\n    def public(self):\n        pass", "exactly one public function (found: none)"),
        (module().replace("count_pods", "countPods"), "countPods must be lower case"),
        (module().replace("count_pods", "zähle"), "zähle must be lower case"),
        (module(signature=""), "count_pods must take `api` first"),
        (module(signature="*, api"), "count_pods must take `api` first"),
        (module(signature="client"), "count_pods must take `api` first"),
        (module(signature="api, namespace: str"), "everything else as keywords"),
        (module(signature="api, *names"), "everything else as keywords"),
        (module(signature="api, **names"), "everything else as keywords"),
        (module(signature="api, *, size, name: str = 'x', kind=1"), "count_pods: the parameter size needs a type"),
        (module(signature="api, *, size, name: str = 'x', kind=1"), "count_pods: the parameter kind needs a type"),
        (module(returns=""), "count_pods needs a return type"),
        (module().replace('"""Count."""', "pass"), "count_pods needs a docstring"),
        (module().replace('"""Count."""', "f'Count'"), "count_pods needs a docstring"),
    ],
)
def test_the_shape_of_the_function(source: str, said: str) -> None:
    assert said in refused(reply(source, {"size": 1, "namespace": "n"} if "size" in source else {}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os", "os may not be imported"),
        ("import os.path as json", "os.path may not be imported"),
        ("import json, subprocess as s", "subprocess may not be imported"),
        ("from os import path", "os may not be imported"),
        ("from urllib import request", "urllib may not be imported"),
        ("from urllib import parse, request", "urllib may not be imported"),
        ("from urllib.request import urlopen", "urllib.request may not be imported"),
        ("import urllib", "urllib may not be imported"),
        ("import urllib.request", "urllib.request may not be imported"),
        ("import importlib", "importlib may not be imported"),
        ("from importlib import import_module as i", "importlib may not be imported"),
        ("import kubernetes_asyncio", "kubernetes_asyncio may not be imported"),
        ("import builtins", "builtins may not be imported"),
        ("import voyager_k8s.core", "voyager_k8s.core may not be imported"),
        ("import yaml", "allowed are kubernetes, skills, __future__, base64"),
        ("from . import os", "no relative imports"),
        ("from .apply_manifest import apply_manifest", "no relative imports"),
        ("from ..skills.apply_manifest import apply_manifest", "no relative imports"),
        ("from skills.missing import missing", "there is no skill 'missing'"),
        ("from skills import apply_manifest", "import skills as: from skills.<name> import <name>"),
        ("from skills.apply_manifest import apply_manifest, _helper", "only its function can be imported"),
        ("from skills.apply_manifest import *", "only its function can be imported"),
        ("from skills.apply_manifest import os", "only its function can be imported"),
        ("from skills.apply_manifest.os import path", "there is no skill 'apply_manifest.os'"),
        ("import skills", "from skills.<name> import <name>"),
        ("import skills.apply_manifest", "from skills.<name> import <name>"),
        ("import skills.apply_manifest as a", "from skills.<name> import <name>"),
        ("from skillset import x", "skillset may not be imported"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_imports_that_are_refused_at_the_top_and_inside(line: str, said: str, nested: bool) -> None:
    body = f"if api:\n        {line}\n    return 1"
    source = module(body=body) if nested else module(head=line)
    if nested and "*" in line:
        assert "does not compile" in refused(reply(source))
    else:
        assert said in refused(reply(source))


def test_a_skill_asked_for_in_the_wrong_form_is_not_said_to_be_missing() -> None:
    assert "no skill" not in refused(reply(module(head="from skills import apply_manifest")))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("eval('1')", "eval may not be used (line 3)"),
        ("exec('1')", "exec may not be used"),
        ("compile('1', '', 'eval')", "compile may not be used"),
        ("open('/etc/passwd')", "open may not be used"),
        ("__import__('os')", "__import__ may not be used"),
        ("input()", "input may not be used"),
        ("breakpoint()", "breakpoint may not be used"),
        ("globals()['x']", "globals may not be used"),
        ("[f for f in (eval,)]", "eval may not be used"),
        ("(lambda run=exec: run)('1')", "exec may not be used"),
        ("count_pods.__globals__", "__globals__ may not be used"),
        ("().__class__.__base__.__subclasses__()", "__subclasses__ may not be used"),
        ("api.__builtins__", "__builtins__ may not be used"),
        ("__builtins__['eval']", "__builtins__ may not be used"),
        ("__loader__", "__loader__ may not be used"),
        ("__spec__", "__spec__ may not be used"),
    ],
)
def test_what_leads_out_of_the_language_is_refused(expression: str, said: str) -> None:
    assert said in refused(reply(module(body=f"return {expression}").strip()))


@pytest.mark.parametrize(
    "statement",
    [
        "print('hello')",
        "count_pods(None)",
        "if True:\n    x = 1",
        "for x in range(3):\n    y = x",
        "while False:\n    x = 1",
        "try:\n    import json\nexcept ImportError:\n    json = None",
        "with open('x') as f:\n    pass",
        "assert True",
        "x = 1\nx += 1",
        "del x",
        "raise SystemExit",
        "if __name__ == '__main__':\n    count_pods(None)",
    ],
)
def test_nothing_happens_when_a_program_is_imported(statement: str) -> None:
    assert "a module may only import, define and assign" in refused(reply(module() + statement))


@pytest.mark.parametrize("statement", ["print('hello')", "for x in range(3):\n        pass", "if True:\n        y = 1"])
def test_nor_in_the_body_of_a_class(statement: str) -> None:
    assert "a class may only" in refused(reply(module(head=f"class Wanted:\n    {statement}")))


def test_a_line_that_runs_at_import_is_named() -> None:
    assert "line 7: " in refused(reply(module().strip() + "\n\n\n\nprint(1)"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def count_pods(api:\n    return 1", "does not compile"),
        ("def count_pods(api) -> int:\nreturn 1", "in line 2: return 1"),
        (module(body="return = 1"), "does not compile: invalid syntax in line 5"),
        (module(body="break"), "'break' outside loop in line 5"),
        (module(body="x: int = 1; global x; return x"), "does not compile"),
        (module(body="return 1 if"), "does not compile"),
        ("  " + module().strip(), "does not compile: unexpected indent"),
        ("x = 1\0", "does not compile"),
        ("x = '\ud800'", "does not compile"),
        ("x = " + "(" * 300 + ")" * 300, "does not compile: too many nested parentheses"),
        ("x = a" + ".b" * 20_000, "does not compile"),
        ("x = " + "-" * 60_000 + "1", "does not compile"),
        ("x = " + "not " * 20_000 + "1", "does not compile"),
    ],
)
def test_a_module_that_does_not_compile_is_sent_back(source: str, said: str) -> None:
    assert said in refused(reply(source))


def test_what_python_warns_of_is_no_fault_and_is_not_printed() -> None:
    code = (
        "import sys; from voyager_k8s.agents.contract import read_program;"
        "print(read_program(sys.stdin.read(), (), ()).name)"
    )
    text = reply(module(body="return 1 is 1 and '\\d'"))
    root = Path(__file__).parents[3]

    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, cwd=root, check=True
    )

    assert done.stdout == "count_pods\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "the arguments lack name; the arguments lack size"),
        ({"name": 1, "size": 2, "extra": 3}, "the arguments have extra, which count_pods does not take"),
        ({"name": 1, "size": 2, "api": None}, "the arguments have api, which count_pods does not take"),
        ([1], "the ```json block must be one object"),
        ("null", "the ```json block must be one object"),
        ("{'name': 1}", "the ```json block is not JSON"),
        ("", "the ```json block is not JSON"),
        ('{"name": 1,}', "the ```json block is not JSON"),
        ('{"name": NaN, "size": 1}', "the ```json block"),
        ('{"name": "\\ud800", "size": 1}', "the ```json block"),
        ('{"name": 1e999, "size": 1}', "the ```json block"),
        ('{"name": ' + "[" * 50_000, "the ```json block"),
        ('{"name": ' + "9" * 5_000 + "}", "the ```json block is not JSON"),
    ],
)
def test_the_arguments_must_fit_the_function(arguments: object, said: str) -> None:
    source = module(signature="api, *, name: str, size: int, wait: bool = True")

    assert said in refused(reply(source, arguments))


def test_an_argument_with_a_default_may_be_left_out() -> None:
    assert read(reply(module(signature="api, *, wait: bool = True"))).arguments == {}


def test_a_name_that_a_skill_has_already_is_refused() -> None:
    said = refused(reply(module()), taken=("count_pods",))

    assert said == "a skill named count_pods exists already: import it, or choose a name that says what differs"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the reply lacks a ```python block with the whole module"),
        ("I cannot do that.", "the reply lacks a ```python block"),
        ("```\ndef f(api): ...\n```", "the reply lacks a ```python block"),
        (f"```python\n{SOURCE}", "the reply lacks a ```python block"),
        (f"```python\n{SOURCE}```\n", "the reply lacks a ```json block with the arguments"),
        ("```json\n{}\n```\n", "the reply lacks a ```python block"),
    ],
)
def test_a_missing_block_is_named(text: str, said: str) -> None:
    assert said in refused(text)


def test_all_faults_are_said_at_once() -> None:
    source = (
        "import os\nfrom skills.missing import missing\n\n"
        "async def countPods(client, name, *, size):\n    return eval(name)\n\nprint(1)"
    )

    said = refused(reply(source)).split("; ")

    for part in ("async", "lower case", "`api` first", "size needs a type", "return type", "docstring", "os may not"):
        assert any(part in one for one in said)
    for part in ("no skill 'missing'", "eval may not", "only import, define and assign"):
        assert any(part in one for one in said)


def test_a_fault_of_the_arguments_is_said_with_those_of_the_module() -> None:
    said = refused(reply(module(head="import os", signature="api, *, size: int"), {"szie": 1}), taken=("count_pods",))

    for part in ("os may not be imported", "arguments lack size", "arguments have szie", "count_pods exists already"):
        assert part in said


# -- whatever a model may write ---------------------------------------------------

PIECES = st.sampled_from(
    [
        *(
            "```python\n",
            "```json\n",
            "```\n",
            "````\n",
            "~~~\n",
            "```",
            "\n",
            "\r\n",
            " ",
            "    ",
            "\t",
            "\x00",
            "\ud800",
        ),
        *(
            "def f(api, *, a: int) -> int:\n",
            '    """d"""\n',
            "    return 1\n",
            "async ",
            "class A:\n",
            "lambda: ",
            "@",
        ),
        *(
            "import os\n",
            "from skills.x import x\n",
            "from . import y\n",
            "from skills import *\n",
            "import a.b as c\n",
        ),
        *("{", "}", "[", "]", "(", ")", '"a": 1', ",", ":", "=", "eval", "*", "**", "{{ a }}", "1e999", "'", '"', "\\"),
        *("-", "not ", ".b", "f'{a}'", "x = 1\n", "if x:\n", "match x:\n  case _: pass\n", "yield ", "await "),
    ]
)
PROGRAMS = st.lists(PIECES, max_size=30).map("".join)


def returns_or_refuses(text: str) -> None:
    try:
        program = read_program(text, skills=SKILLS, taken=SKILLS)
    except ReplyError as error:
        said = str(error)
    else:
        said = "accepted"
        assert Program.model_validate_json(program.model_dump_json()) == program
    assert said


@given(text=st.text() | PROGRAMS)
def test_any_reply_is_a_program_or_is_sent_back(text: str) -> None:
    returns_or_refuses(text)


@given(source=st.text() | PROGRAMS, arguments=st.text() | PROGRAMS)
def test_any_two_blocks_are_a_program_or_are_sent_back(source: str, arguments: str) -> None:
    returns_or_refuses(f"```python\n{source}\n```\n```json\n{arguments}\n```\n")


@given(source=PROGRAMS)
def test_any_addition_to_a_good_program_is_a_program_or_is_sent_back(source: str) -> None:
    returns_or_refuses(reply(SOURCE + source, {"namespace": "n", "name": "a", "data": {}}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_any_json_can_be_an_argument(value: object) -> None:
    assert read(reply(module(signature="api, *, value: object"), {"value": value})).arguments == {"value": value}
