"""Any LangChain chat model behind the `ChatModel` port: retries, structured output, token counts.

Role, task and ordinal travel as run metadata, which LangChain hands to callbacks and to the model's
own code but never sends to an endpoint: that is how a replayed cassette learns which reply is wanted.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from voyager_k8s.core.config import ModelConfig
from voyager_k8s.core.conversation import Message, ModelReply, ModelRequest
from voyager_k8s.core.errors import ModelError, VoyagerError
from voyager_k8s.core.progress import Listener, Notice, silent
from voyager_k8s.models.retry import advice, describe, is_transient, pause, status_of

__all__ = ["LangChainModel"]

_NO_SCHEMA = re.compile(r"response_format|json_schema|structured|schema|grammar", re.IGNORECASE)
_MESSAGES: dict[str, Callable[[str], BaseMessage]] = {
    "system": lambda text: SystemMessage(content=text),
    "human": lambda text: HumanMessage(content=text),
    "ai": lambda text: AIMessage(content=text),
}


class LangChainModel:
    """Answers through one LangChain chat model.

    Args:
        chat: the model; its own retries should be off.
        config: tries, name and endpoint (for messages), and whether to ask for structured output.
        listener: told of each retry.
        sleep: waits so many seconds between tries.
    """

    def __init__(
        self,
        chat: BaseChatModel,
        config: ModelConfig,
        listener: Listener = silent,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chat = chat
        self._config = config
        self._listener = listener
        self._sleep = sleep
        self._structured = config.structured

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answer one request; transient errors are retried (see `voyager_k8s.models.retry`).

        Raises:
            ModelError: the endpoint refuses, or failed at every try.
        """
        tries = Retrying(
            stop=stop_after_attempt(self._config.attempts),
            retry=retry_if_exception(is_transient),
            wait=lambda state: pause(_error_of(state), state.attempt_number),
            sleep=self._sleep,
            before_sleep=self._say_retry,
            reraise=True,
        )
        try:
            return tries(self._ask, request)
        except VoyagerError:
            raise
        except Exception as error:  # the providers' SDKs share no base class to catch
            raise self._failed(error, tries.statistics.get("attempt_number", 1)) from error

    def _ask(self, request: ModelRequest) -> ModelReply:
        started = time.perf_counter()
        message = self._answer(request)
        usage = message.usage_metadata
        return ModelReply(
            text=_text(message),
            model=str(message.response_metadata.get("model_name") or self._config.model),
            prompt_tokens=usage["input_tokens"] if usage else 0,
            reply_tokens=usage["output_tokens"] if usage else 0,
            seconds=time.perf_counter() - started,
        )

    def _answer(self, request: ModelRequest) -> AIMessage:
        if request.reply_schema is not None and self._structured:
            try:
                return _invoke(_structured(self._chat, request.reply_schema), request)
            except VoyagerError:
                raise
            except Exception as error:  # as above
                if not _refuses_schema(error):
                    raise
                self._give_up_structure(error)
        return _invoke(self._chat, request)

    def _give_up_structure(self, error: Exception) -> None:
        self._structured = False
        text = f"{self._name} has no structured output, plain text is asked for from now on ({describe(error)})"
        self._listener(Notice(kind="model", text=text))

    def _say_retry(self, state: RetryCallState) -> None:
        error = _error_of(state)
        wait = state.next_action.sleep if state.next_action else 0.0
        said = describe(error) if error else ""
        text = f"{self._name}: {said}; try {state.attempt_number + 1} of {self._config.attempts} in {wait:.1f} s"
        self._listener(Notice(kind="model", text=text))

    def _failed(self, error: Exception, tries: int) -> ModelError:
        times = "1 try" if tries == 1 else f"{tries} tries"
        return ModelError(f"{self._name} failed after {times}: {describe(error)}; {advice(error)}")

    @property
    def _name(self) -> str:
        return f"{self._config.model} at {self._config.base_url}" if self._config.base_url else self._config.model


def _invoke(model: Runnable[Any, Any], request: ModelRequest) -> AIMessage:
    config: RunnableConfig = {
        "metadata": {"role": request.role, "task": request.task, "ordinal": request.ordinal},
    }
    try:
        answer = model.invoke([_message(message) for message in request.messages], config=config)
    except Exception as error:  # as in `complete`
        if (cut := _cut_short(error)) is None:
            raise
        return cut
    message = answer["raw"] if isinstance(answer, dict) else answer
    assert isinstance(message, AIMessage), f"a chat model answered with {type(message).__name__}"
    return message


def _message(message: Message) -> BaseMessage:
    return _MESSAGES[message.author](message.text)


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _structured(chat: BaseChatModel, schema: dict[str, Any]) -> Runnable[Any, Any]:
    """The model, made to answer by a schema. Not strict: strict mode forbids free-form objects."""
    if any(base.__module__.startswith("langchain_openai.") for base in type(chat).__mro__):
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(schema.get("title", "reply")))[:64]
        wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": False}}
        return chat.bind(response_format=wanted)
    return chat.with_structured_output({"title": "reply", **schema}, include_raw=True)


def _refuses_schema(error: Exception) -> bool:
    if isinstance(error, NotImplementedError):
        return True
    return status_of(error) in (400, 404, 422) and _NO_SCHEMA.search(str(error)) is not None


def _text(message: AIMessage) -> str:
    """The text, or the object where the provider gives structured output as a tool call."""
    text = str(message.text)
    if not text and message.tool_calls:
        return json.dumps(message.tool_calls[0]["args"], ensure_ascii=False)
    return text


def _cut_short(error: Exception) -> AIMessage | None:
    """What there is of a structured reply that reached the token limit, which the OpenAI SDK raises as
    `LengthFinishReasonError`: a reply of bad form is the model's failure, not the endpoint's."""
    completion = getattr(error, "completion", None)
    if completion is None or not completion.choices:
        return None
    usage = completion.usage
    counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return AIMessage(
        content=completion.choices[0].message.content or "",
        response_metadata={"model_name": completion.model},
        usage_metadata={"input_tokens": counts[0], "output_tokens": counts[1], "total_tokens": sum(counts)},
    )
