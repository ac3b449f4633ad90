"""Which failures of a model endpoint pass by themselves, and how long to wait for that.

The providers' SDKs share no base class, and most are not installed. So an error is judged by its
HTTP status and, where there is none, by the names of its classes: both are declared lists.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = [
    "LONGEST_WAIT",
    "TRANSIENT_STATUSES",
    "TRANSIENT_TYPES",
    "advice",
    "describe",
    "is_transient",
    "pause",
    "status_of",
]

TRANSIENT_STATUSES = frozenset(
    {
        408,  # request time-out; 408, 409, 429 and 5xx: https://github.com/openai/openai-python#retries
        409,  # conflict, a lock time-out at OpenAI
        429,  # rate limit: https://platform.openai.com/docs/guides/error-codes
        500,
        502,
        503,
        504,
        520,  # 520 to 524, a proxy without its origin:
        521,  # https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
        522,
        523,
        524,
        529,  # overloaded: https://docs.anthropic.com/en/api/errors
    }
)

TRANSIENT_TYPES = frozenset(
    {
        "APIConnectionError",  # openai and anthropic; their time-outs derive from it
        "ConnectionError",  # Python and requests
        "ModelConnectionError",  # langchain-core
        "ModelTimeoutError",
        "Timeout",  # requests
        "TimeoutError",  # Python
        "TransportError",  # httpx and httpx2: time-outs, connection and protocol errors
    }
)

LONGEST_WAIT = 300.0
"""Seconds: an endpoint that asks for a longer pause than this is given up at once."""

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 30.0
_SPENT = "insufficient_quota"
"""A 429 that no waiting cures: https://platform.openai.com/docs/guides/error-codes"""


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help."""
    if getattr(error, "code", None) == _SPENT:
        return False
    status = status_of(error)
    if status is None:
        return not TRANSIENT_TYPES.isdisjoint(base.__name__ for base in type(error).__mro__)
    return status in TRANSIENT_STATUSES and (_retry_after(error) or 0.0) <= LONGEST_WAIT


def status_of(error: BaseException) -> int | None:
    """The HTTP status of an SDK's error, None where it has none."""
    response = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (response, "status_code"), (error, "code")):
        value = getattr(holder, name, None)
        if isinstance(value, int):
            return int(value)
    return None


def pause(error: BaseException | None, attempt: int) -> float:
    """Seconds to wait after the given failed attempt (from 1): what the endpoint asks for, else
    exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""
    asked = _retry_after(error) if error is not None else None
    if asked is not None:
        return asked
    ceiling = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2**attempt)
    return random.uniform(_FIRST_WAIT, ceiling)  # noqa: S311 - spreads clients out, guards nothing


def _retry_after(error: BaseException) -> float | None:
    """Seconds by `retry-after-ms` (OpenAI) or `Retry-After`, a number or a date (RFC 9110, 10.2.3)."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        if value := headers.get("retry-after"):
            return max(0.0, _seconds(value))
    except ValueError:
        return None
    return None


def _seconds(value: str) -> float:
    if value.replace(".", "", 1).isdigit():
        return float(value)
    moment = parsedate_to_datetime(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()


def describe(error: BaseException) -> str:
    """One line: the HTTP status and what the endpoint said."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(said or error).split()) or type(error).__name__
    status = status_of(error)
    prefix = f"HTTP {status}: " if status is not None else ""
    return prefix + (text if len(text) <= 300 else text[:299] + "…")


def advice(error: BaseException) -> str:
    """What a person can do about it."""
    if getattr(error, "code", None) == _SPENT:
        return "the account's quota is used up: raise it, or use another key or model"
    return _ADVICE.get(status_of(error), "see what the endpoint says")


_ADVICE: dict[int | None, str] = {
    None: "check that the endpoint is up and that --base-url is right",
    400: "the endpoint refuses the request: check the model's name and limits",
    401: "check the API key",
    403: "check the API key and what it may use",
    404: "check the model's name and --base-url",
    429: "wait, use fewer workers, or raise the account's rate limit",
    500: "the endpoint is in trouble: try later, or configure a fallback model",
    503: "the endpoint is in trouble: try later, or configure a fallback model",
}
