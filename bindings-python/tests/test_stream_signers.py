"""Polls whose SETs a signer signs: a key management service, played by `cryptography`."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import KeySet as JoseKeySet

import mounts
from conftest import ISSUER, Kms
from mounts import JSON, REVOKED, create, poll
from ssf_transmitter import ConfigError, Email, Jwks, KeySet, Signature, Signer, SigningKey, Transmitter, enable_logging
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox, Worker
from ssf_transmitter.streams import StreamApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mounts import Server

USERS = ["ada", "bob", "eve"]


class Throttled(Kms):
    """A service that refuses its second call."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def sign(self, signing_input: bytes) -> Signature:
        with self.lock:
            signature = super().sign(signing_input)
            if self.calls == 2:
                raise ConnectionError("throttled")
        return signature

    def signer(self, kind: str = "sync") -> Signer:
        function = self.sign if kind == "sync" else self.sign_async
        return Signer(function, algorithm="ES256", public_key=self.public)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[bool, Server]]:
    with mounts.running(asgi=True) as asgi, mounts.running(asgi=False) as wsgi:
        yield {True: asgi, False: wsgi}


def api_of(signer: Signer | KeySet, outbox: Outbox | None = None, **settings: Any) -> StreamApi:
    events = ["caep.session-revoked"]
    return StreamApi(ISSUER, signer, outbox or Outbox.in_memory(), events=events, long_poll=0, **settings)


def publish(api: StreamApi, users: list[str]) -> list[str]:
    subjects = [Email(f"{user}@example.com") for user in users]
    return [jti for subject in subjects for jti in api.publish(caep.SessionRevoked(), subject).jtis]


def failed(server: Server, stream: dict[str, Any]) -> None:
    """A poll that the transmitter cannot answer, of which it tells the receiver nothing."""
    status, headers, body = server.request("POST", f"/ssf/poll/{stream['stream_id']}", {}, JSON)
    told = {"err": "temporarily_unavailable", "description": "the transmitter cannot answer now"}
    assert (status, headers["Retry-After"], json.loads(body)) == (503, "5", told)


def logged(caplog: pytest.LogCaptureFixture) -> tuple[list[Any], list[str]]:
    """What signers raised, and the codes of what could not be answered."""
    raised = [record.exc_info[1] for record in caplog.records if record.exc_info]
    names = [vars(record) for record in caplog.records]
    return raised, [record["code"] for record in names if record.get("event_name") == "ssf.stream_api_failed"]


@pytest.mark.parametrize(
    ("mount", "kind"), [("fastapi", "sync"), ("fastapi", "async"), ("django", "async"), ("flask", "sync")]
)
def test_a_signer_signs_what_receivers_poll(
    servers: dict[bool, Server], mount: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    enable_logging()
    make, asgi = mounts.MOUNTS[mount]
    kms, outbox = Throttled(), Outbox.in_memory()
    api = api_of(kms.signer(kind), outbox)
    server = servers[asgi]
    server.serve(make(api))
    stream = create(server)
    published = publish(api, USERS)

    failed(server, stream)
    [raised], codes = logged(caplog)
    assert (str(raised), codes) == ("throttled", ["signer_failed"])

    # Nothing is lost, and what was signed is not signed again.
    sets = poll(server, stream)
    assert (list(sets), kms.calls) == (published, 4)
    document = json.loads(server.request("GET", "/ssf/jwks.json")[2])
    keys = JoseKeySet.import_key_set(document)
    public = jwt.PyJWK(document["keys"][0]).key
    for jti, compact in sets.items():
        checked = jws.deserialize_compact(compact, keys, algorithms=["ES256"])
        assert checked.headers() == {"alg": "ES256", "kid": "kms-1", "typ": "secevent+jwt"}
        claims = jwt.decode(compact, public, algorithms=["ES256"], audience=mounts.AUDIENCE)
        assert (claims["jti"], claims["iss"], list(claims["events"])) == (jti, ISSUER, [REVOKED])
    assert poll(server, stream, ack=published) == {}
    assert outbox.counts().delivered == 3


@pytest.mark.parametrize("asgi", [True, False])
def test_a_signer_that_gives_nonsense_or_does_not_answer(
    servers: dict[bool, Server], asgi: bool, caplog: pytest.LogCaptureFixture
) -> None:
    enable_logging()

    async def silent(_: bytes) -> bytes:
        return await asyncio.Future()

    nonsense: Any = lambda _: "nonsense"  # noqa: E731  # to be one of three
    server, public, expected = servers[asgi], Kms().public, []
    for function, code in [
        (nonsense, "signature_malformed"),
        (lambda _: bytes(63), "signature_malformed"),
        (silent, "deadline_exceeded" if asgi else "signer_failed"),
    ]:
        # A signature may take half of the lease.
        lease = 1 if code == "deadline_exceeded" else 60
        api = api_of(Signer(function, algorithm="ES256", public_key=public), lease=lease)
        server.serve(api.asgi(mounts.authenticate) if asgi else api.wsgi(mounts.authenticate))
        stream = create(server)
        publish(api, ["ada"])
        failed(server, stream)
        expected.append(code)
        assert logged(caplog)[1] == expected
    assert ("an async signer requires" in caplog.text) is not asgi


def test_a_client_that_disconnects_ends_its_signatures(servers: dict[bool, Server]) -> None:
    asked, ended = threading.Event(), threading.Event()

    async def sign(_: bytes) -> bytes:
        asked.set()
        try:
            return await asyncio.Future()
        finally:
            ended.set()

    api = api_of(Signer(sign, algorithm="ES256", public_key=Kms().public), lease=3600)
    server = servers[True]
    server.serve(api.asgi(mounts.authenticate))
    stream = create(server)
    publish(api, ["ada"])
    connection = server.connect()
    connection.request("POST", f"/ssf/poll/{stream['stream_id']}", "{}", JSON)
    assert asked.wait(60)
    connection.close()
    assert ended.wait(60)
    assert server.ended.wait(60)


def test_a_signer_rotates_to_a_key_of_the_process(servers: dict[bool, Server]) -> None:
    kms, own = Kms(), SigningKey.generate("P-256")
    keys = KeySet(Signer(kms.sign, algorithm="ES256", public_key=kms.public))
    api = api_of(keys)
    server = servers[False]
    server.serve(api.wsgi(mounts.authenticate))
    stream = create(server)
    found = []
    for _ in range(2):
        publish(api, ["ada"])
        [compact] = poll(server, stream).values()
        found.append(jwt.get_unverified_header(compact)["kid"])
        poll(server, stream, ack=[jwt.decode(compact, options={"verify_signature": False})["jti"]])
        if keys.active.kid == "kms-1":
            keys.stage(own)
            keys.rotate(published=0)
    assert (found, kms.calls) == (["kms-1", own.kid], 1)


def test_a_worker_with_a_signer_sends_to_push_streams(
    servers: dict[bool, Server], ssf_receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kms, outbox = Kms(), Outbox.in_memory()
    signer = Signer(kms.sign, algorithm="ES256", public_key=kms.public)
    emulator = ssf_receiver(issuer=ISSUER, keys=Jwks([kms.public]))
    monkeypatch.setattr(mounts, "AUDIENCE", emulator.audience)
    api = api_of(signer, outbox, push=True, allow_loopback_http=True)
    server = servers[True]
    server.serve(api.asgi(mounts.authenticate))
    body = {
        "events_requested": [REVOKED],
        "delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": emulator.url},
    }
    assert server.request("POST", "/ssf/streams", body, JSON)[0] == 201
    publish(api, ["ada"])
    with Transmitter(ISSUER, signer) as transmitter:
        assert Worker(outbox, transmitter, {}, streams=api).drain().delivered == 1
    emulator.assert_received("caep.session-revoked", subject=Email("ada@example.com"))


def test_the_public_key_of_a_signer_must_be_known() -> None:
    with pytest.raises(ConfigError) as raised:
        api_of(Signer(lambda _: b"", algorithm="ES256", kid="kms-1"))
    assert raised.value.code == "signer_public_key_missing"
