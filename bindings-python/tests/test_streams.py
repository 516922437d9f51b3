"""The stream API, in the servers that mount it."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

import mounts
from conftest import ISSUER
from mounts import JSON, REVOKED, TOKEN, create, poll
from ssf_transmitter import ConfigError, Dialect, Email, SigningKey, Transmitter, enable_logging
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox, Outbox, Worker
from ssf_transmitter.streams import Authenticator, Caller, Request, StaticToken, StreamApi, TrustedIssuer
from vectors import cases, custom_event, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mounts import Server
    from ssf_transmitter.testing import ReceiverEmulator

SETTINGS = read("stream-api.json")["settings"]
ADA = Email("ada@example.com")
KEY = SigningKey.generate("P-256")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[bool, Server]]:
    with mounts.running(asgi=True) as asgi, mounts.running(asgi=False) as wsgi:
        yield {True: asgi, False: wsgi}


@pytest.fixture(params=mounts.MOUNTS)
def mount(request: pytest.FixtureRequest, servers: dict[bool, Server]) -> Any:
    """Mounts an API, and returns its server."""
    make, asgi = mounts.MOUNTS[request.param]

    def mounted(api: StreamApi) -> Server:
        servers[asgi].serve(make(api))
        return servers[asgi]

    return mounted


def api_over(outbox: Outbox | AsyncOutbox, **settings: Any) -> StreamApi:
    return StreamApi(ISSUER, KEY, outbox, events=["caep.session-revoked"], **settings)


class Case:
    """A transmitter, and the names that a case has given to values so far."""

    def __init__(self, mount: Any, steps: list[dict[str, Any]]) -> None:
        # Where time must pass, it is short.
        lease = 3 if any("advance" in step for step in steps) else SETTINGS["lease"]
        self.outbox = Outbox.in_memory()
        self.api = StreamApi(
            SETTINGS["issuer"], KEY, self.outbox, events=SETTINGS["events_supported"], lease=lease, long_poll=0,
            min_verification_interval=0, push=True, rate_limit=0,
        )  # fmt: skip
        self.server: Server = mount(self.api)
        self.names: dict[str, str] = {}
        self.waits = False

    def filled(self, value: Any) -> Any:
        text = json.dumps(value)
        for name, known in self.names.items():
            text = text.replace(f"{{{name}}}", known)
        return json.loads(text)

    def run(self, step: dict[str, Any]) -> None:
        if "publish" in step:
            published = self.api.publish(custom_event(step["publish"]["event"]), step["publish"]["subject"])
            self.names.update(jti=published.jtis[0])
        elif "advance" in step:
            self.waits = True
        elif "counts" in step:
            counts = self.outbox.counts()
            assert {name: getattr(counts, name) for name in step["counts"]} == step["counts"]
        else:
            self.request(step)

    def request(self, step: dict[str, Any]) -> None:
        request = self.filled(step["request"])
        tokens = {
            "none": None, "invalid": "wrong", "reader": "of-a-reader", "other": "of-globex", "apple": "of-apple",
            "acme": "of-acme",
        }  # fmt: skip
        token = tokens[step.get("caller", "acme")]
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if "content_type" in request:
            headers["Content-Type"] = request["content_type"]
        while True:
            answer = self.server.request(request["method"], request["target"], request.get("body"), headers)
            # Until the lease has ended.
            if not self.waits or json.loads(answer[2])["sets"]:
                break
        for name, pointer in step.get("capture", {}).items():
            self.names[name] = json.loads(answer[2])[pointer.removeprefix("/")]
        compare(answer, self.filled(step["response"]))


def compare(answer: tuple[int, http.client.HTTPMessage, bytes], expected: dict[str, Any]) -> None:
    status, headers, body = answer
    assert status == expected["status"], body
    if "cache_control" in expected:
        assert headers["Cache-Control"] == expected["cache_control"]
    if "sets" in expected:
        assert list(json.loads(body)["sets"]) == expected["sets"]
    elif "err" in expected:
        problem = json.loads(body)
        assert problem["err"] == expected["err"]
        assert isinstance(problem["description"], str)
    elif "body" in expected:
        assert json.loads(body) == expected["body"]
        assert headers["Content-Type"] == "application/json"
    else:
        assert body == b""


def test_a_change_is_told_to_the_log(mount: Any) -> None:
    told: dict[str, Any] = {}
    arrived = threading.Event()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if vars(record)["event_name"] == "ssf.audit":
                told.update(vars(record))
                arrived.set()

    enable_logging()
    logger, handler = logging.getLogger("ssf_transmitter"), Keep()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    before = time.time() * 1000
    try:
        stream = create(mount(api_over(Outbox.in_memory())))
        assert arrived.wait(600)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert (told["caller"], told["action"], told["outcome"]) == ("acme", "stream.create", "done")
    assert told["stream"] == stream["stream_id"]
    assert before - 1 <= told["when"] <= time.time() * 1000


@pytest.mark.parametrize("case", cases("stream-api.json", "cases"))
def test_every_case_through_every_mount(mount: Any, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "AUDIENCE", SETTINGS["audience"])
    world = Case(mount, case["steps"])
    for step in case["steps"]:
        world.run(step)


def test_a_receiver_polls_what_is_published(mount: Any) -> None:
    outbox = Outbox.in_memory()
    api = api_over(outbox)
    server = mount(api)
    status, headers, body = server.request("GET", "/.well-known/ssf-configuration")
    assert (status, json.loads(body)) == (200, api.configuration())
    again = server.request("GET", "/.well-known/ssf-configuration", headers={"If-None-Match": headers["ETag"]})
    assert (again[0], again[2]) == (304, b"")
    head = server.request("HEAD", "/.well-known/ssf-configuration")
    assert (head[0], head[2]) == (200, b"")

    stream = create(server)
    with ThreadPoolExecutor() as pool:
        polled = pool.submit(poll, server, stream)
        published = api.publish(caep.SessionRevoked(), ADA)
        # A poll over WSGI may have ended before.
        sets = polled.result() or poll(server, stream)
    assert list(sets) == list(published.jtis)
    assert published.streams == 1
    poll(server, stream, ack=list(sets), maxEvents=0, returnImmediately=True)
    assert outbox.counts().delivered == 1


def test_other_paths_belong_to_the_host(mount: Any) -> None:
    server = mount(api_over(Outbox.in_memory()))
    assert json.loads(server.request("GET", "/login")[2]) == "theirs"
    assert server.request("GET", "/nowhere")[0] == 404


def test_nobody_waits_for_a_body_that_is_not_wanted(mount: Any) -> None:
    server = mount(api_over(Outbox.in_memory()))
    announced = "Content-Type: application/json\r\nContent-Length: "
    for headers, expected in [
        (f"{announced}10", 401),
        (f"Authorization: Bearer wrong\r\n{announced}10", 401),
        (f"Authorization: Bearer of-acme\r\n{announced}1000000", 413),
        ("Authorization: Bearer of-acme\r\nContent-Type: text/plain\r\nContent-Length: 10", 415),
    ]:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(f"POST /ssf/streams HTTP/1.1\r\nHost: tr\r\n{headers}\r\n\r\n".encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == expected


def test_a_body_without_a_length_has_a_limit(mount: Any) -> None:
    server = mount(api_over(Outbox.in_memory()))
    connection = server.connect()
    try:
        connection.request("POST", "/ssf/streams", iter([b" " * 70_000]), JSON, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        # The server answers before it has the whole body, and need not read the rest.
        pass
    finally:
        connection.close()


def test_wsgi_bounds_how_long_a_poll_takes(servers: dict[bool, Server]) -> None:
    make, asgi = mounts.MOUNTS["flask"]
    server = servers[asgi]
    server.serve(make(api_over(Outbox.in_memory(), long_poll=3600)))
    stream = create(server)
    begin = time.monotonic()
    assert poll(server, stream) == {}
    assert time.monotonic() - begin < 30


def test_a_client_that_disconnects_ends_its_poll(servers: dict[bool, Server]) -> None:
    make, asgi = mounts.MOUNTS["fastapi"]
    api = api_over(Outbox.in_memory(), long_poll=3600)
    server = servers[asgi]
    server.serve(make(api))
    stream = create(server)
    connection = server.connect()
    connection.request("POST", f"/ssf/poll/{stream['stream_id']}", "{}", JSON)
    assert server.began.wait(60)
    # It waits, and the event loop serves others.
    assert server.request("GET", "/ssf/jwks.json")[0] == 200
    assert not server.ended.is_set()
    connection.close()
    assert server.ended.wait(60)
    published = api.publish(caep.SessionRevoked(), ADA)
    # It was given to nobody.
    assert list(poll(server, stream, returnImmediately=True)) == list(published.jtis)


def test_a_server_ends_polls_that_wait_after_its_time_to_shut_down() -> None:
    make, _ = mounts.MOUNTS["fastapi"]
    with ThreadPoolExecutor(1) as pool:
        with mounts.running(asgi=True, grace=1) as server:
            server.serve(make(api_over(AsyncOutbox.in_memory(), long_poll=3600)))
            target = f"/ssf/poll/{create(server)['stream_id']}"
            polling = pool.submit(server.request, "POST", target, {}, JSON)
            assert server.began.wait(60)
        # The server has ended here, and would have waited for an hour. The answer is uvicorn's.
        assert polling.result(60)[0] == 500


def test_the_transmitter_looks_after_its_streams(servers: dict[bool, Server]) -> None:
    make, asgi = mounts.MOUNTS["fastapi"]
    api = api_over(Outbox.in_memory(), canary=60, inactivity_timeout=3600, max_held_age=3600)
    servers[asgi].serve(make(api))
    stream = create(servers[asgi])
    health = asyncio.run(api.amaintain())
    assert (health.enabled, health.paused, health.disabled, health.failed) == (1, 0, 0, 0)
    assert len(poll(servers[asgi], stream, returnImmediately=True)) == 1
    assert api.maintain().canary_stream == stream["stream_id"]


def status_of(server: Server, stream: dict[str, Any]) -> str:
    _, _, body = server.request("GET", f"/ssf/status?stream_id={stream['stream_id']}", None, TOKEN)
    return json.loads(body)["status"]  # type: ignore[no-any-return]


def test_the_transmitter_stops_a_stream_and_lets_it_go_on(servers: dict[bool, Server]) -> None:
    make, asgi = mounts.MOUNTS["fastapi"]
    api = api_over(Outbox.in_memory())
    server = servers[asgi]
    server.serve(make(api))
    stream = create(server)
    for how, status in (("pause", "paused"), ("disable", "disabled")):
        assert api.stop_stream(stream["stream_id"], "migration", how)  # type: ignore[arg-type]
        assert not api.stop_stream(stream["stream_id"], "migration")
        announced = list(poll(server, stream, returnImmediately=True))
        poll(server, stream, ack=announced, returnImmediately=True)
        api.maintain()
        assert status_of(server, stream) == status
        assert api.resume_stream(stream["stream_id"], "done")
        assert not api.resume_stream(stream["stream_id"], "done")
        assert status_of(server, stream) == "enabled"
    assert not api.stop_stream("unknown", "migration")
    with pytest.raises(ConfigError, match="pause or disable"):
        api.stop_stream(stream["stream_id"], "migration", "halt")  # type: ignore[arg-type]

    async def main() -> tuple[bool, bool, bool]:
        stops = await api.astop_stream(stream["stream_id"], "migration", "disable")
        return stops, await api.aresume_stream(stream["stream_id"], "done"), await api.astop_stream("unknown", "x")

    assert asyncio.run(main()) == (True, True, False)


def test_subjects_are_limited_and_go_on_for_a_while(servers: dict[bool, Server]) -> None:
    make, asgi = mounts.MOUNTS["fastapi"]
    server = servers[asgi]

    def remove(stream: dict[str, Any], user: str) -> tuple[int, bytes]:
        body = {"stream_id": stream["stream_id"], "subject": {"format": "email", "email": user}}
        status, _, answer = server.request("POST", "/ssf/subjects:remove", body, JSON)
        return status, answer

    for grace, streams in ((0, 0), (60, 1)):
        api = api_over(Outbox.in_memory(), max_subjects=1, removal_grace=grace)
        server.serve(make(api))
        stream = create(server)
        assert remove(stream, "ada@example.com")[0] == 204
        assert api.publish(caep.SessionRevoked(), ADA).streams == streams
        if not grace:
            status, answer = remove(stream, "bob@example.com")
            assert (status, json.loads(answer)["err"]) == (403, "limit_reached")


def test_a_caller_names_a_dialect_of_the_api(servers: dict[bool, Server]) -> None:
    own = Dialect.from_toml('id = "acme"\nextends = "ssf-1.0"\n[set]\ntxn = "omit"')
    api = api_over(Outbox.in_memory(), dialects=[own])
    server = servers[True]
    for dialect, has in ((None, True), ("acme", False)):
        caller = Caller("acme", scopes="ssf.manage", dialect=dialect)
        server.serve(api.asgi(lambda _, caller=caller: caller))  # type: ignore[misc]
        stream = create(server)
        api.publish(caep.SessionRevoked(), ADA)
        [compact] = poll(server, stream).values()
        assert ("txn" in jwt.decode(compact, options={"verify_signature": False})) is has


def test_publishing_from_asyncio() -> None:
    async def main() -> tuple[int, int]:
        outbox = AsyncOutbox.in_memory()
        api = api_over(outbox)
        published = await api.apublish(caep.SessionRevoked(), ADA, to=["okta"], idempotency_key="1")
        again = await api.apublish(caep.SessionRevoked(), ADA, to="okta", idempotency_key="1")
        assert again.jtis == published.jtis
        assert again.repeated
        return published.streams, (await outbox.counts()).waiting

    assert asyncio.run(main()) == (0, 1)


def test_a_worker_sends_to_push_streams(
    servers: dict[bool, Server],
    key: SigningKey,
    emulator: ReceiverEmulator,
    transmitter: Transmitter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mounts, "AUDIENCE", emulator.audience)
    make, asgi = mounts.MOUNTS["fastapi"]
    outbox = Outbox.in_memory()
    api = StreamApi(ISSUER, key, outbox, events=["caep.session-revoked"], push=True, allow_loopback_http=True)
    server = servers[asgi]
    server.serve(make(api))
    delivery = {"method": "urn:ietf:rfc:8935", "endpoint_url": emulator.url}
    body = {"events_requested": [REVOKED], "delivery": delivery}
    assert server.request("POST", "/ssf/streams", body, JSON)[0] == 201
    api.publish(caep.SessionRevoked(), ADA)
    drained = Worker(outbox, transmitter, {}, streams=api).drain()
    assert (drained.delivered, drained.failed) == (1, 0)
    emulator.assert_received("caep.session-revoked", subject=ADA)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"issuer": "http://tr.example.com"}, "https"),
        ({"lease": 0}, "more than zero"),
        ({"default_subjects": "SOME"}, "ALL or NONE"),
        ({"allow_networks": ["home"], "push": True}, "network"),
        ({"max_subjects": 0}, "more than zero"),
        ({"inactivity_timeout": 3600, "inactivity_stop": "halt"}, "pause or disable"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    issuer = settings.pop("issuer", ISSUER)
    with pytest.raises(ConfigError, match=message):
        StreamApi(issuer, KEY, Outbox.in_memory(), events=[], **settings)


@pytest.mark.parametrize("asgi", [True, False])
def test_the_api_finds_out_who_calls(servers: dict[bool, Server], asgi: bool) -> None:
    token = StaticToken.generate()
    acme = Caller("acme", scopes=["ssf.manage"], audience=["https://acme.example.com"])
    api = api_over(Outbox.in_memory(), authenticator=Authenticator(tokens={token.hash: acme}))
    servers[asgi].serve(api.asgi() if asgi else api.wsgi())
    for authorization, status in [(token.secret, 200), ("ssf_wrong", 401)]:
        headers = {"Authorization": f"Bearer {authorization}"}
        assert servers[asgi].request("GET", "/ssf/streams", headers=headers)[0] == status
    challenge = servers[asgi].request("GET", "/ssf/streams")[1]["WWW-Authenticate"]
    assert challenge == f'Bearer resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/ssf"'
    document = json.loads(servers[asgi].request("GET", "/.well-known/oauth-protected-resource/ssf")[2])
    assert document["resource"] == f"{ISSUER}/ssf"
    assert token.secret not in repr(token)


@contextmanager
def issuer_with(keys: dict[str, Any]) -> Iterator[str]:
    """An authorization server, as far as it publishes keys."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(keys).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("asgi", [True, False])
def test_access_tokens_of_an_issuer(servers: dict[bool, Server], asgi: bool) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(ECAlgorithm.to_jwk(private.public_key())) | {"kid": "k-1", "alg": "ES256", "use": "sig"}
    with issuer_with({"keys": [jwk]}) as url:
        clients = {"client-1": ("acme", "https://acme.example.com")}
        trusted = TrustedIssuer(issuer=url, jwks_uri=f"{url}/jwks.json", clients=clients)
        authenticator = Authenticator(issuers=[trusted], allow_loopback=True)
        api = api_over(Outbox.in_memory(), authenticator=authenticator)
        servers[asgi].serve(api.asgi() if asgi else api.wsgi())
        now = int(time.time())
        claims = {
            "iss": url, "aud": f"{ISSUER}/ssf", "client_id": "client-1", "sub": "client-1", "scope": "ssf.read",
            "iat": now, "exp": now + 300, "jti": "1",
        }  # fmt: skip
        for changed, method, status in [
            ({}, "GET", 200),
            ({}, "POST", 403),
            ({"aud": "https://other.example.com"}, "GET", 401),
            ({"client_id": "client-2"}, "GET", 403),
        ]:
            token = jwt.encode({**claims, **changed}, private, "ES256", {"typ": "at+jwt", "kid": "k-1"})
            headers = {"Authorization": f"Bearer {token}"}
            assert servers[asgi].request(method, "/ssf/streams", headers=headers)[0] == status


def test_what_authenticates_returns_a_caller() -> None:
    api = api_over(Outbox.in_memory())
    with pytest.raises(TypeError, match="authenticate: expected a callable"):
        api.asgi("Bearer of-acme")  # type: ignore[arg-type]
    app = api.wsgi(lambda _: "acme")  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="a Caller or None, got str"):
        app({"REQUEST_METHOD": "GET", "PATH_INFO": "/ssf/streams"}, lambda *_: None)


def test_no_credentials_are_shown() -> None:
    request = Request("GET", "/ssf/streams", {"authorization": "Bearer of-acme"}, {"headers": "Bearer of-acme"})
    assert "of-acme" not in repr(request)
    assert Caller("acme", scopes="ssf.read").audience is None


def test_streams_stay_in_a_file(tmp_path: Path, mount: Any) -> None:
    file = tmp_path / "outbox.db"
    with Outbox(file) as outbox:
        server = mount(api_over(outbox))
        stream = create(server)
        published = api_over(outbox).publish(caep.SessionRevoked(), ADA)
    with Outbox(file) as outbox:
        assert list(poll(mount(api_over(outbox)), stream)) == list(published.jtis)


def test_servers_share_streams_in_a_database(postgres_url: str, mount: Any) -> None:
    schema = f"python_streams_{uuid4().hex}"
    with Outbox(postgres_url, schema=schema, migrate=True) as theirs, Outbox(postgres_url, schema=schema) as ours:
        assert theirs.counts().enqueued == 0
        stream = create(mount(api_over(ours)))
        published = api_over(theirs).publish(caep.SessionRevoked(), ADA)
        assert list(poll(mount(api_over(ours)), stream)) == list(published.jtis)


def test_why_the_api_cannot_answer_is_logged(
    postgres_url: str, servers: dict[bool, Server], caplog: pytest.LogCaptureFixture
) -> None:
    make, asgi = mounts.MOUNTS["fastapi"]
    with Outbox(postgres_url, schema=f"missing_{uuid4().hex}") as outbox:
        servers[asgi].serve(make(api_over(outbox)))
        status, _, body = servers[asgi].request("GET", "/ssf/streams", None, TOKEN)
    assert (status, json.loads(body)["err"]) == (503, "temporarily_unavailable")
    record = next(record for record in caplog.records if record.getMessage() == "the stream API cannot answer")
    assert record.__dict__["code"] == "outbox_unavailable"
    assert "migrate the outbox first" in record.__dict__["reason"]
