"""The composition root: configuration in, wired objects out.

Nothing here decides anything about learning. It picks the adapter that the configuration names, gives
every object what it needs, and takes all of it down again. Heavy SDKs are imported when they are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from voyager_k8s.agents.action import ActionAgent
from voyager_k8s.agents.critic import CriticAgent
from voyager_k8s.agents.curriculum import Curriculum, CurriculumAgent, ManualCurriculum, TaskList
from voyager_k8s.agents.skill import SkillManager
from voyager_k8s.core.config import CampaignConfig, ClusterConfig, LibraryConfig
from voyager_k8s.core.errors import UsageError
from voyager_k8s.core.ports import ChatModel, Cluster
from voyager_k8s.core.progress import Listener, silent
from voyager_k8s.learning.artefacts import Artefacts
from voyager_k8s.learning.calls import JournaledModel
from voyager_k8s.learning.campaign import Campaign
from voyager_k8s.learning.folder import CampaignFolder
from voyager_k8s.learning.journal import Journal
from voyager_k8s.learning.lessons import Lessons
from voyager_k8s.learning.practice import Practice
from voyager_k8s.learning.rollout import Rollout
from voyager_k8s.learning.settings import absolute, read_cluster
from voyager_k8s.learning.status import CampaignStatus, campaign_status
from voyager_k8s.learning.trial import Bench
from voyager_k8s.learning.writing import write_text
from voyager_k8s.library.files import FileSkillStore
from voyager_k8s.library.seeds import seed
from voyager_k8s.models.opening import open_models

if TYPE_CHECKING:
    from voyager_k8s.library.index import ChromaIndex
    from voyager_k8s.sandbox.process import ProcessSandbox

__all__ = [
    "learn",
    "library",
    "open_campaign",
    "open_skills",
    "resume",
    "status",
]

Keys = Mapping[str, str]
"""API keys by the name of the environment variable that holds them."""
AskPerson = Callable[[str], str]


def _nobody(question: str) -> str:
    raise UsageError("the manual curriculum needs a person to answer; use --curriculum auto or a file")


@contextmanager
def open_campaign(
    folder: Path,
    config: CampaignConfig,
    *,
    keys: Keys,
    listener: Listener = silent,
    ask_person: AskPerson = _nobody,
    model: ChatModel | None = None,
    cache: Path | None = None,
) -> Iterator[Campaign]:
    """A campaign, ready to learn; its cluster and processes are gone when the block ends.

    Args:
        folder: the campaign's; made where it is missing, gone on with where it holds one.
        config: is written into the folder.
        keys: API keys by environment variable name; only those of the configured models are looked at.
        listener: is told what goes on.
        ask_person: answers a question, for the manual curriculum.
        model: answers for every role, in place of the configured models.
        cache: where the cluster and its programs are kept; None: this user's cache folder.

    Raises:
        BusyError: another process has the folder.
        UsageError: the configuration cannot be used.
        InfrastructureError: a model, the cluster or the index cannot be reached.
    """
    home, config = CampaignFolder(folder), absolute(config)
    settings = config.cluster or read_cluster("embedded")
    tasks = _task_list(config)
    with ExitStack() as stack:
        stack.enter_context(home.lock())
        # Before anything is written or started: a configuration that cannot be used leaves no campaign behind.
        answering = model or open_models(config.models, keys, listener)
        home.save(config)
        journal = stack.enter_context(closing(Journal(home.journal)))
        artefacts = Artefacts(home.path)
        cluster, started = stack.enter_context(_starting(home, settings, cache, listener))
        calls = JournaledModel(answering, journal, artefacts)
        curriculum = tasks or _curriculum(config, calls, ask_person)
        skills = stack.enter_context(open_skills(home.library(config), config, calls, keys, listener))
        lessons = stack.enter_context(_lessons(home, config, journal, keys, listener))
        sandbox = stack.enter_context(closing(_sandbox(config, listener)))
        started.result()
        bench = Bench(cluster, sandbox, skills.store)
        rollout = Rollout(
            bench=bench,
            action=ActionAgent(calls, max_replies=config.max_replies, seconds=config.sandbox.seconds),
            critic=CriticAgent(calls, max_replies=config.max_replies),
            skills=skills,
            practice=Practice(bench),
            lessons=lessons,
            journal=journal,
            artefacts=artefacts,
            calls=calls,
            listener=listener,
            max_attempts=config.max_attempts,
            campaign=home.path.name,
            notes=settings.notes,
        )
        stack.callback(_note_replay, answering, journal)
        yield Campaign(
            cluster=cluster,
            curriculum=curriculum,
            rollout=rollout,
            skills=skills,
            journal=journal,
            calls=calls,
            listener=listener,
            iterations=config.iterations,
            max_proposals=config.max_proposals,
        )


def _note_replay(model: ChatModel, journal: Journal) -> None:
    replies, mismatches = getattr(model, "replies", 0), getattr(model, "mismatches", 0)
    if replies:
        journal.replayed(replies, mismatches)


# -- the library -----------------------------------------------------------


@contextmanager
def open_skills(
    library: Path, config: CampaignConfig, model: ChatModel, keys: Keys, listener: Listener = silent
) -> Iterator[SkillManager]:
    """The skill manager of a library, its seed skills in place and its index in step.

    Raises:
        LibraryError: the library contradicts itself.
        InfrastructureError: the index's server cannot be reached.
    """
    store = FileSkillStore(library)
    seed(store)
    _write_library_config(library, config.library)
    with closing(_index(library, config.library, keys, listener)) as index:
        yield SkillManager(store, index, model, retrieve=config.library.retrieve, max_replies=config.max_replies)


@contextmanager
def _lessons(
    home: CampaignFolder, config: CampaignConfig, journal: Journal, keys: Keys, listener: Listener
) -> Iterator[Lessons]:
    local = config.library.model_copy(update={"chroma_url": None})
    with closing(_index(home.path / "lessons", local, keys, listener)) as index:
        yield Lessons(journal, index)


def _index(folder: Path, config: LibraryConfig, keys: Keys, listener: Listener) -> ChromaIndex:
    from voyager_k8s.library.embeddings import open_embedder
    from voyager_k8s.library.index import open_index

    embedder = open_embedder(config.embedding, keys.get("OPENAI_API_KEY"))
    return open_index(folder, embedder, chroma_url=config.chroma_url, listener=listener)


def _write_library_config(library: Path, config: LibraryConfig) -> None:
    """Write it where it differs."""
    path = library / "library.yaml"
    text = yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True, exclude={"path"}), sort_keys=False)
    if not path.exists() or path.read_text() != text:
        write_text(path, text)


# -- cluster, sandbox, curriculum ------------------------------------------


@contextmanager
def _starting(
    home: CampaignFolder, config: ClusterConfig, cache: Path | None, listener: Listener
) -> Iterator[tuple[Cluster, Future[None]]]:
    """The campaign's own cluster, and its start, which goes on in the background while SDKs are imported."""
    from voyager_k8s.clusters.opening import open_cluster

    name = f"campaign-{hashlib.sha256(str(home.path).encode()).hexdigest()[:8]}"
    cluster = open_cluster(config, name, cache, listener)
    with ThreadPoolExecutor(1, thread_name_prefix="cluster-start") as pool:
        started = pool.submit(cluster.start)
        try:
            yield cluster, started
        finally:
            wait([started])
            cluster.stop()


def _sandbox(config: CampaignConfig, listener: Listener) -> ProcessSandbox:
    from voyager_k8s.sandbox.process import ProcessSandbox

    sandbox = ProcessSandbox(config.sandbox, listener)
    sandbox.warm()
    return sandbox


def _task_list(config: CampaignConfig) -> TaskList | None:
    """The tasks of a file; None where a model or a person proposes them."""
    asking = config.curriculum in ("auto", "manual")
    return None if asking else TaskList.read(Path(config.curriculum))


def _curriculum(config: CampaignConfig, model: ChatModel, ask_person: AskPerson) -> Curriculum:
    agent = CurriculumAgent(model, max_replies=config.max_replies)
    return agent if config.curriculum == "auto" else ManualCurriculum(agent, ask_person)


# -- from Python -----------------------------------------------------------


def learn(
    out: Path,
    config: CampaignConfig | None = None,
    *,
    keys: Keys | None = None,
    listener: Listener = silent,
    model: ChatModel | None = None,
) -> CampaignStatus:
    """Start a campaign and run it to its end.

    Args:
        out: the campaign's folder, which must not hold one yet.
        config: how; None: the defaults.
        keys: API keys by the name of the environment variable they would be in.
        listener: is told what goes on.
        model: answers for every role, in place of the configured models.

    Raises:
        UsageError: the folder holds a campaign, or the configuration cannot be used.
        InfrastructureError: the world failed; `resume` goes on.
    """
    if CampaignFolder(out).exists:
        raise UsageError(f"{out} holds a campaign already: go on with `resume`, or choose another folder")
    with open_campaign(out, config or CampaignConfig(), keys=keys or {}, listener=listener, model=model) as campaign:
        campaign.learn()
    return status(out)


def resume(
    folder: Path, *, keys: Keys | None = None, listener: Listener = silent, model: ChatModel | None = None
) -> CampaignStatus:
    """Go on with a campaign after its last finished attempt; see `learn`.

    Raises:
        UsageError: this is no campaign's folder.
        InfrastructureError: the world failed; `resume` goes on.
    """
    config = CampaignFolder(folder).config()
    with open_campaign(folder, config, keys=keys or {}, listener=listener, model=model) as campaign:
        campaign.learn()
    return status(folder)


def status(folder: Path) -> CampaignStatus:
    """A campaign's figures; it may be running in another process.

    Raises:
        UsageError: this is no campaign's folder.
        LibraryError: its library contradicts itself.
    """
    home = CampaignFolder(folder)
    where = home.library(home.config())
    with closing(Journal(home.journal)) as journal:
        found = campaign_status(str(folder), str(where), journal, FileSkillStore(where))
    if found.stopped_because == "running" and not home.in_use:
        return found.model_copy(update={"stopped_because": "killed; `resume` goes on"})
    return found


def library(path: Path) -> FileSkillStore:
    """The skills of a library.

    Raises:
        UsageError: there is no library at this path.
    """
    if not (path / "skills").is_dir():
        raise UsageError(f"{path} is no skill library (it has no skills/); a campaign's library is DIR/library")
    return FileSkillStore(path)
