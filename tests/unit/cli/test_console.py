"""Progress where nobody watches a terminal."""

from __future__ import annotations

import pytest

from voyager_k8s.cli.console import PlainLines
from voyager_k8s.core.progress import Notice


def test_a_long_step_gives_its_beginning_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    tell = PlainLines()
    for done in range(101):
        tell(Notice(kind="install", text="building", done=done, total=100))
    tell(Notice(kind="warning", text="slow disk"))
    tell(Notice(kind="cluster", text="ready"))

    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == ["building 0 of 100", "building 100 of 100", "warning: slow disk", "ready"]
