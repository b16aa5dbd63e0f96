"""The HTTP server of the local Stripe: loopback only, one thread a connection."""

from __future__ import annotations

import ipaddress
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from payments.sandbox.control import Panel, order
from payments.sandbox.deliveries import Deliveries
from payments.sandbox.engine import Engine, Request
from payments.sandbox.errors import ApiError, Disconnect
from payments.sandbox.hosted import HostedAnswer, show
from payments.sandbox.idempotency import Answer
from payments.sandbox.wire import read_json
from payments.sandbox.world import API_VERSION, World

CONTROL = "/_sandbox/"
MAX_BODY_BYTES = 1_000_000
MALFORMED = '{"object": "transf'


class Sandbox:
    """A running local Stripe."""

    def __init__(
        self, port: int = 0, *, host: str = "127.0.0.1", hang_seconds: float = 3.0, snapshot: Path | None = None
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("the Stripe sandbox listens on loopback only")
        self.hang_seconds = hang_seconds
        self.snapshot = snapshot
        self.world = World()
        self.engine = Engine(self.world)
        self.deliveries = Deliveries()
        self.world.on_event = lambda event, account: self.deliveries.offer(self.world.hooks, event, account)
        self.panel = Panel(self.world, self.engine, self.deliveries)
        self._load()
        self.http = _Server((host, port), _handler(self))
        self.http.daemon_threads = True
        self.url = self.world.base_url = f"http://{host}:{self.http.server_address[1]}"

    def start(self) -> Sandbox:
        """Serve and deliver in threads, and return at once."""
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self.deliveries.run, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving and delivering, and keep what is known."""
        self.http.shutdown()
        self.http.server_close()
        self.deliveries.stop()
        self.save()

    def order(self, name: str, /, **values: Any) -> Any:
        """Use the control plane without a connection."""
        return order(self.panel, "POST", name, values)

    def save(self) -> None:
        """Write the snapshot, whole or not at all."""
        if self.snapshot is None:
            return
        with self.world.lock:
            text = json.dumps({"world": self.world.dump(), "keys": self.engine.keys.dump()})
            draft = self.snapshot.with_suffix(".draft")
            with draft.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.snapshot)

    def _load(self) -> None:
        if self.snapshot is None or not self.snapshot.exists():
            return
        saved = json.loads(self.snapshot.read_text())
        self.world.load(saved["world"])
        self.engine.keys.load(saved["keys"])


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    sandbox: Sandbox
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet an answer; unbuffered, each header line is one.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a request line may hold what should not be kept."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        address = urlsplit(self.path)
        body = self._read_body()
        if body is None:
            return self._send_error(ApiError(413, "The request body is too large."), "")
        if address.path.startswith(CONTROL):
            return self._serve_control(address.path.removeprefix(CONTROL), body)
        request = Request(self.command, address.path, address.query, body, _Headers(self.headers))
        return self._serve_api(request)

    def _read_body(self) -> str | None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            return None
        return self.rfile.read(length).decode(errors="replace")

    def _serve_api(self, request: Request) -> None:
        with self.sandbox.world.lock:
            request_id = self.sandbox.world.new_id("req")
        try:
            answer, fault = self.sandbox.engine.answer(request, request_id)
        except ApiError as error:
            self._keep(request.method)
            return self._send_error(error, request_id)
        except Disconnect as disconnect:
            self._keep(request.method)
            return self._disconnect(disconnect)
        self._keep(request.method)
        self._send_answer(answer, fault, request_id)
        return None

    def _send_answer(self, answer: Answer, fault: str, request_id: str) -> None:
        if fault == "slow":
            time.sleep(self.sandbox.hang_seconds)
        text = MALFORMED if fault == "malformed" else json.dumps(answer.body)
        headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION, **answer.headers}
        self._send(answer.status, text, headers)

    def _send_error(self, error: ApiError, request_id: str) -> None:
        self._send(error.status, json.dumps(error.body), {"Request-Id": request_id, **error.headers})

    def _disconnect(self, disconnect: Disconnect) -> None:
        if disconnect.hang:
            time.sleep(self.sandbox.hang_seconds)
        self.close_connection = True

    def _keep(self, method: str) -> None:
        if method != "GET":
            self.sandbox.save()

    def _serve_control(self, path: str, body: str) -> None:
        try:
            hosted = show(self.sandbox.world, self.command, path, body)
            if hosted:
                self._keep(self.command)
                return self._send_page(hosted)
            answer = order(self.sandbox.panel, self.command, path, read_json(body))
        except ApiError as error:
            return self._send_error(error, "")
        self._keep(self.command)
        return self._send(200, json.dumps(answer), {})

    def _send_page(self, hosted: HostedAnswer) -> None:
        headers = {"Location": hosted.location} if hosted.location else {}
        self._send(hosted.status, hosted.content, headers, "text/html; charset=utf-8")

    def _send(self, status: int, text: str, headers: dict[str, str], content_type: str = "application/json") -> None:
        payload = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)


def _handler(sandbox: Sandbox) -> type[_Handler]:
    return type("SandboxHandler", (_Handler,), {"sandbox": sandbox})


class _Headers(dict[str, str]):
    """Headers under any capitalisation."""

    def __init__(self, headers: Any) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)
