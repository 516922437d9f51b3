"""The stream API in real servers: FastAPI and Django with uvicorn, Flask with Werkzeug."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import flask
import uvicorn
from django import conf
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
from fastapi import FastAPI
from werkzeug.serving import make_server

from ssf_transmitter.streams import Caller, Request, StreamApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AUDIENCE = "https://acme.example.com"
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
TOKEN = {"Authorization": "Bearer of-acme"}
JSON = {**TOKEN, "Content-Type": "application/json"}


def authenticate(request: Request) -> Caller | None:
    callers = {
        "Bearer of-acme": Caller("acme", scopes="ssf.manage", audience=AUDIENCE),
        "Bearer of-a-reader": Caller("acme", scopes="ssf.read", audience=AUDIENCE),
        "Bearer of-globex": Caller("globex", scopes="ssf.manage"),
        "Bearer of-apple": Caller("apple", scopes="ssf.manage", dialect="apple"),
    }
    return callers.get(request.headers.get("authorization", ""))


async def authenticate_async(request: Request) -> Caller | None:
    return authenticate(request)


def fastapi(api: StreamApi) -> Any:
    app = FastAPI(openapi_url=None)

    @app.get("/login")
    async def login() -> str:
        return "theirs"

    app.mount("/", api.asgi(authenticate_async))
    return app


def django(api: StreamApi) -> Any:
    # Another test may have configured it for its own needs.
    # Not imported by its name: pytest, which looks for examples, would configure it.
    settings = conf.settings
    if not settings.configured:
        settings.configure()
    settings.ALLOWED_HOSTS, settings.ROOT_URLCONF = ["*"], __name__
    return api.asgi(authenticate, otherwise=get_asgi_application())


urlpatterns = [path("login", lambda _: HttpResponse('"theirs"'))]


def flask_app(api: StreamApi) -> Any:
    app = flask.Flask(__name__)
    app.get("/login")(lambda: flask.jsonify("theirs"))
    app.wsgi_app = api.wsgi(authenticate, otherwise=app.wsgi_app, longest_poll=0.2)
    return app


#: How to mount, and whether it is for ASGI.
MOUNTS: dict[str, tuple[Callable[[StreamApi], Any], bool]] = {
    "fastapi": (fastapi, True),
    "django": (django, True),
    "flask": (flask_app, False),
}


class Server:
    """A server on this machine, whose application can be replaced."""

    def __init__(self) -> None:
        self.app: Any = None
        self.port = 0
        #: Set when a poll has come, and when it was answered or will not be.
        self.began, self.ended = threading.Event(), threading.Event()

    def serve(self, app: Any) -> None:
        self.app = app
        self.began.clear()
        self.ended.clear()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = self.connect()
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


def create(server: Server) -> dict[str, Any]:
    status, _, body = server.request("POST", "/ssf/streams", {"events_requested": [REVOKED]}, JSON)
    assert status == 201, body
    return json.loads(body)  # type: ignore[no-any-return]


def poll(server: Server, stream: dict[str, Any], **request: Any) -> dict[str, str]:
    status, _, body = server.request("POST", f"/ssf/poll/{stream['stream_id']}", request, JSON)
    assert status == 200, body
    return json.loads(body)["sets"]  # type: ignore[no-any-return]


@contextmanager
def running(*, asgi: bool, grace: int | None = None) -> Iterator[Server]:
    """A server, until the end of the block. With ASGI, requests may take so many seconds then."""
    server = Server()
    with _asgi(server, grace) if asgi else _wsgi(server):
        yield server


@contextmanager
def _asgi(server: Server, grace: int | None) -> Iterator[None]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if "/poll/" not in scope["path"]:
            return await server.app(scope, receive, send)
        server.began.set()
        try:
            await server.app(scope, receive, send)
        finally:
            server.ended.set()

    config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", timeout_graceful_shutdown=grace)
    instance = uvicorn.Server(config)
    socket = config.bind_socket()
    # Who connects before the server is ready waits for it.
    socket.listen()
    server.port = socket.getsockname()[1]
    thread = threading.Thread(target=instance.run, args=([socket],))
    thread.start()
    try:
        yield
    finally:
        instance.should_exit = True
        thread.join()
        socket.close()


@contextmanager
def _wsgi(server: Server) -> Iterator[None]:
    def app(environ: Any, start_response: Any) -> Any:
        return server.app(environ, start_response)

    instance = make_server("127.0.0.1", 0, app, threaded=True)
    server.port = instance.server_port
    thread = threading.Thread(target=instance.serve_forever)
    thread.start()
    try:
        yield
    finally:
        instance.shutdown()
        thread.join()
        instance.server_close()
