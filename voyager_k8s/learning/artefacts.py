"""The files a campaign leaves for people: programs, prompts, replies and changes, in one folder a task.

The journal is the truth; these are written beside it, and an attempt done again overwrites its own.

    tasks/task-003/task.yaml
    tasks/task-003/curriculum-1.md            a question and its reply
    tasks/task-003/attempt-1/<program>.py     with arguments.json, execution.json, verdict.json, changes.txt
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from voyager_k8s.agents.rendering import DUMPER, show_changes, show_events
from voyager_k8s.core.conversation import ModelReply, ModelRequest
from voyager_k8s.core.task import Task
from voyager_k8s.learning.record import Attempt
from voyager_k8s.learning.writing import write_text

__all__ = ["Artefacts"]

WHOLE = 1_000_000
"""Characters: no cut worth speaking of."""


class Artefacts:
    """Writes under one campaign's folder.

    Args:
        folder: the campaign's.
    """

    def __init__(self, folder: Path) -> None:
        self._tasks = folder / "tasks"

    def task(self, task: Task) -> None:
        """The task as the curriculum wrote it."""
        data = task.model_dump(by_alias=True, exclude_unset=True, mode="json")
        text = yaml.dump(data, Dumper=DUMPER, sort_keys=False, width=110, allow_unicode=True)
        write_text(self._tasks / task.id / "task.yaml", text)

    def call(self, request: ModelRequest, reply: ModelReply) -> None:
        """One question and its reply, as a page to read."""
        parts = [f"# {message.author}\n\n{message.text}" for message in request.messages]
        parts.append(f"# reply ({reply.model})\n\n{reply.text}")
        write_text(self._tasks / request.task / f"{request.role}-{request.ordinal}.md", "\n\n".join(parts) + "\n")

    def attempt(self, task_id: str, attempt: Attempt) -> None:
        """One finished attempt."""
        folder = self._tasks / task_id / f"attempt-{attempt.number}"
        for stale in folder.glob("*.py"):
            stale.unlink()
        write_text(folder / f"{attempt.program.name}.py", attempt.program.source)
        write_text(folder / "arguments.json", json.dumps(attempt.program.arguments, indent=2) + "\n")
        write_text(folder / "execution.json", attempt.execution.model_dump_json(indent=2) + "\n")
        write_text(folder / "verdict.json", attempt.verdict.model_dump_json(indent=2) + "\n")
        seen = f"{show_changes(attempt.changes, WHOLE)}\n\nEvents:\n{show_events(attempt.events, WHOLE)}\n"
        write_text(folder / "changes.txt", seen)
