"""Shows progress on stderr: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import atexit
import sys
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import click

from voyager_k8s.core.progress import Listener, Notice

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["PlainLines", "console_listener"]

_SECONDS_BETWEEN_LINES = 5.0


def console_listener() -> Listener:
    """What shows notices to whoever watches this process."""
    return _Bars() if sys.stderr.isatty() else PlainLines()


class PlainLines:
    """One line for each notice; of a long step, one now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}

    def __call__(self, notice: Notice) -> None:
        with self._lock:
            if notice.total is None or self._is_due(notice):
                _say(_line(notice))

    def _is_due(self, notice: Notice) -> bool:
        """At the first sight of a step, every few seconds, and at its end."""
        now = monotonic()
        if notice.done == notice.total:
            self._told.pop(notice.text, None)
            return True
        if now - self._told.get(notice.text, float("-inf")) < _SECONDS_BETWEEN_LINES:
            return False
        self._told[notice.text] = now
        return True


class _Bars:
    """A bar for each step under way; everything else scrolls above them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Progress | None = None
        self._steps: dict[str, TaskID] = {}

    def __call__(self, notice: Notice) -> None:
        with self._lock:
            if notice.total is None:
                self._finish()
                _say(_styled(notice))
            else:
                self._advance(notice, notice.total)

    def _advance(self, notice: Notice, total: float) -> None:
        bars = self._bars or self._begin()
        if notice.text not in self._steps:
            self._steps[notice.text] = bars.add_task(notice.text, total=total)
        bars.update(self._steps[notice.text], completed=notice.done or 0, total=total)

    def _begin(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=Console(file=sys.stderr))
        self._bars.start()
        atexit.register(self._finish)  # an error in between must not leave the cursor hidden
        return self._bars

    def _finish(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars = None
        self._steps.clear()


def _say(line: str) -> None:
    with suppress(OSError):  # whoever watched has gone; what is being done goes on
        click.echo(line, err=True)


def _line(notice: Notice) -> str:
    progress = "" if notice.total is None else f" {notice.done or 0:.0f} of {notice.total:.0f}"
    warning = "warning: " if notice.kind == "warning" else ""
    return f"{warning}{notice.text}{progress}"


def _styled(notice: Notice) -> str:
    return click.style(_line(notice), fg="yellow") if notice.kind == "warning" else _line(notice)
