"""What happens inside a program's own process: shut the doors, load the module, call it, report.

Standalone like `worker.py`, which loads this file and calls `main` in a fresh fork. Everything here is at the
program's mercy, so nothing here is trusted: limits that count are enforced by the supervisor.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import math
import os
import resource
import struct
import sys
import tempfile
import traceback
import types
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Unusable", "describe", "encode", "main"]

MIB = 1 << 20
MAX_DEPTH = 100
"""Levels of lists and mappings in a result."""
ERROR_CHARACTERS = 4_000
"""Of a traceback with its exception."""
MAX_CAUSES = 5
MESSAGE_CHARACTERS = 1_500
"""Of one exception's message."""
FILE_MIB = 64
"""Size of a file that a program writes."""
OPEN_FILES = 256
MORE_PROCESSES = 128
"""Processes and threads beyond those the machine has; root is exempt from this limit by the kernel."""
SPARE_MIB = 32
"""Address space left for reporting that there was no memory."""


class Unusable(Exception):
    """The program lacks its function, or returned something that cannot be sent as JSON."""


def main(request: dict[str, Any], folder: str, output: int, report: int) -> NoReturn:
    """Run the program of `request` and leave the process."""
    _enter(request["limits"], folder, output, report)
    outcome = _outcome(request, folder)
    for stream in (sys.stdout, sys.stderr):
        # The program may have closed or replaced them.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    data = json.dumps(outcome).encode()
    with open(report, "wb", closefd=False) as pipe:
        pipe.write(struct.pack(">I", len(data)) + data)
    os._exit(0)


def _enter(limits: dict[str, Any], folder: str, output: int, report: int) -> None:
    """A session, descriptors, a working directory and limits of its own."""
    os.setsid()
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(source, target)
    os.closerange(3, report)
    os.closerange(report + 1, max(report + 1, 1024))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open as long as the process lives
    sys.stdout, sys.stderr = (_text_stream(number) for number in (1, 2))
    work = os.path.join(folder, "work")
    os.mkdir(work)
    os.chdir(work)
    os.environ.update(HOME=work, TMPDIR=work)
    tempfile.tempdir = work
    sys.dont_write_bytecode = True
    _limit(limits)


def _text_stream(number: int) -> Any:
    return open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _limit(limits: dict[str, Any]) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    threads = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    space = used + limits["memory_mib"] * MIB
    seconds = math.ceil(limits["seconds"]) + 1
    for kind, soft, hard in (
        (resource.RLIMIT_AS, space, space + SPARE_MIB * MIB),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, FILE_MIB * MIB, FILE_MIB * MIB),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        # Counted per user, so a bound below what others run already would stop the program's first thread.
        (resource.RLIMIT_NPROC, threads + MORE_PROCESSES, threads + MORE_PROCESSES),
    ):
        most = resource.getrlimit(kind)[1]
        if most == resource.RLIM_INFINITY or most >= hard:
            resource.setrlimit(kind, (soft, hard))


def _outcome(request: dict[str, Any], folder: str) -> dict[str, Any]:
    library = request["library"]
    try:
        result = _call(request, folder)
        return {"ending": "returned", "result": json.loads(encode(result, request["limits"]["result_bytes"]))}
    except Unusable as error:
        return {"ending": "raised", "error": str(error)}
    except MemoryError as error:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return {"ending": "memory", "error": describe(error, request["name"], library)}
    except BaseException as error:  # noqa: BLE001 - a program may raise anything, and all of it is its result
        return {"ending": "raised", "error": describe(error, request["name"], library)}


def _call(request: dict[str, Any], folder: str) -> Any:
    api = _api_client(request["access"], folder)
    module = _load(request["name"], request["source"], request["library"])
    function = getattr(module, request["name"], None)
    if not callable(function):
        raise Unusable(f"the module has no function {request['name']}")
    return function(api, **request["arguments"])


def _api_client(access: dict[str, str], folder: str) -> Any:
    from kubernetes import client

    configuration = client.Configuration(host=access["server"])
    if access["token"]:
        configuration.api_key["BearerToken"] = f"Bearer {access['token']}"
    if access["certificate_authority"]:
        bundle = Path(folder, "ca.crt")
        bundle.write_text(access["certificate_authority"])
        configuration.ssl_ca_cert = str(bundle)
    return client.ApiClient(configuration)


def _load(name: str, source: str, library: str) -> types.ModuleType:
    """The program as a module of its name, with the library's `skills` package to import from.

    The package is made here, not found on the path: another folder of that name on it would be merged in.
    """
    sys.path.insert(0, library)
    skills = types.ModuleType("skills")
    skills.__path__ = [os.path.join(library, "skills")]
    sys.modules["skills"] = skills
    file = f"{name}.py"
    module = types.ModuleType(name)
    module.__file__ = file
    if name not in sys.modules and name not in sys.stdlib_module_names:
        sys.modules[name] = module
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - running the program is the point
    return module


def encode(result: Any, limit: int) -> bytes:
    """The JSON of a program's result.

    Raises:
        Unusable: it holds what JSON has no form for, is nested too deep, or is larger than `limit` bytes.
    """
    _check(result, limit)
    try:
        data = json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise Unusable(f"the returned value is not JSON: {error}") from None
    if len(data) > limit:
        raise Unusable(_too_large(f"{len(data):,} bytes", limit))
    return data


def _too_large(size: str, limit: int) -> str:
    return f"the returned value is too large: {size} of JSON, at most {limit:,}; return only what answers the task"


def _check(result: Any, limit: int) -> None:
    """Say where a value that is no JSON sits; every value takes a byte at least, so `limit` bounds the walk."""
    waiting = [("result", result, 0)]
    seen = 0
    while waiting:
        where, value, depth = waiting.pop()
        seen += 1
        if seen > limit or (isinstance(value, dict | list | tuple) and len(value) > limit):
            raise Unusable(_too_large(f"more than {limit:,} bytes", limit))
        if depth > MAX_DEPTH:
            raise Unusable(f"the returned value is nested deeper than {MAX_DEPTH} levels, or contains itself")
        if isinstance(value, dict):
            _check_keys(where, value)
            waiting += [(f"{where}[{key!r}]" if depth < 8 else where, item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(f"{where}[{i}]" if depth < 8 else where, item, depth + 1) for i, item in enumerate(value)]
        else:
            _check_scalar(where, value)


def _check_keys(where: str, mapping: dict[Any, Any]) -> None:
    for key in mapping:
        if not isinstance(key, str | int):
            raise Unusable(f"the returned value is not JSON: a key of {where} is a {type(key).__name__}, use text")


def _check_scalar(where: str, value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unusable(f"the returned value is not JSON: {where} is {value}")
    if value is None or isinstance(value, str | int | float):
        return
    kind = type(value)
    hint = "use a list" if kind in (set, frozenset) else "turn it into text, numbers, lists and dicts"
    if kind.__module__.startswith("kubernetes."):
        hint = "api.sanitize_for_serialization(...) makes it plain"
    raise Unusable(f"the returned value is not JSON: {where} is a {kind.__name__}; {hint}")


def describe(error: BaseException, name: str, library: str) -> str:
    """A traceback of the program's and the library's frames only, then the exception and what caused it."""
    frames = _own_frames(error, name, library)
    lines = ["Traceback (most recent call last):\n", *frames] if frames else []
    lines.append(_message(error))
    for _ in range(MAX_CAUSES):
        earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if earlier is None:
            break
        lines.append(f"{'caused by' if error.__cause__ else 'while handling'}: {_message(earlier)}")
        error = earlier
    text = "".join(lines).rstrip().encode(errors="backslashreplace").decode()
    return _shorten(text, ERROR_CHARACTERS)


def _own_frames(error: BaseException, name: str, library: str) -> list[str]:
    folder = os.path.join(library, "skills") + os.sep
    own = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if file == f"{name}.py" or file.startswith(folder):
            shown = file if file == f"{name}.py" else f"skills/{file.removeprefix(folder)}"
            line = linecache.getline(file, number).strip()
            own.append(traceback.FrameSummary(shown, number, frame.f_code.co_name, line=line))
    return traceback.StackSummary.from_list(own).format()


def _message(error: BaseException) -> str:
    from kubernetes.client.exceptions import ApiException

    if isinstance(error, ApiException):
        return (
            _shorten(f"ApiException: {error.status} {error.reason}: {_status_message(error)}", MESSAGE_CHARACTERS)
            + "\n"
        )
    if isinstance(error, SystemExit):
        return f"SystemExit: the program left by sys.exit({error.code!r}); return a value or raise an error instead\n"
    return _shorten("".join(traceback.format_exception_only(error)).rstrip(), MESSAGE_CHARACTERS) + "\n"


def _status_message(error: Any) -> str:
    """The API server's own sentence, out of the Status object that it answered with."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        status = json.loads(body)
    except ValueError:
        return body
    return str(status.get("message") or body) if isinstance(status, dict) else body


def _shorten(text: str, limit: int) -> str:
    """Cut from the middle: a traceback says where at its start and what at its end."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
