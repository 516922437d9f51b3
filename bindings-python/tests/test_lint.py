"""Lint, explain and doctor: what is told before and after sending."""

from __future__ import annotations

import json
import pickle
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK
from ssf_transmitter import (
    AsyncTransmitter,
    Email,
    Emission,
    Jwks,
    Receiver,
    ReceiverRejected,
    Signer,
    SigningKey,
    Transmitter,
    TransportError,
    ValidationError,
    prepare_set,
)
from ssf_transmitter.events import caep
from ssf_transmitter.lint import Finding, Linter, LintPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
ADA = Email("ada@example.com")
#: A member that nobody knows: a warning, and nothing that breaks a definition.
UNKNOWN = caep.SessionRevoked(reason_admin={"en": "Laptop lost"}, other_members={"colour": "red"})
STRICT = LintPolicy(refuse="note")


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


def test_what_breaks_a_definition_is_found_and_not_raised() -> None:
    ((uri, _),) = EVENT.to_dict().items()
    with Transmitter(ISSUER, SigningKey.generate("P-256")) as transmitter:
        receiver = Receiver("https://receiver.example.net/events", "https://receiver.example.net")
        assert transmitter.lint(EVENT, ADA, receiver) == ()
        (finding,) = transmitter.lint({uri: {"event_timestamp": "soon"}}, ADA, receiver)
        assert (finding.rule, finding.severity, finding.effect) == ("event-member-type", "error", "refuses")
        assert finding.pointer.endswith("/event_timestamp")
        assert str(finding).startswith("error: ")
        assert str(finding).endswith("[event-member-type]")
        assert "soon" not in str(finding)
        assert rules(transmitter.lint(EVENT, Email("nobody"), receiver)) == {"subject-member-value"}
        # Nor is what cannot even be read.
        assert rules(transmitter.lint({"a": {}, "b": {}}, ADA, receiver)) == {"json-invalid"}


def test_a_linter_of_a_transmitter_knows_issuer_audience_and_keys(key: SigningKey) -> None:
    receiver = Receiver("https://receiver.example.net/events", "https://receiver.example.net")
    with Transmitter(ISSUER, key) as transmitter:
        linter = transmitter.linter(receiver)
        unsigned = transmitter.prepare(EVENT, ADA, receiver)
        assert linter.set(unsigned) == ()
        assert linter.set(unsigned.sign(key)) == ()
        assert linter.event(EVENT, ADA) == ()
    other = prepare_set(
        EVENT, issuer=f"{ISSUER}/", audience="https://x.example", subject=ADA, algorithm="ES256", kid="k"
    )
    assert {"iss-mismatch", "aud-mismatch"} <= rules(linter.set(other))
    forged = prepare_set(
        EVENT, issuer=ISSUER, audience="https://receiver.example.net", subject=ADA, algorithm="ES256", kid=key.kid
    ).sign(SigningKey.generate("P-256"))
    assert rules(linter.set(forged)) == {"signature-invalid"}
    assert rules(linter.jwt(str(forged))) == {"signature-invalid"}


def test_a_linter_goes_by_the_time_that_it_is_given() -> None:
    now = datetime.now(timezone.utc)
    late = prepare_set(EVENT, issuer=ISSUER, audience="x", subject=ADA, algorithm="ES256", kid="k", issued_at=now)
    assert "iat-future" not in rules(Linter().set(late))
    assert "iat-future" in rules(Linter(now=now - timedelta(hours=1)).set(late))


def test_warnings_stand_on_everything_that_comes_of_the_set(key: SigningKey, emulator: ReceiverEmulator) -> None:
    with Transmitter(ISSUER, key, ca_bundle=emulator.ca_pem, lint=LintPolicy(report="note")) as transmitter:
        unsigned = transmitter.prepare(UNKNOWN, ADA, emulator.receiver())
        receipt = transmitter.emit(UNKNOWN, ADA, emulator.receiver())
    (finding,) = receipt.findings
    assert finding.rule == "event-member-unknown"
    assert unsigned.findings == unsigned.sign(key).findings == receipt.findings == receipt.set.findings
    assert pickle.loads(pickle.dumps(finding)) == finding


def test_a_policy_refuses_reports_and_allows(key: SigningKey, emulator: ReceiverEmulator) -> None:
    receiver = emulator.receiver()
    with Transmitter(ISSUER, key, ca_bundle=emulator.ca_pem, lint=STRICT) as transmitter:
        with pytest.raises(ValidationError) as refused:
            transmitter.emit(UNKNOWN, ADA, receiver)
        assert rules(refused.value.findings) == {"event-member-unknown"}
        assert emulator.requests == []
        # What a call says goes before what the transmitter says.
        silent = LintPolicy(report=None)
        assert transmitter.emit(UNKNOWN, ADA, receiver, lint=silent).findings == ()
        allowed = LintPolicy(refuse="note", allow=["event-member-unknown"])
        assert transmitter.emit(UNKNOWN, ADA, receiver, lint=allowed).findings == ()
        assert transmitter.prepare(UNKNOWN, ADA, receiver, lint=allowed).findings == ()
        with pytest.raises(ValidationError):
            transmitter.prepare(UNKNOWN, ADA, receiver)
        results = list(
            transmitter.emit_all([Emission(UNKNOWN, ADA, receiver, lint=policy) for policy in (None, silent)])
        )
        assert sorted((result.index, result.error is None) for result in results) == [(0, False), (1, True)]


def test_what_breaks_a_definition_is_refused_whatever_the_policy_says() -> None:
    ((uri, _),) = EVENT.to_dict().items()
    with pytest.raises(ValidationError, match="event_timestamp"):
        prepare_set(
            {uri: {"event_timestamp": "soon"}}, issuer=ISSUER, audience="x", subject=ADA, algorithm="ES256",
            kid="k", lint=LintPolicy(refuse=None),
        )  # fmt: skip
    with pytest.raises(ValidationError):
        prepare_set(UNKNOWN, issuer=ISSUER, audience="x", subject=ADA, algorithm="ES256", kid="k", lint=STRICT)


async def test_a_policy_holds_for_asyncio_too(key: SigningKey, emulator: ReceiverEmulator) -> None:
    async with AsyncTransmitter(ISSUER, key, ca_bundle=emulator.ca_pem, lint=STRICT) as transmitter:
        with pytest.raises(ValidationError):
            await transmitter.emit(UNKNOWN, ADA, emulator.receiver())
        receipt = await transmitter.emit(UNKNOWN, ADA, emulator.receiver(), lint=LintPolicy(report="note"))
    assert rules(receipt.findings) == {"event-member-unknown"}


def test_a_severity_that_does_not_exist_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="refuse: no such severity"):
        LintPolicy(refuse="fatal")  # type: ignore[arg-type]


def test_an_error_is_explained(key: SigningKey, ssf_receiver: Any) -> None:
    answer = {"status": 400, "err": "invalid_audience", "description": "Not ours"}
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"fault": {"status": answer}}])
    receiver = emulator.receiver()
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter:
        with pytest.raises(ReceiverRejected) as refused:
            transmitter.emit(EVENT, ADA, receiver)
        set_ = transmitter.prepare(EVENT, ADA, receiver).sign(key)
        explanation = transmitter.linter(receiver).explain_error(refused.value, set_)
        assert (explanation.is_delivered, explanation.reason) == (False, "invalid_audience")
        assert explanation.said == "Not ours"
        assert "Not ours" not in repr(explanation)
        emulator.stop()
        with pytest.raises(TransportError) as broken:
            transmitter.emit(EVENT, ADA, receiver)
    explanation = Linter().explain_error(broken.value)
    assert (explanation.reason, explanation.said) == (broken.value.code, None)
    assert explanation.cause.endswith(".")
    assert explanation.remedy == broken.value.remedy


@pytest.fixture
def website(key: SigningKey) -> Iterator[dict[str, Any]]:
    """The web server of a transmitter: its documents by path, and its `issuer`."""
    pages: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        issuer = f"http://127.0.0.1:{server.server_port}"
        document = {"spec_version": "1_0", "issuer": issuer, "jwks_uri": f"{issuer}/jwks.json"}
        pages["issuer"] = issuer
        pages["/.well-known/ssf-configuration"] = document
        pages["/jwks.json"] = json.loads(Jwks([key.public_key]).to_json())
        yield pages
        server.shutdown()


def test_a_doctor_looks_at_everything_and_sends_if_it_is_told(
    key: SigningKey, website: dict[str, Any], ssf_receiver: Any
) -> None:
    emulator = ssf_receiver(issuer=website["issuer"], keys=key)
    with Transmitter(website["issuer"], key) as transmitter:
        diagnosis = transmitter.doctor(EVENT, ADA, emulator.receiver())
        assert diagnosis.is_healthy, diagnosis
        skipped = diagnosis.check("send")
        assert skipped is not None
        assert skipped.outcome == "skipped"
        assert emulator.requests == []
        sent = transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True).check("send")
        assert sent is not None
        assert sent.outcome == "passed"
    emulator.assert_received(caep.SessionRevoked, subject=ADA)
    ids = [check.id for check in diagnosis.checks]
    assert ids[0] == "configuration-reachable"
    assert {"jwks-valid", "signing-key", "clock", "lint"} <= set(ids)
    assert all(check.message for check in diagnosis.checks)
    assert all(timedelta() <= check.duration < timedelta(seconds=10) for check in diagnosis.checks)
    assert diagnosis.check("no-such-check") is None


def test_a_doctor_finds_what_is_wrong(key: SigningKey, website: dict[str, Any], ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=website["issuer"], keys=key)
    other = SigningKey.generate("P-256")
    ((uri, _),) = EVENT.to_dict().items()
    website["/elsewhere"] = website.pop("/.well-known/ssf-configuration")
    with Transmitter(website["issuer"], other) as transmitter:
        lost = transmitter.doctor(EVENT, ADA, emulator.receiver())
        broken = transmitter.doctor(
            {uri: {"event_timestamp": "soon"}}, ADA, emulator.receiver(),
            configuration_url=f"{website['issuer']}/elsewhere", send=True,
        )  # fmt: skip
    assert not lost.is_healthy
    failed = {check.id: check for check in lost.checks if check.outcome == "failed"}
    assert "configuration-reachable" in failed
    assert failed["configuration-reachable"].remedy
    failed = {check.id: check for check in broken.checks if check.outcome == "failed"}
    assert failed.keys() == {"signing-key", "lint"}
    assert emulator.requests == []


async def test_a_doctor_for_asyncio(key: SigningKey, website: dict[str, Any], ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=website["issuer"], keys=key)
    async with AsyncTransmitter(website["issuer"], key) as transmitter:
        diagnosis = await transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True)
        assert transmitter.lint(EVENT, ADA, emulator.receiver()) == ()
    assert diagnosis.is_healthy, diagnosis
    emulator.assert_received(caep.SessionRevoked, subject=ADA)


async def test_a_doctor_sends_what_a_signer_has_signed(
    key: SigningKey, website: dict[str, Any], ssf_receiver: Any
) -> None:
    asked: list[bytes] = []

    def sign(signing_input: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        asked.append(signing_input)
        private: Any = load_pem_private_key(key.export_private_pem().encode(), None)
        r, s = utils.decode_dss_signature(private.sign(signing_input, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    signer = Signer(sign, algorithm="ES256", kid=key.kid)
    emulator = ssf_receiver(issuer=website["issuer"], keys=key)
    with Transmitter(website["issuer"], signer) as transmitter:
        assert transmitter.doctor(EVENT, ADA, emulator.receiver()).is_healthy
        assert asked == []
        assert transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True).is_healthy
        ((uri, _),) = EVENT.to_dict().items()
        broken = transmitter.doctor({uri: {"event_timestamp": "soon"}}, ADA, emulator.receiver(), send=True)
        assert not broken.is_healthy
    async with AsyncTransmitter(website["issuer"], signer) as other:
        assert (await other.doctor(EVENT, ADA, emulator.receiver(), send=True)).is_healthy
    assert len(emulator.received) == len(asked) == 2
