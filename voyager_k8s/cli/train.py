"""`train` and `resume`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from voyager_k8s.core.errors import UsageError

if TYPE_CHECKING:
    from voyager_k8s.core.config import CampaignConfig, ClusterConfig, ModelsConfig
    from voyager_k8s.learning.campaign import Campaign

__all__ = ["resume", "train"]


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The campaign's folder; made new."
)
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="A campaign.yaml; options given here win."
)
@click.option(
    "--environment", metavar="NAME|FILE", help="The cluster: a name under environments/ or a file. [default: embedded]"
)
@click.option(
    "--curriculum",
    metavar="auto|manual|FILE",
    help="Where tasks come from; a name under curricula/ is found too. [default: auto]",
)
@click.option("--iterations", type=click.IntRange(min=1), help="Tasks to take on. [default: 20; of a recording, all]")
@click.option("--max-attempts", type=click.IntRange(min=1), help="Programs written for one task. [default: 4]")
@click.option(
    "--model",
    metavar="PROVIDER:MODEL",
    help="The chat model of every role that the configuration does not name. [default: openai:gpt-5.1]",
)
@click.option("--base-url", metavar="URL", help="Another endpoint that speaks the provider's protocol.")
@click.option("--record", type=click.Path(path_type=Path), help="Write every reply to this cassette.")
@click.option("--replay", metavar="FILE|demo", help="Take every reply from this cassette; no model is asked.")
@click.option("--strict-replay", is_flag=True, help="Refuse a recorded reply whose prompt differs.")
@click.option(
    "--library", type=click.Path(path_type=Path, file_okay=False), help="The skill library. [default: OUT/library]"
)
@click.option("--keep-cluster", is_flag=True, help="Leave the cluster running at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(out: Path, as_json: bool, **options: Any) -> None:
    """Run a training campaign: propose a task, write a program for it, run it, verify what the cluster
    became, and keep what worked as a skill.

    The API key is taken from the provider's environment variable (OPENAI_API_KEY ...).

    \b
    Examples:
      voyager-k8s train --out runs/first --model openai:gpt-5.1 --iterations 10
      voyager-k8s train --out runs/local --model openai:qwen3 --base-url http://localhost:8000/v1
      voyager-k8s train --out runs/steps --curriculum first-steps
      voyager-k8s train --out runs/again --replay demo
    """
    from voyager_k8s.learning.folder import CampaignFolder

    if CampaignFolder(out).exists:
        raise UsageError(
            f"{out} holds a campaign already: go on with `voyager-k8s resume {out}`, or choose another folder"
        )
    _learn(out, _configure(options), as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--iterations", type=click.IntRange(min=1), help="Rounds in all, those done included. [default: as started]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def resume(folder: Path, iterations: int | None, as_json: bool) -> None:
    """Go on with the campaign in FOLDER after its last finished attempt."""
    from voyager_k8s.learning.folder import CampaignFolder

    config = CampaignFolder(folder).config()
    if iterations:
        config = config.model_copy(update={"iterations": iterations})
    _learn(folder, config, as_json)


def _configure(options: dict[str, Any]) -> CampaignConfig:
    """The configuration file's values with the options put over them."""
    from voyager_k8s.core.config import CampaignConfig
    from voyager_k8s.learning.settings import library_config, read_config

    config = read_config(options["config_file"]) if options["config_file"] else CampaignConfig()
    given = {name: options[name] for name in ("curriculum", "iterations", "max_attempts") if options[name] is not None}
    curriculum = Path(given.get("curriculum", config.curriculum))
    if curriculum.is_file():  # whoever resumes may stand in another folder
        given["curriculum"] = str(curriculum.absolute())
    if options["library"]:
        library = config.library if options["config_file"] else library_config(options["library"])
        given["library"] = library.model_copy(update={"path": str(options["library"].absolute())})
    given["cluster"] = _cluster(config.cluster, options)
    given["models"] = config.models.model_copy(update=_models(config.models, options))
    if options["replay"] and "iterations" not in given:
        given["iterations"] = _recorded_rounds(Path(given["models"].replay))
    return config.model_copy(update=given)


def _recorded_rounds(cassette: Path) -> int:
    from voyager_k8s.models.cassette import read_cassette

    return max(1, len({entry.task for entry in read_cassette(cassette).entries}))


def _cluster(configured: ClusterConfig | None, options: dict[str, Any]) -> ClusterConfig | None:
    from voyager_k8s.learning.settings import read_cluster

    cluster = read_cluster(options["environment"]) if options["environment"] else configured
    if options["keep_cluster"]:
        return (cluster or read_cluster("embedded")).model_copy(update={"keep": True})
    return cluster


def _models(configured: ModelsConfig, options: dict[str, Any]) -> dict[str, Any]:
    from voyager_k8s.learning.settings import resolve_cassette

    asked = {name: options[name] for name in ("model", "base_url") if options[name]}
    record, replay = options["record"] or configured.record, options["replay"] or configured.replay
    if record and replay:
        raise UsageError("--record and --replay exclude each other: a replayed reply is recorded already")
    if options["strict_replay"] and not replay:
        raise UsageError("--strict-replay says how to replay: give --replay FILE too")
    return {
        "default": configured.default.model_copy(update=asked),
        "record": str(Path(record).absolute()) if record else None,
        "replay": str(resolve_cassette(replay)) if replay else None,
        "strict_replay": options["strict_replay"] or configured.strict_replay,
    }


def _learn(folder: Path, config: CampaignConfig, as_json: bool) -> None:
    from voyager_k8s import runtime
    from voyager_k8s.cli.console import console_listener
    from voyager_k8s.cli.status import print_status

    listener, cache = console_listener(), os.environ.get("VOYAGER_K8S_CACHE")
    opened = runtime.open_campaign(
        folder,
        config,
        keys=os.environ,
        listener=listener,
        ask_person=_ask,
        cache=Path(cache) if cache else None,
    )
    interrupts = _Interrupts()
    with interrupts.caught(), opened as campaign:
        interrupts.stop(campaign)
        reason = campaign.learn()
    print_status(runtime.status(folder), as_json=as_json)
    if reason == "interrupted":
        sys.exit(130)


def _ask(question: str) -> str:
    """A person's line. The end of the input is an empty one; Ctrl-C stops at once, since nothing is under way."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return str(click.prompt(question, default="", show_default=False, prompt_suffix="", err=True))
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            return ""
        raise KeyboardInterrupt from abort
    finally:
        signal.signal(signal.SIGINT, before)


_STOPPING = b"stopping after this attempt; once more stops at once\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    """The first Ctrl-C (or SIGTERM, or a terminal that is gone) stops after the attempt under way, the second at
    once; before a campaign is open, the first does."""

    def __init__(self) -> None:
        self._campaign: Campaign | None = None
        self._asked = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Signals come here inside, and go where they went before after it."""
        before = {each: signal.signal(each, self._ask) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def stop(self, campaign: Campaign) -> None:
        """This campaign is to be stopped from here on; at once where that was asked for already: what imports a
        library may have swallowed the exception."""
        self._campaign = campaign
        if self._asked:
            raise KeyboardInterrupt

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._campaign is None or self._asked:
            self._asked = True
            raise KeyboardInterrupt
        self._asked = True
        self._campaign.stop()
        with suppress(OSError):
            os.write(2, _STOPPING)  # a handler may run while a lock is held that printing would wait for
