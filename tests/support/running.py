"""A control plane that somebody else has started, for clusters that tests share."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Running"]


class Running:
    """Implements `ControlPlane`; `ended` says whether it was told to end, which leaves what runs running."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig, self.ended = kubeconfig, False

    def up(self) -> Path:
        """Where it is."""
        return self.kubeconfig

    def down(self) -> None:
        """Take note."""
        self.ended = True
