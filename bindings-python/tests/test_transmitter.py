"""Sending from threads, step by step and at once."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import KeySet as JoseKeySet

from conftest import ISSUER, QUICK
from ssf_transmitter import (
    ComplexSubject,
    Dialect,
    Email,
    Emission,
    Jwks,
    KeySet,
    Opaque,
    PublicKey,
    Receiver,
    ReceiverRejected,
    RetryPolicy,
    SignedSet,
    SigningKey,
    SsfError,
    Transmitter,
    TransmitterConfiguration,
    ValidationError,
    legacy_well_known_url,
    well_known_url,
)
from ssf_transmitter.events import caep, govuk, okta, risc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
ADA = Email("ada@example.com")


def test_an_event_arrives_and_the_receipt_tells_of_it(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    receipt = transmitter.emit(
        EVENT, ADA, emulator.receiver(), txn="incident-4711", jti="set-1", toe=datetime(2026, 1, 1, tzinfo=timezone.utc)
    )
    assert (receipt.jti, receipt.status, receipt.attempts, receipt.is_expected) == ("set-1", 202, 1, True)
    assert receipt.notes == ()
    claims = emulator.assert_received(caep.SessionRevoked, subject=ADA)
    assert claims == receipt.set.decode().claims
    assert (claims["iss"], claims["txn"], claims["jti"], claims["toe"]) == (
        ISSUER,
        "incident-4711",
        "set-1",
        1767225600,
    )
    assert receipt.set.event == "caep.session-revoked"


@pytest.mark.parametrize(
    ("rules", "notes"),
    [
        ([{"fault": {"huge_body": {"bytes": 200_000}}}], ("body_too_long",)),
        ([{"fault": {"status": {"status": 202, "body": "half", "after": True, "ends": "cut"}}}], ("body_broken",)),
        (
            [{"fault": {"status": {"status": 200, "body": "half", "after": True, "ends": "open"}}}],
            ("unexpected_status", "body_unfinished"),
        ),
        ([{"nth": 1, "fault": "lost_answer"}, {"nth": 2, "fault": {"status": {"status": 409}}}], ("already_received",)),
    ],
)
def test_what_is_remarkable_about_the_answer_is_noted(
    ssf_receiver: Callable[..., ReceiverEmulator],
    transmitter: Transmitter,
    key: SigningKey,
    rules: list[dict[str, Any]],
    notes: tuple[str, ...],
) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=rules)
    receipt = transmitter.emit(EVENT, ADA, emulator.receiver())
    assert receipt.notes == notes
    assert len(emulator.received) == 1


def test_okta_takes_its_event(ssf_receiver: Any) -> None:
    key = SigningKey.generate()
    emulator = ssf_receiver(issuer=ISSUER, keys=key, like="okta", users=["ada@example.com"])
    event = okta.UserRiskChange(
        current_level="high",
        previous_level="low",
        event_timestamp=datetime.now(timezone.utc),
        reason_admin={"en": "Impossible travel"},
    )
    with Transmitter(ISSUER, key) as transmitter:
        transmitter.emit(event, ADA, emulator.receiver())
        transmitter.emit(event, Email("eve@example.com"), emulator.receiver())
    assert emulator.assert_received("okta.user-risk-change")["events"][event.uri]["current_level"] == "high"
    assert [request.dropped for request in emulator.requests] == [None, "unknown user"]


def test_govuk_takes_its_event_with_a_token_and_a_companion(ssf_receiver: Any) -> None:
    key = SigningKey.generate()
    emulator = ssf_receiver(issuer=ISSUER, keys=key, like="govuk-one-login")
    subject = {"format": "uri", "uri": "urn:fdc:gov.uk:2022:1"}
    companion = govuk.EventMetadata(event_timestamp_ms=datetime.now(timezone.utc))
    with Transmitter(ISSUER, key) as transmitter:
        receipt = transmitter.emit(risc.AccountPurged(), subject, emulator.receiver(), companions=[companion])
    assert receipt.status == 202
    claims = emulator.assert_received(risc.AccountPurged, subject=subject)
    assert companion.uri in claims["events"]
    assert [request.path == "/" for request in emulator.requests].count(False) >= 1


def test_the_steps_are_those_of_emit(transmitter: Transmitter, emulator: ReceiverEmulator, key: SigningKey) -> None:
    receiver = emulator.receiver()
    unsigned = transmitter.prepare(EVENT, ADA, receiver, txn="incident-4711")
    assert (unsigned.algorithm, unsigned.decode().claims["txn"]) == ("ES256", "incident-4711")
    signed = unsigned.sign(key)
    assert signed.jti == unsigned.jti
    # As it comes back from a database.
    kept = SignedSet.parse(str(signed))
    assert kept == signed
    assert transmitter.deliver(kept, receiver).jti == signed.jti
    assert transmitter.deliver(kept, receiver, deadline=timedelta(seconds=5), retry=QUICK).attempts == 1
    assert emulator.accepted == {signed.jti: 2}


def test_what_the_receiver_would_refuse_is_refused_before(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    acme = Receiver.okta(emulator.base_url, audience=emulator.audience, allow_loopback=True)
    with pytest.raises(ValidationError):
        transmitter.emit(caep.SessionEstablished(), ADA, acme)
    assert emulator.requests == []
    assert transmitter.counters.failures != {}


def test_a_fault_is_tried_again_with_the_same_bytes(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"first": 2, "fault": {"status": {"status": 503}}}])
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter:
        assert transmitter.emit(EVENT, ADA, emulator.receiver()).attempts == 3
        counters = transmitter.counters
    assert (counters.enqueued, counters.delivered, counters.failed, counters.in_flight) == (1, 1, 0, 0)
    assert counters.attempts == 3


def test_a_policy_of_one_call_goes_before_that_of_the_transmitter(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"fault": {"status": {"status": 503}}}])
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter:
        with pytest.raises(ReceiverRejected):
            transmitter.emit(EVENT, ADA, emulator.receiver(), retry=RetryPolicy(max_attempts=1))
        assert len(emulator.requests) == 1
        emulator.clear()
        with pytest.raises(ReceiverRejected):
            transmitter.emit(EVENT, ADA, emulator.receiver())
        assert len(emulator.requests) == 6


def test_emit_all_sends_all_and_takes_only_as_there_is_room(
    transmitter: Transmitter, emulator: ReceiverEmulator
) -> None:
    receiver, taken = emulator.receiver(), 0

    def emissions() -> Iterator[Emission]:
        nonlocal taken
        for number in range(100):
            taken += 1
            subject = {"format": "email", "email": "ada@example.com"}
            yield Emission(EVENT, subject, receiver, jti=f"set-{number}")

    done = transmitter.emit_all(emissions(), concurrency=2)
    assert taken == 0
    first = next(done)
    assert taken <= 2 * 16 + 2
    results = [first, *done]
    assert sorted(result.index for result in results) == list(range(100))
    assert {result.result().jti for result in results} == set(emulator.accepted) == {f"set-{n}" for n in range(100)}


def test_emit_all_tells_errors_one_by_one(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    good = emulator.receiver()
    strict = Receiver(emulator.url, emulator.audience, dialect="okta", allow_loopback=True)
    elsewhere = Receiver(emulator.url, "https://somebody.else.example", allow_loopback=True)
    emissions = [
        Emission(EVENT, ADA, good),
        Emission(caep.SessionEstablished(), ADA, strict),
        Emission(EVENT, ADA, elsewhere),
    ]
    results = {result.index: result for result in transmitter.emit_all(emissions)}
    assert results[0].receipt is not None
    assert isinstance(results[1].error, ValidationError)
    assert isinstance(results[2].error, ReceiverRejected)
    assert results[2].emission is emissions[2]
    with pytest.raises(SsfError):
        results[2].result()


@pytest.mark.parametrize("concurrency", [-1, 0, 2**70])
def test_emit_all_takes_the_nearest_bound_that_there_is(
    transmitter: Transmitter, emulator: ReceiverEmulator, concurrency: int
) -> None:
    emissions = [Emission(EVENT, ADA, emulator.receiver()) for _ in range(20)]
    results = list(transmitter.emit_all(emissions, concurrency=concurrency))
    assert [result.result().status for result in results] == [202] * 20


def test_emit_all_can_be_left_and_raises_what_the_iterable_raises(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"from": 2, "fault": "never"}])
    receiver = emulator.receiver()

    def emissions(count: int) -> Iterator[Emission]:
        for _ in range(count):
            yield Emission(EVENT, ADA, receiver)
        raise LookupError("the end of the list")

    with Transmitter(ISSUER, key) as transmitter:
        for result in transmitter.emit_all(emissions(5), concurrency=1):
            assert result.receipt
            break
        with pytest.raises(LookupError):
            list(transmitter.emit_all(emissions(0)))
        counters = transmitter.counters
    assert counters.delivered == 1
    assert counters.enqueued - counters.delivered == counters.failures.get("abandoned", 0) + counters.in_flight


def test_a_connection_that_the_receiver_has_closed_meanwhile_is_not_used_again(key: SigningKey) -> None:
    answered, closed = threading.Event(), threading.Event()
    connections = 0

    def serve(listener: socket.socket) -> None:
        nonlocal connections
        for _ in range(2):
            connection, _ = listener.accept()
            connections += 1
            with connection:
                head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
                (length,) = re.findall(rb"content-length: (\d+)", head)
                while len(body) < int(length):
                    body += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                answered.wait(60)
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        receiver = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}/", "x", allow_loopback=True)
        with Transmitter(ISSUER, key, retry=RetryPolicy(max_attempts=1)) as transmitter:
            transmitter.emit(EVENT, ADA, receiver)
            answered.set()
            assert closed.wait(60)
            assert transmitter.emit(EVENT, ADA, receiver).attempts == 1
        thread.join()
    assert connections == 2


def relayed(port: int) -> tuple[int, threading.Event]:
    """Pass one connection on to another port; tell where it is taken, and when its client has closed it."""
    listener = socket.create_server(("127.0.0.1", 0))
    closed = threading.Event()

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with listener, listener.accept()[0] as ours, socket.create_connection(("127.0.0.1", port)) as theirs:
            back = threading.Thread(target=copy, args=(theirs, ours), daemon=True)
            back.start()
            copy(ours, theirs)
            closed.set()
            back.join()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], closed


def test_a_closed_transmitter_closes_its_connections(key: SigningKey, ssf_receiver: Any) -> None:
    for tls in (False, True):
        emulator = ssf_receiver(issuer=ISSUER, keys=key, audience="x", tls=tls)
        url = urlsplit(emulator.url)
        assert url.port is not None
        port, closed = relayed(url.port)
        receiver = Receiver(url._replace(netloc=f"127.0.0.1:{port}").geturl(), "x", allow_loopback=True)
        with Transmitter(ISSUER, key, ca_bundle=emulator.ca_pem) as transmitter:
            transmitter.emit(EVENT, ADA, receiver)
            assert not closed.is_set()
        assert closed.wait(60)


def test_keys_rotate_while_a_transmitter_sends(ssf_receiver: Any) -> None:
    keys = KeySet(SigningKey.generate("P-256"))
    day, staged = timedelta(days=1), datetime(2026, 1, 1, tzinfo=timezone.utc)
    keys.stage(SigningKey.generate("P-256"), at=staged)
    assert len(keys.jwks()) == 2
    emulator = ssf_receiver(issuer=ISSUER, keys=keys)
    with Transmitter(ISSUER, keys) as transmitter:
        first = transmitter.emit(EVENT, ADA, emulator.receiver()).set.decode().header["kid"]
        with pytest.raises(SsfError, match="been published for less than"):
            keys.rotate(published=day, at=staged)
        assert keys.rotate(published=day, at=staged + day) == first
        second = transmitter.emit(EVENT, ADA, emulator.receiver()).set.decode().header["kid"]
    assert (second, [key.kid for key in keys.retired], keys.next) == (keys.active.kid, [first], None)
    keys.remove(first)
    assert keys.retired == []


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])
def test_joserfc_and_pyjwt_verify_what_is_signed(algorithm: Any) -> None:
    kinds: dict[str, Any] = {"R": "RSA-2048", "P": "RSA-2048", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    key = SigningKey.generate(kinds.get(algorithm) or kinds.get(algorithm[0]) or "Ed25519").with_algorithm(algorithm)
    receiver = Receiver("https://receiver.example.net", "https://receiver.example.net")
    with Transmitter(ISSUER, key) as transmitter:
        signed = transmitter.prepare(EVENT, ADA, receiver).sign(key)
    jwks = KeySet(key).jwks()
    document = json.loads(jwks.to_json())

    checked = jws.deserialize_compact(str(signed), JoseKeySet.import_key_set(document), algorithms=[algorithm])
    assert checked.headers() == {"alg": algorithm, "kid": key.kid, "typ": "secevent+jwt"}
    assert json.loads(checked.payload or b"") == signed.decode().claims
    if algorithm != "Ed25519":  # PyJWT knows it by its classic name only
        public = jwt.PyJWK(document["keys"][0]).key
        claims = jwt.decode(str(signed), public, algorithms=[algorithm], audience="https://receiver.example.net")
        assert claims == signed.decode().claims
    assert signed.decode().verify(jwks).kid == key.kid


def test_keys_go_out_and_come_back() -> None:
    key = SigningKey.generate("P-256").with_kid("key-1")
    assert SigningKey.from_jwk(key.export_private_jwk()).kid == "key-1"
    public = key.public_key
    for again in (
        SigningKey.from_pem(key.export_private_pem()),
        SigningKey.from_pem(key.export_private_pem(password="s3cret").encode(), password="s3cret"),
    ):
        assert again.public_key.thumbprint == public.thumbprint
    assert PublicKey.from_pem(public.to_pem()).thumbprint == public.thumbprint
    assert PublicKey.from_jwk(json.dumps(public.to_jwk())).kid == "key-1"
    assert [known.kid for known in Jwks.from_json(Jwks([public]).to_json()).keys] == ["key-1"]
    assert "d" not in public.to_jwk()


def test_receivers_tell_what_they_are() -> None:
    acme = Receiver.okta("https://acme.okta.com")
    assert (acme.host, acme.audience, acme.dialect.id) == ("acme.okta.com", "https://acme.okta.com", "okta")
    several = Receiver("https://receiver.example.net/events", ["a", "b"], dialect=Dialect.built_in("caep-interop"))
    assert (several.audience, several.dialect.title) == (["a", "b"], "CAEP Interoperability Profile")
    assert set(Dialect.ids()) >= {"ssf-1.0", "okta", "govuk-one-login"}
    own = Dialect.built_in("okta").extended('id = "okta-ms"\n[time]\nunit = "ms"\n')
    event = caep.SessionRevoked(event_timestamp=datetime(2026, 1, 1, tzinfo=timezone.utc), reason_admin={"en": "x"})
    with Transmitter(ISSUER, SigningKey.generate()) as transmitter:
        receiver = Receiver.okta("https://acme.okta.com", dialect=own)
        claims = transmitter.prepare(event, ADA, receiver).decode().claims
    assert claims["events"][event.uri]["event_timestamp"] == 1767225600000


def test_a_complex_subject_arrives_whole(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    subject = ComplexSubject(user=ADA, device=Opaque("laptop-7"))
    transmitter.emit(EVENT, subject, emulator.receiver())
    assert emulator.assert_received("caep.session-revoked", subject=subject)["sub_id"] == subject.to_dict()


def test_the_configuration_document_is_checked_and_knows_its_place() -> None:
    document = TransmitterConfiguration(
        "https://tr.example.com/issuer1",
        jwks_uri="https://tr.example.com/jwks.json",
        authorization_schemes=["urn:ietf:rfc:6749"],
        default_subjects="NONE",
        members={"vendor": {"name": "Example"}},
    )
    assert (
        document.url
        == "https://tr.example.com/.well-known/ssf-configuration/issuer1"
        == well_known_url(document.issuer)
    )
    assert legacy_well_known_url(document.issuer).endswith("/.well-known/risc-configuration/issuer1")
    assert json.loads(document.to_json()) == {
        "spec_version": "1_0",
        "issuer": "https://tr.example.com/issuer1",
        "jwks_uri": "https://tr.example.com/jwks.json",
        "delivery_methods_supported": ["urn:ietf:rfc:8935"],
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "NONE",
        "vendor": {"name": "Example"},
    }
    with pytest.raises(SsfError) as raised:
        TransmitterConfiguration("https://tr.example.com", jwks_uri="http://tr.example.com/jwks.json")
    assert raised.value.pointer == "/jwks_uri"
