"""Finds the data that travels with the package: `skills/`, `curricula/`, `environments/`.

In a checkout they are top-level folders; the wheel carries them inside the package.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["data_folder"]

_PACKAGE = Path(__file__).resolve().parent.parent


def data_folder(name: str) -> Path:
    """The folder `name` of the data that travels with the package.

    Raises:
        FileNotFoundError: neither the wheel nor a checkout has it (a broken installation).
    """
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name}/ is missing from this installation of voyager_k8s; install it again")
