"""The command line is there at once: what a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import PROGRAM, environment, run

HEAVY = ("chromadb", "jinja2", "kubernetes", "langchain", "numpy", "openai", "pydantic", "rich", "yaml")
COMMANDS = (
    *(("--help",), ("train", "--help"), ("resume", "--help"), ("status", "--help"), ("cluster", "up", "--help")),
    *(("skills", "search", "--help"), ("--version",)),
)
SECONDS = 0.6
"""What the package states is 0.2; this is what a busy machine is allowed."""

_SHOW_MODULES = """
import contextlib, sys
from voyager_k8s.cli.main import main
with contextlib.suppress(SystemExit):
    main()
print(*sys.modules, sep="\\n", file=sys.stderr)
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(command: tuple[str, ...], tmp_path: Path) -> None:
    done = run("-c", _SHOW_MODULES, *command, cwd=tmp_path, program=Path(sys.executable))
    assert done.code == 0
    assert "voyager-k8s" in done.out
    imported = {module.partition(".")[0] for module in done.err.split()}
    assert "voyager_k8s" in imported
    assert [name for name in imported if name.startswith(HEAVY)] == []


def test_help_is_there_at_once(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    bare = _best_of_five([sys.executable, "-c", "pass"], tmp_path)
    own = _best_of_five([str(PROGRAM), "--help"], tmp_path) - bare
    record_property("help_seconds", round(own, 3))
    assert own < SECONDS


def _best_of_five(command: list[str], cwd: Path) -> float:
    return min(_seconds(command, cwd) for _ in range(5))


def _seconds(command: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
