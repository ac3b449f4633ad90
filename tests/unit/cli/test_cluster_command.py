"""`cluster ...` where there is no cluster; the rest is tested with a real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from voyager_k8s.cli.cluster import cluster


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "no clusters"),
        (["down"], "no such cluster"),
        (["down", "--all"], "no clusters"),
        (["gc"], "nothing to remove"),
    ],
)
def test_nothing_there_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(cluster, ["--cache", str(tmp_path), *arguments])
    assert result.exit_code == 0
    assert said in result.stdout


def test_status_as_json_is_a_list(tmp_path: Path) -> None:
    result = CliRunner().invoke(cluster, ["--cache", str(tmp_path), "status", "--json"])
    assert json.loads(result.stdout) == []
