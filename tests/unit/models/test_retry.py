from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from voyager_k8s.models.retry import LONGEST_WAIT, describe, is_transient, pause, status_of


def http_error(status: int, **headers: str) -> httpx.HTTPStatusError:
    sent = httpx.Request("POST", "http://127.0.0.1/v1")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, headers=names, request=sent)
    return httpx.HTTPStatusError("refused", request=sent, response=response)


class CodedError(Exception):
    """As Google's SDK raises them: the status is in `code`."""

    code = 503


class QuotaError(Exception):
    code = "insufficient_quota"
    status_code = 429


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 529])
def test_these_statuses_pass_by_themselves(status: int) -> None:
    assert is_transient(http_error(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 501])
def test_these_do_not(status: int) -> None:
    assert not is_transient(http_error(status))


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), ConnectionResetError(), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), CodedError()],
)
def test_time_outs_and_connections_pass(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("x"), QuotaError()])
def test_other_errors_do_not(error: Exception) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after_ms": "1500", "retry_after": "2"}, 1.5),
    ],
)
def test_what_the_endpoint_asks_for_is_waited(headers: dict[str, str], seconds: float) -> None:
    assert pause(http_error(429, **headers), 1) == seconds


def test_a_date_is_waited_for() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)

    assert 15 < pause(http_error(503, retry_after=soon), 1) <= 20


def test_a_date_gone_by_is_no_wait() -> None:
    assert pause(http_error(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), 1) == 0


@pytest.mark.parametrize("attempt", range(1, 12))
def test_otherwise_waits_grow_up_to_a_limit(attempt: int) -> None:
    waits = [pause(http_error(500, retry_after="soon"), attempt) for _ in range(50)]

    assert min(waits) >= 0.5
    assert max(waits) <= min(30.0, 0.5 * 2**attempt)
    assert attempt == 1 or len(set(waits)) > 1


def test_an_endless_wait_is_not_waited() -> None:
    assert not is_transient(http_error(429, retry_after=str(LONGEST_WAIT + 1)))


def test_statuses_are_found_where_sdks_put_them() -> None:
    assert [status_of(error) for error in (http_error(404), CodedError(), QuotaError(), ValueError())] == [
        404,
        503,
        429,
        None,
    ]


def test_a_long_answer_is_one_short_line() -> None:
    text = describe(ValueError("<html>\n" + "x" * 1000))

    assert text.startswith("<html> xxx")
    assert len(text) == 300
