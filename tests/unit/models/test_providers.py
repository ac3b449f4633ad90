from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda

from tests.support.network import loopback_only
from tests.support.openai_server import Cut, Fault, Hang, OpenAIServer, Reply, running_server
from voyager_k8s.core.config import ModelConfig
from voyager_k8s.core.conversation import Message, ModelRequest
from voyager_k8s.core.errors import ModelError, PrerequisiteError, UsageError
from voyager_k8s.core.progress import Notice
from voyager_k8s.models.chat import LangChainModel
from voyager_k8s.models.providers import key_variable, open_model

__all__ = ["loopback_only"]

SCHEMA = {"title": "A task", "type": "object", "properties": {"goal": {"type": "string"}}, "required": ["goal"]}


def request(schema: dict[str, Any] | None = None) -> ModelRequest:
    messages = (Message(author="system", text="Be brief."), Message(author="human", text="go"))
    return ModelRequest(role="action", task="task-001", ordinal=1, messages=messages, reply_schema=schema)


class Client:
    """A model on the scripted server, with what it said and how long it waited."""

    def __init__(self, server: OpenAIServer, **settings: Any) -> None:
        self.notices: list[Notice] = []
        self.waits: list[float] = []
        config = ModelConfig(model="openai:test", base_url=server.base_url, **settings)
        self.model = open_model(config, "secret", self.notices.append, sleep=self.waits.append)

    def ask(self, schema: dict[str, Any] | None = None) -> str:
        return self.model.complete(request(schema)).text


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with running_server() as running:
        yield running


def test_what_is_sent(server: OpenAIServer) -> None:
    client = Client(server, temperature=0.5, max_tokens=77)

    reply = client.model.complete(request())

    (body,) = server.requests
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "go"}]
    assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("test", 0.5, 77)
    assert not {"response_format", "metadata", "task", "stream"} & {key for key, value in body.items() if value}
    assert server.keys == ["Bearer secret"]
    assert (reply.model, reply.prompt_tokens, reply.reply_tokens) == ("test-served", 12, 3)


def test_what_is_not_configured_is_not_sent(server: OpenAIServer) -> None:
    Client(server).ask()

    assert not {"temperature", "max_completion_tokens", "max_tokens"} & set(server.requests[0])


def test_an_object_is_asked_for_by_its_schema(server: OpenAIServer) -> None:
    server.play(Reply('{"goal": "x"}'))

    assert Client(server).ask(SCHEMA) == '{"goal": "x"}'
    wanted = {"type": "json_schema", "json_schema": {"name": "A_task", "schema": SCHEMA, "strict": False}}
    assert server.requests[0]["response_format"] == wanted


@pytest.mark.parametrize(
    "refusal",
    [
        Fault(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
        Fault(400, "Invalid schema for response_format 'A_task': unknown keyword"),
        Fault(422, "response_format: extra inputs are not permitted"),
    ],
)
def test_an_endpoint_without_structured_output_is_asked_for_text_from_then_on(
    server: OpenAIServer, refusal: Fault
) -> None:
    server.play(refusal, Reply("one"), Reply("two"))
    client = Client(server)

    assert [client.ask(SCHEMA), client.ask(SCHEMA)] == ["one", "two"]
    assert ["response_format" in body for body in server.requests] == [True, False, False]
    (notice,) = client.notices
    assert "no structured output, plain text is asked for from now on" in notice.text
    assert client.waits == []


def test_another_bad_request_does_not_end_structured_output(server: OpenAIServer) -> None:
    server.play(Fault(400, "too many tokens"), Reply("{}"))
    client = Client(server)

    with pytest.raises(ModelError, match="HTTP 400: too many tokens"):
        client.ask(SCHEMA)
    client.ask(SCHEMA)
    assert "response_format" in server.requests[1]


def test_an_object_cut_at_the_token_limit_is_returned_as_far_as_it_goes(server: OpenAIServer) -> None:
    server.play(Reply('{"goal": "x', finish_reason="length", reply_tokens=9))

    reply = Client(server).model.complete(request(SCHEMA))

    assert (reply.text, reply.reply_tokens, reply.model) == ('{"goal": "x', 9, "test-served")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(429, "slow down"), "HTTP 429: slow down; try 2 of 5 in"),
        (Fault(408, "too late"), "HTTP 408"),
        (Fault(409, "locked"), "HTTP 409"),
        (Fault(500, "oops"), "HTTP 500"),
        (Fault(503, "busy"), "HTTP 503"),
        (Fault(529, "overloaded"), "HTTP 529"),
        (Cut(), "Connection error"),
        (Cut(within=True), "Connection error"),
    ],
)
def test_a_transient_fault_is_retried_and_said(server: OpenAIServer, fault: Fault | Cut, said: str) -> None:
    server.play(fault, Reply("there"))
    client = Client(server)

    assert client.ask() == "there"
    assert len(server.requests) == 2
    assert len(client.waits) == 1
    (notice,) = client.notices
    assert notice.kind == "model"
    assert f"openai:test at {server.base_url}: " in notice.text
    assert said in notice.text


def test_the_endpoints_own_wait_is_honoured(server: OpenAIServer) -> None:
    server.play(Fault(429, headers={"Retry-After": "7"}), Fault(503, headers={"Retry-After": "2"}), Reply("there"))
    client = Client(server)

    assert client.ask() == "there"
    assert client.waits == [7.0, 2.0]


def test_a_hanging_endpoint_is_a_time_out_and_retried(server: OpenAIServer) -> None:
    server.play(Hang(), Reply("there"))
    client = Client(server, timeout_seconds=0.3)

    assert client.ask() == "there"
    assert "timed out" in client.notices[0].text


def test_after_the_last_try_it_is_one_clear_error(server: OpenAIServer) -> None:
    server.play(Fault(500, "oops"))
    client = Client(server, attempts=3)

    with pytest.raises(ModelError) as caught:
        client.ask()

    assert str(caught.value) == (
        f"openai:test at {server.base_url} failed after 3 tries: HTTP 500: oops; "
        "the endpoint is in trouble: try later, or configure a fallback model"
    )
    assert caught.value.__cause__ is not None
    assert (len(server.requests), len(client.waits)) == (3, 2)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(401, "Incorrect API key"), "failed after 1 try: HTTP 401: Incorrect API key; check the API key"),
        (Fault(404, "no model test"), "HTTP 404: no model test; check the model's name and --base-url"),
        (Fault(400, "bad"), "HTTP 400: bad; the endpoint refuses the request"),
        (Fault(429, "quota", code="insufficient_quota"), "HTTP 429: quota; the account's quota is used up"),
        (Fault(429, "later", headers={"Retry-After": "86400"}), "HTTP 429: later; wait"),
    ],
)
def test_what_no_waiting_cures_fails_at_once(server: OpenAIServer, fault: Fault, message: str) -> None:
    server.play(fault)
    client = Client(server)

    with pytest.raises(ModelError, match=message):
        client.ask()
    assert (len(server.requests), client.waits) == (1, [])


def test_an_endpoint_that_is_down(server: OpenAIServer) -> None:
    with running_server() as gone:
        client = Client(gone, attempts=2)

    with pytest.raises(ModelError, match=r"failed after 2 tries: Connection error.*check that the endpoint is up"):
        client.ask()


def test_a_missing_key_names_the_variable() -> None:
    with pytest.raises(UsageError, match=r"no API key for openai:gpt-5\.1: set OPENAI_API_KEY .*--base-url"):
        open_model(ModelConfig(), None)
    with pytest.raises(UsageError, match=r"usually accept any: OPENAI_API_KEY=none"):
        open_model(ModelConfig(base_url="http://127.0.0.1:1/v1"), "")


@pytest.mark.parametrize("model", ["gpt-5.1", "", "openai:", ":gpt"])
def test_a_model_without_provider(model: str) -> None:
    with pytest.raises(UsageError, match="names no provider: write provider:model, for example openai:"):
        open_model(ModelConfig(model=model), "key")


def test_an_unknown_provider_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"'nowhere:m' names an unknown provider; there are: anthropic, .*openai"):
        open_model(ModelConfig(model="nowhere:m"), "key")


@pytest.mark.skipif(find_spec("langchain_fireworks") is not None, reason="the package is installed")
def test_a_provider_whose_package_is_missing() -> None:
    with pytest.raises(PrerequisiteError, match=r"fireworks:m needs the package (\S+): pip install \1$"):
        open_model(ModelConfig(model="fireworks:m"), "key")


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai:m", "OPENAI_API_KEY"),
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("google-genai:m", "GOOGLE_API_KEY"),
        ("ollama:m:8b", None),
    ],
)
def test_where_each_providers_key_is(model: str, variable: str | None) -> None:
    assert key_variable(model) == variable


def test_the_guard_of_these_tests_keeps_them_off_the_network() -> None:
    with socket.socket() as probe, pytest.raises(AssertionError, match=r"reached for the network: 192\.0\.2\.1"):
        probe.connect(("192.0.2.1", 80))


class ToolModel(BaseChatModel):
    """A provider that gives structured output as a tool call, or not at all."""

    able: bool = True

    @property
    def _llm_type(self) -> str:
        return "tool"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="text"))])

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> Runnable[Any, Any]:
        if not self.able:
            raise NotImplementedError
        assert schema["title"]
        assert include_raw
        call = {"name": "reply", "args": {"goal": "é"}, "id": "1"}
        return RunnableLambda(lambda _: {"raw": AIMessage(content="", tool_calls=[call]), "parsed": None})


def test_other_providers_objects_come_as_text_too() -> None:
    model = LangChainModel(ToolModel(), ModelConfig(model="other:m"))

    assert model.complete(request(SCHEMA)).text == '{"goal": "é"}'
    assert model.complete(request()).text == "text"


def test_a_provider_without_structured_output_gives_text() -> None:
    notices: list[Notice] = []
    model = LangChainModel(ToolModel(able=False), ModelConfig(model="other:m"), notices.append)

    assert [model.complete(request(SCHEMA)).text, model.complete(request(SCHEMA)).text] == ["text", "text"]
    assert len(notices) == 1
