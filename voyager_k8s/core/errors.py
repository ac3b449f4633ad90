"""Every error this package raises on purpose.

    VoyagerError
    ├── UsageError               what the user gave: options, files, keys
    │   ├── PrerequisiteError    something that must be installed first
    │   └── BusyError            a folder or port that another process uses
    ├── InfrastructureError      the world failed; never counts against a task or a skill
    │   ├── ClusterError
    │   ├── ModelError
    │   │   └── CassetteError    a recording without the reply asked for
    │   └── SandboxError
    ├── LibraryError             a skill library that contradicts itself
    └── Rejection                a model's product sent back to it with the reason
        ├── ReplyError           a reply that is not of the form asked for
        └── TaskRejected         a task that proves nothing, exists already or cannot be set up

A message says what, the value, and what was available or how to mend it. An
SDK's own exception is always the cause (`raise ... from`), never the surface.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "CassetteError",
    "ClusterError",
    "InfrastructureError",
    "LibraryError",
    "ModelError",
    "PrerequisiteError",
    "Rejection",
    "ReplyError",
    "SandboxError",
    "TaskRejected",
    "UsageError",
    "VoyagerError",
]


class VoyagerError(Exception):
    """The root: catch this to catch everything the package raises on purpose."""


class UsageError(VoyagerError):
    """What the user gave cannot be used: an option, a file, a key."""


class PrerequisiteError(UsageError):
    """Something is missing on this machine; the message says how to install it."""


class BusyError(UsageError):
    """A folder, port or cluster is in use by another process."""


class InfrastructureError(VoyagerError):
    """The world around a program failed. Retried or paused on, never held against a task."""


class ClusterError(InfrastructureError):
    """The cluster cannot be reached, started or trusted."""


class ModelError(InfrastructureError):
    """The model endpoint is down, refuses, or ran out of retries."""


class CassetteError(ModelError):
    """A replayed recording lacks the reply asked for, or its prompt differs under strict replay."""


class SandboxError(InfrastructureError):
    """The sandbox died or could not start; says nothing about the program it was given."""


class LibraryError(VoyagerError):
    """A skill library contradicts itself or cannot be read."""


class Rejection(VoyagerError):
    """A model's product is sent back; the message is what the model is told."""


class ReplyError(Rejection):
    """A reply is not of the form asked for."""


class TaskRejected(Rejection):
    """A proposed task proves nothing, was done already, or cannot be set up."""
