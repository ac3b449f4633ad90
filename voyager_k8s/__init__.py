"""A lifelong-learning agent for Kubernetes: it learns by trial and error, and keeps what worked as Python skills.

    from pathlib import Path
    import voyager_k8s as voyager

    config = voyager.CampaignConfig(curriculum="first-steps", iterations=5)
    result = voyager.learn(Path("runs/mine"), config, keys={"OPENAI_API_KEY": "..."})
    print(result.tasks_completed, [skill.name for skill in result.skills])
    print(voyager.library(Path("runs/mine/library")).get(result.skills[0].name).source)

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voyager_k8s.core.config import CampaignConfig
    from voyager_k8s.core.errors import InfrastructureError, LibraryError, UsageError, VoyagerError
    from voyager_k8s.core.progress import Notice
    from voyager_k8s.core.skill import Skill
    from voyager_k8s.core.task import Task
    from voyager_k8s.learning.status import CampaignStatus
    from voyager_k8s.runtime import learn, library, open_campaign, resume, status

__all__ = [
    "CampaignConfig",
    "CampaignStatus",
    "InfrastructureError",
    "LibraryError",
    "Notice",
    "Skill",
    "Task",
    "UsageError",
    "VoyagerError",
    "learn",
    "library",
    "open_campaign",
    "resume",
    "status",
]

_HOMES = {
    "CampaignConfig": "core.config",
    "CampaignStatus": "learning.status",
    "InfrastructureError": "core.errors",
    "LibraryError": "core.errors",
    "Notice": "core.progress",
    "Skill": "core.skill",
    "Task": "core.task",
    "UsageError": "core.errors",
    "VoyagerError": "core.errors",
    "learn": "runtime",
    "library": "runtime",
    "open_campaign": "runtime",
    "resume": "runtime",
    "status": "runtime",
}


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"voyager_k8s has no {name!r}; its names are {', '.join(__all__)}")
    return getattr(importlib.import_module(f"voyager_k8s.{_HOMES[name]}"), name)
