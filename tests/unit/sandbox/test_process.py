"""The warm process: when it dies, when its parent dies, when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from voyager_k8s.core.config import SandboxConfig
from voyager_k8s.core.program import ApiAccess, Execution, Program
from voyager_k8s.core.progress import Notice
from voyager_k8s.sandbox.process import ProcessSandbox

NOWHERE = ApiAccess(server="https://127.0.0.1:1", certificate_authority="", token="", namespace="shop")


def program(source: str) -> Program:
    return Program(name="main", source=textwrap.dedent(source), arguments={})


ONE = program("def main(api): return 1")


def eventually(there: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not there() and time.monotonic() < deadline:
        time.sleep(0.02)
    return there()


def warm_process() -> psutil.Process:
    (found,) = (each for each in psutil.Process().children() if any("worker.py" in word for word in each.cmdline()))
    return found


def test_a_dead_warm_process_is_replaced_and_said(tmp_path: Path) -> None:
    notices: list[Notice] = []
    with ProcessSandbox(SandboxConfig(), notices.append) as sandbox:
        sandbox.warm()
        assert sandbox.run(ONE, {}, NOWHERE, tmp_path).ok
        old = warm_process()
        old.kill()
        old.wait()
        assert sandbox.run(ONE, {}, NOWHERE, tmp_path).ok
        assert warm_process().pid != old.pid
    assert [notice.kind for notice in notices] == ["warning"]


def test_a_run_outlives_the_warm_process(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    source = f"""\
        import time
        from pathlib import Path
        def main(api):
            Path({str(begun)!r}).touch()
            time.sleep(1)
            return 1
        """
    done: list[Execution] = []
    with ProcessSandbox() as sandbox:
        thread = threading.Thread(target=lambda: done.append(sandbox.run(program(source), {}, NOWHERE, tmp_path)))
        thread.start()
        assert eventually(begun.exists)
        warm_process().kill()
        thread.join(20)
        assert [each.result for each in done] == [1]
        assert sandbox.run(ONE, {}, NOWHERE, tmp_path).ok


def test_the_warm_process_stays_single_threaded_and_reaps(tmp_path: Path) -> None:
    with ProcessSandbox() as sandbox:
        for _ in range(5):
            sandbox.run(ONE, {}, NOWHERE, tmp_path)
        warm = warm_process()
        assert warm.num_threads() == 1
        assert eventually(lambda: not warm.children())


def test_the_environment_of_the_warm_process_is_emptied(tmp_path: Path) -> None:
    with ProcessSandbox() as sandbox:
        sandbox.run(ONE, {}, NOWHERE, tmp_path)
        assert set(warm_process().environ()) <= {"LANG", "LC_CTYPE", "MALLOC_ARENA_MAX"}


PARENT = """\
import sys, threading, time
from pathlib import Path
from voyager_k8s.core.program import ApiAccess, Program
from voyager_k8s.sandbox.process import ProcessSandbox

access = ApiAccess(server="https://127.0.0.1:1", certificate_authority="", token="", namespace="shop")
source = '''
import os, time
from pathlib import Path
def main(api, *, mark):
    if os.fork() == 0:
        os.setsid()
        Path(mark).write_text(str(os.getpid()))
    time.sleep(60)
'''
program = Program(name="main", source=source, arguments={})
ProcessSandbox().run(program, {"mark": sys.argv[1]}, access, Path("."))
"""


def test_a_killed_parent_leaves_no_process(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    environment = {"PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(mark)], env=environment)
    try:
        assert eventually(lambda: mark.exists() and bool(mark.read_text()), 30)
        started = psutil.Process(parent.pid).children(recursive=True)
        # The warm process, the supervisor, the program and what that forked into another session.
        assert len(started) == 4
        assert int(mark.read_text()) in {process.pid for process in started}
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert eventually(lambda: not [process for process in started if process.is_running()])
    assert eventually(lambda: not list(tmp_path.glob("voyager-sandbox-*")))
