"""From configuration to what answers for every role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from voyager_k8s.core.config import ModelConfig, ModelsConfig
from voyager_k8s.core.ports import ChatModel
from voyager_k8s.core.progress import Listener, silent

__all__ = ["open_models"]

Keys = Mapping[str, str]


def open_models(config: ModelsConfig, keys: Keys, listener: Listener = silent) -> ChatModel:
    """What answers for every role: a cassette, or the configured models, recorded if so wished.

    Args:
        keys: API keys by the name of the environment variable that holds them.
        listener: is told of retries and of prompts that differ from recorded ones.

    Raises:
        UsageError: a model is unknown, its key is missing, or the cassette cannot be read.
    """
    if config.replay:
        from voyager_k8s.models.replay import open_cassette

        return open_cassette(Path(config.replay), strict=config.strict_replay, listener=listener)
    from voyager_k8s.models.combine import RoleModels

    roles = {role: _with_fallback(model, config, keys, listener) for role, model in config.roles.items()}
    answering: ChatModel = RoleModels(_with_fallback(config.default, config, keys, listener), roles)
    if not config.record:
        return answering
    from voyager_k8s.models.recording import RecordingModel

    return RecordingModel(answering, Path(config.record), listener)


def _with_fallback(model: ModelConfig, config: ModelsConfig, keys: Keys, listener: Listener) -> ChatModel:
    first = _open_model(model, keys, listener)
    if config.fallback is None:
        return first
    from voyager_k8s.models.combine import FallbackModel

    return FallbackModel(first, _open_model(config.fallback, keys, listener), listener)


def _open_model(model: ModelConfig, keys: Keys, listener: Listener) -> ChatModel:
    from voyager_k8s.models.providers import key_variable, open_model

    variable = model.key_variable or key_variable(model.model)
    return open_model(model, keys.get(variable) if variable else None, listener)
