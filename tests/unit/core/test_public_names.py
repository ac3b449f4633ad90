"""Every module says what it offers, and what sits low in the layers stays cheap to import."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import voyager_k8s.agents
import voyager_k8s.core
import voyager_k8s.learning

MODULES = sorted(
    module.name
    for package in (voyager_k8s.core, voyager_k8s.agents, voyager_k8s.learning)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_an_idea_and_the_names_it_promises(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__doc__
    assert module.__all__
    assert [promised for promised in module.__all__ if not hasattr(module, promised)] == []
    assert len(set(module.__all__)) == len(module.__all__)


def test_core_agents_and_learning_load_no_sdk() -> None:
    sdks = ("kubernetes", "chromadb", "langchain", "langchain_core", "openai", "wordllama", "httpx", "rich", "click")
    code = f"import sys, {', '.join(MODULES)}; print(*[name for name in {sdks} if name in sys.modules])"
    root = Path(__file__).parents[3]

    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
