"""Tasks and the checks that decide them.

A `Task` is a template: its goal, search terms, set-up, and checks may use `{{ parameter }}`,
and `{{ namespace }}` is always there. Bound to one set of values it is a `BoundTask`. A task brings
at least one other set of values, because a skill that only works for the values it was written
with has not been learned.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator, model_validator

from voyager_k8s.core.base import Manifest, Model

__all__ = [
    "AbsentCheck",
    "AnswerCheck",
    "AssertCheck",
    "BoundTask",
    "CanCheck",
    "Check",
    "CheckBase",
    "ExpressionCheck",
    "Permission",
    "Reference",
    "Task",
    "Values",
]

Values = dict[str, JsonValue]
"""Parameter values by name."""


class CheckBase(Model):
    """What every kind of check has."""

    invariant: bool = False
    """True for what must hold before the program runs and still hold after it ("the probe is still
    there"). Every other check must fail before the program runs: one that holds already proves nothing."""


def _needs_kind(manifest: Manifest) -> Manifest:
    missing = [key for key in ("apiVersion", "kind") if not isinstance(manifest.get(key), str)]
    if missing:
        raise ValueError(f"a partial manifest needs {' and '.join(missing)}")
    return manifest


class AssertCheck(CheckBase):
    """Some live object matches this partial manifest (as KUTTL's asserts do): mappings match by the keys
    given, lists of scalars must be equal, each element of a list of mappings must match some live element."""

    assert_: Manifest = Field(alias="assert")

    _kind = field_validator("assert_")(_needs_kind)


class AbsentCheck(CheckBase):
    """No live object matches this partial manifest."""

    absent: Manifest

    _kind = field_validator("absent")(_needs_kind)


class Reference(Model):
    """Names one object, or selects several by labels (all of the kind when no label is given)."""

    api_version: str = Field(alias="apiVersion")
    kind: str
    name: str | None = None
    labels: dict[str, str] = {}
    namespace: str | None = None
    """Default: the workspace's own namespace."""


class ExpressionCheck(CheckBase):
    """A CEL expression over live objects that must be true. Each name in `with` is a variable: the object
    itself where the reference has a `name`, else the list of the objects selected that are not being deleted.
    `answer` is what the program returned."""

    expression: str
    with_: dict[str, Reference] = Field(default={}, alias="with")


class Permission(Model):
    """One question to the authorizer."""

    service_account: str = Field(alias="serviceAccount")
    verb: str
    resource: str
    """`pods`, `deployments.apps`, `pods/log`."""
    name: str | None = None
    allowed: bool = True


class CanCheck(CheckBase):
    """A ServiceAccount of the workspace may (or, with `allowed: false`, may not) do something
    (SubjectAccessReview)."""

    can: Permission


class AnswerCheck(CheckBase):
    """What the program returned matches this, by the rules of `assert`."""

    answer: JsonValue


_KINDS: dict[str, str] = {
    "assert": "assert",
    "assert_": "assert",
    "absent": "absent",
    "expression": "expression",
    "can": "can",
    "answer": "answer",
}


def _check_kind(value: Any) -> str | None:
    if isinstance(value, CheckBase):
        value = type(value).model_fields
    keys = value if isinstance(value, dict) else ()
    found = {_KINDS[key] for key in keys if key in _KINDS}
    return found.pop() if len(found) == 1 else None


Check = Annotated[
    Annotated[AssertCheck, Tag("assert")]
    | Annotated[AbsentCheck, Tag("absent")]
    | Annotated[ExpressionCheck, Tag("expression")]
    | Annotated[CanCheck, Tag("can")]
    | Annotated[AnswerCheck, Tag("answer")],
    Discriminator(
        _check_kind,
        custom_error_type="check_kind",
        custom_error_message="a check has exactly one of: assert, absent, expression, can, answer",
    ),
]


class Task(Model):
    """One goal with what it takes to set it up and to decide it; strings in it are Jinja2 templates."""

    id: str = ""
    """Given by the campaign when the task is accepted: `task-003`."""
    goal: str = Field(min_length=1)
    search_terms: str = Field(min_length=1)
    """One sentence in precise Kubernetes words: what the skill library is searched for."""
    parameters: Values
    """The values of the first run, by name; `namespace` is reserved."""
    variants: tuple[Values, ...] = Field(min_length=1)
    """Other sets of values with the same names, for practice."""
    setup: tuple[Manifest, ...] = ()
    """Manifests that exist before the program runs."""
    checks: tuple[Check, ...] = Field(min_length=1)
    repeatable: bool = True
    """False where doing it twice is meant to differ from doing it once (a rollback)."""

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        if "namespace" in self.parameters:
            raise ValueError("parameters: `namespace` is given by the workspace, leave it out")
        for number, values in enumerate(self.variants, start=1):
            if set(values) != set(self.parameters):
                raise ValueError(
                    f"variants: set {number} has the names {sorted(values)}, parameters has {sorted(self.parameters)}"
                )
            if self.parameters and values == self.parameters:
                raise ValueError(f"variants: set {number} has the same values as parameters")
        if all(check.invariant for check in self.checks):
            raise ValueError("checks: at least one must not be an invariant")
        return self


class BoundTask(Model):
    """A task with one set of values put in: nothing in it is a template any more."""

    id: str
    goal: str
    search_terms: str
    values: Values
    """The parameters' values, and `namespace`."""
    setup: tuple[Manifest, ...]
    checks: tuple[Check, ...]
