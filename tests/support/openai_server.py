"""An OpenAI-compatible endpoint on the loopback interface that answers, or fails, as it is told."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Body", "Cut", "Fault", "Hang", "OpenAIServer", "Reply", "Step", "running_server"]

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """A chat completion."""

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int = 12
    reply_tokens: int = 3


@dataclass(frozen=True)
class Fault:
    """An HTTP error in OpenAI's form."""

    status: int
    message: str = "scripted fault"
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """No answer until the server stops, or the client goes."""


@dataclass(frozen=True)
class Cut:
    """The connection breaks off: before the answer, or within it."""

    within: bool = False


Step = Reply | Fault | Hang | Cut
Script = Callable[[Body], Step]


class OpenAIServer:
    """Plays its steps in order, the last one for ever; or asks a function what to do.

    Args:
        port: to listen on; 0: any free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Body] = []
        """The bodies of all requests for chat completions."""
        self.keys: list[str] = []
        """Their `Authorization` headers."""
        self.released = threading.Event()
        self._steps: deque[Step] = deque([Reply("hello")])
        self._script: Script | None = None
        self._lock = threading.Lock()
        self._server = _Server(self, port)

    @property
    def port(self) -> int:
        """What it listens on."""
        return self._server.server_port

    @property
    def base_url(self) -> str:
        """What to give as `--base-url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def play(self, *steps: Step) -> None:
        """Answer with these from now on."""
        self._script = None
        self._steps = deque(steps)

    def follow(self, script: Script) -> None:
        """Answer each request with what the function says."""
        self._script = script

    def next(self, body: Body, key: str) -> Step:
        """The step for this request."""
        with self._lock:
            self.requests.append(body)
            self.keys.append(key)
            if self._script is not None:
                return self._script(body)
            return self._steps.popleft() if len(self._steps) > 1 else self._steps[0]

    def run(self) -> None:
        """Serve until closed."""
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """Let hanging requests go and free the port."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running_server(port: int = 0) -> Iterator[OpenAIServer]:
    """A server that runs inside the `with`."""
    server = OpenAIServer(port)
    thread = threading.Thread(target=server.run, name="openai-server")
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: OpenAIServer, port: int) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            self._send(200, _embeddings(body))
            return
        self._play(self.server.owner.next(body, self.headers.get("Authorization", "")), body)

    def _play(self, step: Step, body: Body) -> None:
        match step:
            case Reply():
                self._send(200, _completion(step, body))
            case Fault():
                error = {"message": step.message, "type": "scripted", "param": None, "code": step.code}
                self._send(step.status, {"error": error}, step.headers)
            case Hang():
                self.server.owner.released.wait(30)
                self.close_connection = True
            case Cut():
                self._cut(step.within)

    def _cut(self, within: bool) -> None:
        if within:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"id": ')
            self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send(self, status: int, body: Body, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _completion(reply: Reply, body: Body) -> Body:
    usage = {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.reply_tokens,
        "total_tokens": reply.prompt_tokens + reply.reply_tokens,
    }
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{body['model']}-served",
        "choices": [choice],
        "usage": usage,
    }


def _embeddings(body: Body) -> Body:
    """Vectors of 8 numbers that depend on the text alone, not of unit length."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = [{"object": "embedding", "index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def _vector(text: str) -> list[float]:
    return [byte / 16 + 0.1 for byte in hashlib.sha256(text.encode()).digest()[:8]]
