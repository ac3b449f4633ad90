"""From a `ModelConfig` to a chat model, through LangChain's `init_chat_model`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voyager_k8s.core.config import ModelConfig
from voyager_k8s.core.errors import PrerequisiteError, UsageError
from voyager_k8s.core.progress import Listener, silent

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from voyager_k8s.models.chat import LangChainModel

__all__ = ["key_variable", "open_model"]

_KEY_VARIABLES = {
    "azure_openai": "AZURE_OPENAI_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}
_KEYLESS = frozenset({"ollama", "bedrock", "bedrock_converse", "google_vertexai", "huggingface"})


def key_variable(model: str) -> str | None:
    """The environment variable that holds the API key of `provider:model`; None where the provider has no key.

    Raises:
        UsageError: no provider is named.
    """
    provider, _ = _split(model)
    return None if provider in _KEYLESS else _KEY_VARIABLES.get(provider, f"{provider.upper()}_API_KEY")


def open_model(
    config: ModelConfig,
    api_key: str | None,
    listener: Listener = silent,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> LangChainModel:
    """Set up one chat model; the endpoint is not asked yet.

    Args:
        config: which model, where, and its limits.
        api_key: the provider's key; None where it needs none.
        listener: told of each retry.
        sleep: waits so many seconds between tries.

    Raises:
        UsageError: no provider is named, it is unknown, or its key is missing.
        PrerequisiteError: the provider's package is not installed.
    """
    from voyager_k8s.models.chat import LangChainModel

    provider, name = _split(config.model)
    if provider == "openai" and not api_key:
        raise UsageError(_missing_key(config))
    chat = _init(provider, name, _arguments(config, provider, api_key), config)
    return LangChainModel(chat, config, listener, sleep=sleep)


def _split(model: str) -> tuple[str, str]:
    provider, colon, name = model.partition(":")
    if not colon or not provider or not name:
        raise UsageError(
            f"model {model!r} names no provider: write provider:model, for example openai:{model or 'gpt-5.1'}"
        )
    return provider.replace("-", "_").lower(), name


def _missing_key(config: ModelConfig) -> str:
    variable = key_variable(config.model)
    if config.base_url:
        return (
            f"no API key for {config.model} at {config.base_url}: set {variable} "
            f"(such endpoints usually accept any: {variable}=none)"
        )
    return f"no API key for {config.model}: set {variable} (an endpoint given by --base-url usually accepts any key)"


def _arguments(config: ModelConfig, provider: str, api_key: str | None) -> dict[str, Any]:
    given: dict[str, Any] = {
        "api_key": api_key,
        "base_url": config.base_url,
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "timeout": config.timeout_seconds,
        "max_retries": 0,  # retried here, where each retry is told
    }
    if provider == "openai" and config.base_url:
        given["use_responses_api"] = False  # what others speak is the chat completions protocol
    return {name: value for name, value in given.items() if value is not None}


def _init(provider: str, name: str, arguments: dict[str, Any], config: ModelConfig) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    # Printed at a refused schema, which is said through the listener and mended here.
    warnings.filterwarnings("ignore", message=".*OpenAI's structured output feature", category=UserWarning)
    try:
        chat: BaseChatModel = init_chat_model(name, model_provider=provider, **arguments)
    except ImportError as error:
        package = _package(error)
        raise PrerequisiteError(f"{config.model} needs the package {package}: pip install {package}") from error
    except ValueError as error:
        raise UsageError(_refused(config, error)) from error
    return chat


def _package(error: ImportError) -> str:
    """The package that LangChain says is missing (its message ends in "`pip install NAME`")."""
    _, _, rest = str(error).partition("pip install ")
    return rest.partition("`")[0].strip("'\". ") or str(error.name or "langchain")


def _refused(config: ModelConfig, error: ValueError) -> str:
    text = " ".join(str(error).split())
    if text.startswith("Unsupported provider"):
        _, _, known = text.partition("are: ")
        return f"model {config.model!r} names an unknown provider; there are: {known}"
    return f"model {config.model!r} cannot be set up (is {key_variable(config.model)} set?): {text[:300]}"
