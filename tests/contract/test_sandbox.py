"""What every sandbox must do, run over every implementation of the port."""

from __future__ import annotations

import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.running import Running
from voyager_k8s.core.config import ClusterConfig, SandboxConfig
from voyager_k8s.core.errors import SandboxError
from voyager_k8s.core.ports import Sandbox, Workspace
from voyager_k8s.core.program import ApiAccess, Execution, Program
from voyager_k8s.sandbox.process import ProcessSandbox

Make = Callable[[SandboxConfig], Sandbox]
Run = Callable[..., Execution]

IMPLEMENTATIONS: list[Make] = [ProcessSandbox]
NOWHERE = ApiAccess(server="https://127.0.0.1:1", certificate_authority="", token="t0ken", namespace="shop")
LIMITS = SandboxConfig(seconds=20, memory_mib=256, output_bytes=2_000, result_bytes=10_000)


def program(source: str, name: str = "main") -> Program:
    return Program(name=name, source=textwrap.dedent(source), arguments={})


@pytest.fixture(scope="module", params=IMPLEMENTATIONS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


@pytest.fixture(scope="module")
def sandbox(make: Make) -> Iterator[Sandbox]:
    made = make(LIMITS)
    yield made
    made.close()


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    def run(source: str, access: ApiAccess = NOWHERE, **arguments: Any) -> Execution:
        return sandbox.run(program(source), arguments, access, tmp_path)

    return run


def descendants() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def eventually(there: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not there() and time.monotonic() < deadline:
        time.sleep(0.02)
    return there()


def test_returns_what_the_program_returns(run: Run) -> None:
    done = run("def main(api, *, names): return {'names': names, 'n': len(names), 'x': (1.5, None)}", names=["a", "ü"])
    assert done.ok
    assert done.result == {"names": ["a", "ü"], "n": 2, "x": [1.5, None]}
    assert done.error == ""
    assert 0 < done.seconds < LIMITS.seconds


def test_an_exception_is_told_with_the_programs_own_frames(run: Run) -> None:
    done = run("""\
        import json

        def main(api):
            return _helper("{")

        def _helper(text):
            return json.loads(text)
        """)
    assert done.ending == "raised"
    lines = done.error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert '  File "main.py", line 7, in _helper' in lines
    assert "    return json.loads(text)" in lines
    assert lines[-1].startswith("json.decoder.JSONDecodeError: Expecting")
    assert not [line for line in lines if "File" in line and "main.py" not in line]


def test_causes_are_named(run: Run) -> None:
    done = run("""\
        def main(api):
            try:
                {}["port"]
            except KeyError as error:
                raise ValueError("no port") from error
        """)
    assert done.error.splitlines()[-2:] == ["ValueError: no port", "caused by: KeyError: 'port'"]


def test_a_syntax_error_shows_the_line(run: Run) -> None:
    done = run("def main(api)\n    return 1\n")
    assert done.ending == "raised"
    assert 'File "main.py", line 1' in done.error
    assert "SyntaxError" in done.error


def test_a_long_error_is_cut(run: Run) -> None:
    done = run("def main(api): raise ValueError('x' * 1_000_000)")
    assert done.error.startswith("Traceback")
    assert "characters left out" in done.error
    assert len(done.error) < 5_000


@pytest.mark.parametrize("call", ["sys.exit(3)", "raise KeyboardInterrupt", "raise SystemExit('enough')"])
def test_leaving_by_an_exception_is_raised(run: Run, call: str) -> None:
    done = run(f"import sys\ndef main(api):\n    {call}\n")
    assert done.ending == "raised"
    assert "main.py" in done.error
    assert "SystemExit" in done.error or "KeyboardInterrupt" in done.error


def test_a_missing_function_is_told(run: Run) -> None:
    done = run("def other(api): return 1")
    assert (done.ending, done.error) == ("raised", "the module has no function main")


def test_wrong_arguments_are_told(run: Run) -> None:
    done = run("def main(api, *, name): return name", nmae="web")
    assert done.ending == "raised"
    assert "nmae" in done.error


def test_what_is_printed_is_kept_in_order(run: Run) -> None:
    done = run("""\
        import os, sys
        def main(api):
            print("one")
            print("two", file=sys.stderr)
            os.system("echo three")
            print("four", end="")
        """)
    assert (done.output, done.result) == ("one\ntwo\nthree\nfour", None)


def test_output_beyond_the_limit_is_counted(run: Run) -> None:
    done = run("def main(api):\n    print('x' * 999_999)\n    return 'done'\n")
    assert done.result == "done"
    assert done.output.startswith("x" * LIMITS.output_bytes)
    assert done.output.endswith("[... 998,000 more bytes of output left out]")


def test_output_is_kept_when_the_program_fails(run: Run) -> None:
    assert run("import os\ndef main(api):\n    print('so far')\n    os._exit(1)\n").output == "so far\n"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{1, 2}", "result is a set"),
        ("{'a': [1, object()]}", "result['a'][1] is a object"),
        ("float('nan')", "result is nan"),
        ("{(1, 2): 3}", "a key of result is a tuple"),
        ("'\\ud800'", "surrogates not allowed"),
        ("'x' * 10_001", "too large: 10,003 bytes"),
        ("[0] * 10_000_000", "too large"),
        ("_nested(100)", ""),
        ("_nested(101)", "nested deeper than 100"),
        ("_circle()", "contains itself"),
        ("client.V1ObjectMeta(name='web')", "api.sanitize_for_serialization"),
    ],
)
def test_a_result_must_be_json(run: Run, value: str, told: str) -> None:
    done = run(f"""\
        from kubernetes import client

        def main(api):
            return {value}

        def _nested(depth):
            value = []
            for _ in range(depth):
                value = [value]
            return value

        def _circle():
            value = []
            value.append(value)
            return value
        """)
    assert (done.ending, told in done.error) == ("raised" if told else "returned", True), done.error


def test_the_time_limit_ends_what_the_program_started(make: Make, tmp_path: Path) -> None:
    sandbox = make(LIMITS.model_copy(update={"seconds": 0.5}))
    before = descendants()
    started = time.monotonic()
    try:
        done = sandbox.run(
            program("""\
                import os, threading, time
                def main(api):
                    threading.Thread(target=time.sleep, args=(60,)).start()
                    if os.fork() == 0:
                        os.setsid()
                        os.fork()
                        time.sleep(60)
                    print("waiting")
                    while True:
                        time.sleep(1)
                """),
            {},
            NOWHERE,
            tmp_path,
        )
        assert (done.ending, done.output) == ("timeout", "waiting\n")
        assert "0.5 s" in done.error
        assert time.monotonic() - started < 20
        assert eventually(lambda: len(descendants() - before) <= 1)
    finally:
        sandbox.close()


def test_signals_do_not_put_the_time_limit_off(make: Make, tmp_path: Path) -> None:
    sandbox = make(LIMITS.model_copy(update={"seconds": 0.5}))
    source = (
        "import signal\ndef main(api):\n  [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15, 24)]\n  while 1: pass\n"
    )
    try:
        assert sandbox.run(program(source), {}, NOWHERE, tmp_path).ending == "timeout"
    finally:
        sandbox.close()


@pytest.mark.parametrize("code", ["bytearray(1 << 30)", "[list(range(10**6)) for _ in range(10**4)]"])
def test_memory_is_limited(run: Run, code: str) -> None:
    done = run(f"def main(api):\n    print('begun')\n    {code}\n")
    assert (done.ending, done.output) == ("memory", "begun\n")
    assert "MemoryError" in done.error
    assert "256 MiB" in done.error


def test_a_result_is_not_delayed_by_what_still_runs(run: Run) -> None:
    run("def main(api): return 1")
    before = descendants()
    started = time.monotonic()
    done = run("""\
        import os, threading, time
        def main(api):
            for daemon in (True, False):
                threading.Thread(target=_work, daemon=daemon).start()
            for _ in range(20):
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(60)
            return "done"
        def _work():
            while True:
                print("working")
                time.sleep(0.01)
        """)
    assert done.result == "done"
    assert time.monotonic() - started < 15
    assert eventually(lambda: descendants() <= before)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("os._exit(0)", "exit code 0"),
        ("os._exit(7)", "exit code 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.abort()", "SIGABRT"),
        ("os.execv('/bin/true', ['true'])", "exit code 0"),
        ("os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)", "watched over"),
        ("os.closerange(3, 300); os.closerange(0, 3); time.sleep(0.2); os._exit(4)", "exit code 4"),
    ],
)
def test_a_process_that_ends_without_a_word_is_a_crash(run: Run, code: str, told: str) -> None:
    done = run(f"import os, signal, time\ndef main(api):\n    {code}\n")
    assert done.ending == "crashed"
    assert told in done.error
    assert run("def main(api): return 'next'").result == "next"


def test_a_forged_report_spoils_only_its_own_run(run: Run) -> None:
    done = run("""\
        import os
        def main(api):
            for number in range(3, 20):
                try:
                    os.write(number, b"\\x00\\x00\\x00\\x04null")
                except OSError:
                    pass
            os._exit(0)
        """)
    assert done.ending == "crashed"


def test_the_environment_is_emptied(run: Run) -> None:
    done = run("import os\ndef main(api): return sorted(os.environ)")
    assert isinstance(done.result, list)
    assert set(done.result) <= {"LANG", "LC_CTYPE", "MALLOC_ARENA_MAX", "HOME", "TMPDIR"}
    done = run("import sys\ndef main(api): return sys.stdin.read()")
    assert done.result == ""


def test_no_file_of_the_home_folder_is_taken_for_a_kubeconfig(run: Run) -> None:
    done = run("""\
        from kubernetes import config
        def main(api):
            config.load_kube_config()
        """)
    assert done.ending == "raised"
    assert "ConfigException" in done.error


def test_nothing_of_one_run_is_left_for_the_next(run: Run) -> None:
    source = """\
        import builtins, json, os, sys
        from pathlib import Path
        def main(api):
            before = [hasattr(builtins, "mark"), json.__dict__.get("mark"), "mark" in sys.modules, os.listdir(".")]
            builtins.mark = json.mark = 1
            sys.modules["mark"] = json
            Path("mark").write_text("1")
            return before
        """
    assert run(source).result == run(source).result == [False, None, False, []]


def test_each_run_draws_other_random_numbers(run: Run) -> None:
    source = "import random\ndef main(api): return random.random()"
    assert run(source).result != run(source).result


def test_skills_of_the_library_can_be_imported(sandbox: Sandbox, tmp_path: Path) -> None:
    for name, source in {
        "double": "def double(api, *, x):\n    return 2 * x\n",
        "quadruple": "from skills.double import double\n\n\ndef quadruple(api, *, x):\n"
        "    if x < 0:\n        raise ValueError('negative')\n    return double(api, x=double(api, x=x))\n",
    }.items():
        (tmp_path / "skills").mkdir(exist_ok=True)
        (tmp_path / "skills" / f"{name}.py").write_text(source)
    entry = program("from skills.quadruple import quadruple\ndef main(api, *, x): return quadruple(api, x=x)")
    assert sandbox.run(entry, {"x": 3}, NOWHERE, tmp_path).result == 12
    failed = sandbox.run(entry, {"x": -1}, NOWHERE, tmp_path)
    assert '  File "skills/quadruple.py", line 6, in quadruple' in failed.error.splitlines()
    (tmp_path / "skills" / "double.py").write_text("def double(api, *, x):\n    return x + 1\n")
    assert sandbox.run(entry, {"x": 3}, NOWHERE, tmp_path).result == 5
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["double.py", "quadruple.py", "skills"]


def test_a_program_may_have_the_name_of_a_module(sandbox: Sandbox, tmp_path: Path) -> None:
    entry = program("import json\nfrom kubernetes import client\ndef select(api): return json.loads('[1]')", "select")
    assert sandbox.run(entry, {}, NOWHERE, tmp_path).result == [1]


def test_runs_go_on_side_by_side(sandbox: Sandbox, tmp_path: Path) -> None:
    entry = program("import time\ndef main(api, *, n):\n    print(n)\n    time.sleep(0.5)\n    return n\n")
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: sandbox.run(entry, {"n": n}, NOWHERE, tmp_path), range(8)))
    assert [(each.result, each.output) for each in done] == [(n, f"{n}\n") for n in range(8)]
    assert time.monotonic() - started < 8 * 0.5


def test_no_litter_is_left(make: Make, tmp_path: Path) -> None:
    sandbox = make(LIMITS)
    entry = program("""\
        import tempfile
        from pathlib import Path
        def main(api):
            Path("here").mkdir()
            Path(tempfile.mkdtemp(), "there").write_text("x")
            return [str(Path.cwd()), tempfile.gettempdir()]
        """)
    done = sandbox.run(entry, {}, NOWHERE, tmp_path)
    assert isinstance(done.result, list)
    assert not [folder for folder in done.result if Path(str(folder)).exists()]
    sandbox.close()
    temporary = Path(tempfile.gettempdir())
    assert not [
        folder for folder in done.result if (temporary / Path(str(folder)).relative_to(temporary).parts[0]).exists()
    ]


def test_close_leaves_no_process_and_ends_runs_under_way(make: Make, tmp_path: Path) -> None:
    before = descendants()
    sandbox = make(LIMITS)
    assert sandbox.run(program("def main(api): return 1"), {}, NOWHERE, tmp_path).result == 1
    begun = tmp_path / "begun"
    source = (
        f"import time\nfrom pathlib import Path\ndef main(api):\n    Path({str(begun)!r}).touch()\n    time.sleep(60)\n"
    )
    errors: list[SandboxError] = []

    def long_run() -> None:
        try:
            sandbox.run(program(source), {}, NOWHERE, tmp_path)
        except SandboxError as error:
            errors.append(error)

    thread = threading.Thread(target=long_run)
    thread.start()
    assert eventually(begun.exists)
    sandbox.close()
    thread.join(10)
    assert descendants() <= before
    assert "closed while main ran" in str(errors[0])
    with pytest.raises(SandboxError, match="closed"):
        sandbox.run(program("def main(api): return 1"), {}, NOWHERE, tmp_path)
    sandbox.close()


@pytest.fixture(scope="module")
def workspace(control_plane: Path) -> Iterator[Workspace]:
    from voyager_k8s.clusters.kubernetes_cluster import KubernetesCluster

    cluster = KubernetesCluster(Running(control_plane), ClusterConfig())
    cluster.start()
    made = cluster.workspace("sandbox-contract")
    yield made
    made.close()
    cluster.stop()


@pytest.mark.cluster
def test_the_client_has_the_rights_of_the_workspace_only(run: Run, workspace: Workspace) -> None:
    source = """\
        from kubernetes import client
        def main(api, *, namespace):
            core = client.CoreV1Api(api)
            data = {"metadata": {"name": "greeting"}, "data": {"hello": "world"}}
            core.create_namespaced_config_map(namespace, data)
            return [item.metadata.name for item in core.list_namespaced_config_map(namespace).items]
        """
    done = run(source, workspace.access, namespace=workspace.namespace)
    assert done.ok, done.error
    assert isinstance(done.result, list)
    assert "greeting" in done.result
    elsewhere = run(source, workspace.access, namespace="default")
    assert elsewhere.ending == "raised"
    assert 'ApiException: 403 Forbidden: configmaps is forbidden: User "system:serviceaccount:' in elsewhere.error
    assert "HTTP response headers" not in elsewhere.error
    assert workspace.access.token not in elsewhere.error
