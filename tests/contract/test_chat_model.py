"""What every `ChatModel` keeps to: a scripted one, a replayed cassette, a client of an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.network import loopback_only
from tests.support.openai_server import Body, Fault, OpenAIServer, Reply, Step, running_server
from voyager_k8s.core.config import ModelConfig
from voyager_k8s.core.conversation import Message, ModelRequest, Role
from voyager_k8s.core.errors import ModelError
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.models.combine import FallbackModel, RoleModels
from voyager_k8s.models.providers import open_model
from voyager_k8s.models.recording import RecordingModel
from voyager_k8s.models.replay import open_cassette
from voyager_k8s.models.scripted import ScriptedModel

__all__ = ["loopback_only"]

Replies = Mapping[str, str]
"""What to answer, by the text of the last message; anything else is to fail."""
Make = Callable[[Replies], ChatModel]
ROLES: tuple[Role, ...] = ("curriculum", "action", "critic", "describer")


def question(text: str, role: Role = "action", ordinal: int = 1, schema: bool = False) -> ModelRequest:
    return ModelRequest(
        role=role,
        task="task-001",
        ordinal=ordinal,
        messages=(
            Message(author="system", text="You write programs."),
            Message(author="ai", text="Which?"),
            Message(author="human", text=text),
        ),
        reply_schema={"type": "object", "properties": {"x": {"type": "integer"}}} if schema else None,
    )


def answer_from(replies: Replies) -> Callable[[ModelRequest], str]:
    def answer(asked: ModelRequest) -> str:
        if asked.messages[-1].text not in replies:
            raise ModelError("not in the script")
        return replies[asked.messages[-1].text]

    return answer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with running_server() as running:
        yield running


@pytest.fixture(params=["scripted", "cassette", "openai", "openai, plain", "recording", "fallback", "roles"])
def make(request: pytest.FixtureRequest, tmp_path: Path, server: OpenAIServer) -> Make:
    def scripted(replies: Replies) -> ChatModel:
        return ScriptedModel(answer_from(replies))

    def recording(replies: Replies) -> ChatModel:
        return RecordingModel(scripted(replies), tmp_path / "written.cassette")

    def cassette(replies: Replies) -> ChatModel:
        recorder = RecordingModel(scripted(replies), tmp_path / "demo.cassette")
        for role in ROLES:
            for number, text in enumerate(replies, start=1):
                recorder.complete(question(text, role, number))
        return open_cassette(tmp_path / "demo.cassette")

    def openai(replies: Replies, structured: bool = True) -> ChatModel:
        def script(body: Body) -> Step:
            text = body["messages"][-1]["content"]
            return Reply(replies[text]) if text in replies else Fault(404, "no such model")

        server.follow(script)
        config = ModelConfig(model="openai:test", base_url=server.base_url, structured=structured)
        return open_model(config, "none")

    makers: dict[str, Make] = {
        "scripted": scripted,
        "cassette": cassette,
        "openai": openai,
        "openai, plain": lambda replies: openai(replies, structured=False),
        "recording": recording,
        "fallback": lambda replies: FallbackModel(ScriptedModel({}), scripted(replies)),
        "roles": lambda replies: RoleModels(ScriptedModel({}), dict.fromkeys(ROLES, scripted(replies))),
    }
    return makers[request.param]


@pytest.mark.parametrize(
    "reply", ["", "plain", "```python\ndef f():\n\treturn 'é'\n```\n", " \r\n=== end\n| x \n", "日本語 \U0001f680"]
)
def test_the_text_arrives_unchanged(make: Make, reply: str) -> None:
    assert make({"q": reply}).complete(question("q")).text == reply


def test_an_object_asked_for_arrives_as_text(make: Make) -> None:
    assert make({"q": '{"x": 1}'}).complete(question("q", schema=True)).text == '{"x": 1}'


def test_the_model_is_named_and_tokens_are_counted(make: Make) -> None:
    reply = make({"q": "one two three"}).complete(question("q"))

    assert reply.model
    assert (reply.prompt_tokens > 0, reply.reply_tokens, reply.seconds >= 0) == (True, 3, True)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_answered(make: Make, role: Role) -> None:
    assert make({"q": role}).complete(question("q", role)).text == role


def test_no_answer_is_a_model_error(make: Make) -> None:
    with pytest.raises(ModelError):
        make({"q": "a"}).complete(question("something else", ordinal=9))


def test_threads_get_their_own_answers(make: Make) -> None:
    replies = {f"q{number}": f"a{number}" for number in range(1, 9)}
    model = make(replies)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: model.complete(question(f"q{n}", ordinal=n)).text, range(1, 9)))

    assert answers == list(replies.values())
