"""Behaviour at the surface that all languages share: `tests/vectors/surface.json`, with both transmitters."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conftest import ISSUER
from ssf_transmitter import (
    AsyncTransmitter,
    Dialect,
    Email,
    Emission,
    Jwks,
    PublicKey,
    Receiver,
    RetryPolicy,
    Signature,
    Signer,
    SigningKey,
    SsfError,
    Transmitter,
)
from ssf_transmitter.events import caep
from ssf_transmitter.lint import Linter
from vectors import cases, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssf_transmitter.testing import ReceiverEmulator

DEFAULT = read("surface.json")["default"]
both = pytest.mark.parametrize("kind", [Transmitter, AsyncTransmitter])


class Scripted:
    """A signer that does what a case wants."""

    def __init__(self, does: str) -> None:
        self.does = does
        self.key = ec.generate_private_key(ec.SECP256R1())
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public = PublicKey.from_pem(pem).with_kid("k-1")

    def __call__(self, signing_input: bytes) -> Signature:
        if self.does == "fails":
            raise OSError("the service is gone")
        if self.does == "malformed":
            return Signature.raw(b"\x01")
        if self.does == "late":
            time.sleep(0.2)
        return Signature.der(self.key.sign(signing_input, ec.ECDSA(SHA256())))


class World:
    """What a case plays with."""

    def __init__(self, case: dict[str, Any], kind: Any, ssf_receiver: Any, issuer: str = ISSUER) -> None:
        known = {name: case[name] for name in ("signer", "transmitter", "fault") if name in case}
        keys: dict[str, Any] = {}
        if "signer" in known:
            signer = Scripted(known["signer"])
            self.public = signer.public
            keys.update(key=Signer(signer, algorithm="ES256", kid="k-1", public_key=signer.public))
        else:
            self.key = SigningKey.generate("P-256").with_kid("k-1")
            self.public = self.key.public_key
            keys.update(key=self.key)
        settings = dict(known.get("transmitter", {}))
        policy = settings.pop("retry", None if "attempts" in case else {"max_attempts": 1})
        retry = None if policy is None else RetryPolicy(**policy)
        script = {"rules": [{"fault": known["fault"]}]} if "fault" in known else None
        self.emulator: ReceiverEmulator = ssf_receiver(issuer=issuer, keys=Jwks([self.public]), script=script)
        self.transmitter = kind(issuer, **keys, retry=retry, **settings)
        dialect = Dialect.built_in(case["dialect"]) if "dialect" in case else None
        self.receiver = Receiver(self.emulator.url, self.emulator.audience, dialect=dialect, allow_loopback=True)

    def arguments(self, case: dict[str, Any]) -> tuple[tuple[Any, Any, Receiver], dict[str, Any]]:
        call = dict(case.get("call", {}))
        if "retry" in call:
            call["retry"] = RetryPolicy(**call["retry"])
        return (*event_and_subject(case), self.receiver), call

    def run(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a method, whichever transmitter it is."""
        result = getattr(self.transmitter, name)(*args, **kwargs)
        return asyncio.run(awaited(result)) if hasattr(result, "__await__") else result

    def emit(self, case: dict[str, Any]) -> str | None:
        """The code of an emit."""
        args, call = self.arguments(case)
        return code(lambda: self.run("emit", *args, **call))

    def emit_all(self, emissions: list[dict[str, Any]]) -> list[Any]:
        made = [Emission(*event_and_subject(emission), self.receiver) for emission in emissions]
        results = self.transmitter.emit_all(made)
        return asyncio.run(collected(results)) if hasattr(results, "__aiter__") else list(results)


async def awaited(awaitable: Any) -> Any:
    return await awaitable


async def collected(results: Any) -> list[Any]:
    return [result async for result in results]


def event_and_subject(case: dict[str, Any]) -> tuple[Any, Any]:
    return case.get("event", DEFAULT["event"]), case.get("subject", DEFAULT["subject"])


def code(work: Callable[[], Any]) -> str | None:
    try:
        work()
    except SsfError as error:
        return error.code
    return None


def counted(transmitter: Any) -> dict[str, Any]:
    names = ("enqueued", "delivered", "failed", "in_flight", "attempts", "failures")
    return {name: getattr(transmitter.counters, name) for name in names}


@both
@pytest.mark.parametrize("case", cases("surface.json", "policies"))
def test_a_call_overrides_what_it_names_of_the_policy(case: dict[str, Any], kind: Any, ssf_receiver: Any) -> None:
    world = World(case, kind, ssf_receiver)
    assert world.emit(case) == case["code"]
    assert world.transmitter.counters.attempts == case["attempts"]


@both
@pytest.mark.parametrize("case", cases("surface.json", "counters"))
def test_whatever_ends_an_emit_is_counted_once(case: dict[str, Any], kind: Any, ssf_receiver: Any) -> None:
    world = World(case, kind, ssf_receiver)
    args, _ = world.arguments(case)
    for step in case["do"]:
        if step == "emit":
            assert world.emit(case) == case.get("code")
        elif step == "emit_all":
            world.emit_all(case["emissions"])
        elif step == "deliver":
            unsigned = world.transmitter.prepare(*args)
            world.run("deliver", unsigned.sign(world.key), world.receiver)
        else:
            getattr(world.transmitter, step)(*args)
    assert counted(world.transmitter) == case["counters"]


async def test_an_emit_that_is_cancelled_is_counted_as_abandoned(ssf_receiver: Any) -> None:
    for signer in ({}, {"signer": "late"}):
        world = World({"fault": "never", **signer}, AsyncTransmitter, ssf_receiver)
        sending = asyncio.ensure_future(world.transmitter.emit(*event_and_subject({}), world.receiver))
        while world.transmitter.counters.in_flight == 0:
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        while world.transmitter.counters.in_flight != 0:
            await asyncio.sleep(0)
        assert world.transmitter.counters.failures == {"abandoned": 1}


@pytest.mark.parametrize("case", cases("surface.json", "lint"))
def test_lint_finds_what_is_wrong_and_never_fails(case: dict[str, Any]) -> None:
    linter = Linter(case.get("dialect", "ssf-1.0"))
    findings = linter.jwt(case["text"]) if "text" in case else linter.event(*event_and_subject(case))
    names = ("rule", "severity", "pointer")
    assert [{name: getattr(finding, name) for name in names} for finding in findings] == case["findings"]


@pytest.fixture
def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server of documents: its URL, and what it serves."""
    served: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(served[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    served["/.well-known/ssf-configuration"] = {
        "spec_version": "1_0",
        "issuer": url,
        "jwks_uri": f"{url}/jwks.json",
    }
    yield url, served
    server.shutdown()
    server.server_close()


@both
@pytest.mark.parametrize("case", cases("surface.json", "doctor"))
def test_a_doctor_says_the_same_of_a_signer_as_of_a_key(
    case: dict[str, Any], kind: Any, ssf_receiver: Any, documents: tuple[str, dict[str, Any]]
) -> None:
    url, served = documents
    world = World(case, kind, ssf_receiver, url)
    published = {"other_kid": world.public.with_kid("another"), "other_key": Scripted("signs").public}
    served["/jwks.json"] = {"keys": [published.get(case.get("published", ""), world.public).to_jwk()]}
    args, _ = world.arguments(case)
    diagnosis = world.run("doctor", *args, send=case["send"])
    for expected in case["checks"]:
        check = diagnosis.check(expected["id"])
        assert (check.outcome, check.remedy) == (expected["outcome"], expected["remedy"])
        assert expected["says"] in check.message


@both
@pytest.mark.parametrize("case", cases("surface.json", "explain"))
def test_an_error_is_explained_in_the_same_words(case: dict[str, Any], kind: Any, ssf_receiver: Any) -> None:
    world = World(case, kind, ssf_receiver)
    args, call = world.arguments(case)
    with pytest.raises(SsfError) as raised:
        world.run("emit", *args, **call)
    explained = world.transmitter.linter(world.receiver).explain_error(raised.value)
    found = {name: getattr(explained, name) for name in ("reason", "cause", "remedy")}
    assert {**found, "findings": [finding.rule for finding in explained.findings]} == case["explanation"]


@both
@pytest.mark.parametrize("case", cases("surface.json", "jwks"))
def test_the_keys_to_publish_are_those_of_the_signer_or_an_error(case: dict[str, Any], kind: Any) -> None:
    key = None
    if "pem" in case:
        key = PublicKey.from_pem(case["pem"])
    elif "der_base64" in case:
        key = PublicKey.from_der(base64.b64decode(case["der_base64"]))
    elif "jwk" in case:
        key = PublicKey.from_jwk(json.dumps(case["jwk"]))

    def jwks() -> Any:
        signer = Signer(Scripted("signs"), algorithm=case["algorithm"], kid=case["kid"], public_key=key)
        return kind(ISSUER, signer).jwks()

    if "code" in case:
        assert code(jwks) == case["code"]
    else:
        assert json.loads(jwks().to_json()) == {"keys": [case["published"]]}


@pytest.mark.parametrize("case", cases("surface.json", "close"))
def test_a_close_waits_for_what_is_under_way(case: dict[str, Any], ssf_receiver: Any) -> None:
    world = World({**case, "fault": {"slow_headers": {"ms": 500}}}, Transmitter, ssf_receiver)
    transmitter, args = world.transmitter, world.arguments(case)[0]
    threads = [threading.Thread(target=transmitter.emit, args=args, daemon=True) for _ in range(case["in_flight"])]
    for thread in threads:
        thread.start()
    while transmitter.counters.attempts < case["in_flight"]:
        time.sleep(0.001)
    transmitter.close()
    assert counted(transmitter) == case["counters"]
    after_close(world)
    transmitter.close()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("case", cases("surface.json", "close"))
async def test_an_async_close_waits_for_what_is_under_way(case: dict[str, Any], ssf_receiver: Any) -> None:
    world = World({**case, "fault": {"slow_headers": {"ms": 500}}}, AsyncTransmitter, ssf_receiver)
    transmitter, args = world.transmitter, world.arguments(case)[0]
    sending = [asyncio.ensure_future(transmitter.emit(*args)) for _ in range(case["in_flight"])]
    while transmitter.counters.enqueued < case["in_flight"]:
        await asyncio.sleep(0)
    await transmitter.aclose()
    assert counted(transmitter) == case["counters"]
    with pytest.raises(SsfError) as refused:
        await transmitter.emit(*args)
    assert refused.value.code == "transmitter_closed"
    assert [result.error.code async for result in transmitter.emit_all([Emission(*args)])] == ["transmitter_closed"]
    assert [check.id for check in (await transmitter.doctor(*args)).checks] == ["transmitter"]
    await asyncio.gather(*sending)
    await transmitter.aclose()


def after_close(world: World) -> None:
    """New work is refused, and what needs no network works."""
    args = world.arguments({})[0]
    assert world.emit({}) == "transmitter_closed"
    assert [result.error.code for result in world.emit_all([{}])] == ["transmitter_closed"]
    assert [check.id for check in world.run("doctor", *args).checks] == ["transmitter"]
    assert len(world.transmitter.jwks()) == 1
    assert world.transmitter.prepare(*args).jti
    assert world.transmitter.lint(caep.SessionRevoked(), Email("ada@example.com"), world.receiver) is not None


def test_the_end_of_a_with_block_closes(ssf_receiver: Any) -> None:
    world = World({}, Transmitter, ssf_receiver)
    with world.transmitter as transmitter:
        transmitter.emit(*world.arguments({})[0])
    after_close(world)
