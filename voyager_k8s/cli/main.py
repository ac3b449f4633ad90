"""The command line's front door.

Commands are named here and imported when they are called, so that `--help` costs next to nothing.
Every error the package raises on purpose becomes one line and an exit code.
"""

from __future__ import annotations

import errno
import importlib
import sys
from typing import NamedTuple

import click

from voyager_k8s.core.errors import InfrastructureError, LibraryError, UsageError, VoyagerError

__all__ = ["EXIT_CODES", "cli", "main"]

EXIT_CODES = """\b
Exit codes:
  0    done
  1    a defect in voyager-k8s itself
  2    the options, a file or the machine need a change (the message says which)
  3    paused: the cluster, the model or the disk failed; `resume DIR` goes on
  4    a skill library contradicts itself
  130  stopped by Ctrl-C; `resume DIR` goes on
"""


class _Entry(NamedTuple):
    module: str
    command: str
    help: str


_COMMANDS = {
    "train": _Entry("train", "train", "Run a training campaign: propose, attempt, verify, keep."),
    "resume": _Entry("train", "resume", "Go on with a campaign after its last finished attempt."),
    "status": _Entry("status", "status", "Show what a campaign has done and learned."),
    "skills": _Entry("skills", "skills", "List, show and search the skills of a library."),
    "cluster": _Entry("cluster", "cluster", "Install, start and stop embedded clusters."),
}


class _LateGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f"voyager_k8s.cli.{entry.module}"), entry.command)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in _COMMANDS.items()])


@click.group(
    cls=_LateGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="voyager-k8s", prog_name="voyager-k8s")
def cli() -> None:
    """A lifelong-learning agent for Kubernetes: it learns by trial and error, and keeps what worked as
    Python skills."""


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(prog_name="voyager-k8s", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except VoyagerError as error:
        click.echo(f"error: {error}", err=True)
        code = exit_code(error)
    except BrokenPipeError:
        code = _reader_left()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        where = error.filename or "while writing"
        click.echo(f"error: {error.strerror}: {where}; free space or choose another folder, then resume", err=True)
        code = 3
    sys.exit(code if isinstance(code, int) else 0)


def exit_code(error: VoyagerError) -> int:
    """The exit code that stands for an error; `EXIT_CODES` tells people."""
    match error:
        case UsageError():
            return 2
        case InfrastructureError():
            return 3
        case LibraryError():
            return 4
    return 1


def _reader_left() -> int:
    """Whoever read our output (`| head`) has enough: say nothing, not even at the interpreter's exit."""
    sys.stdout = None
    return 0


if __name__ == "__main__":
    main()
