"""Exceptions: which one, what it knows, and what it does not say."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import ssf_transmitter
from conftest import ISSUER, QUICK
from ssf_transmitter import (
    ApiError,
    ClientCredentials,
    ConfigError,
    DeadlineExceeded,
    DeliveryError,
    Dialect,
    Email,
    InternalError,
    KeyMaterialError,
    KeySet,
    Receiver,
    ReceiverRejected,
    Signer,
    SigningError,
    SigningKey,
    SsfError,
    TokenError,
    Transmitter,
    TransportError,
    ValidationError,
)
from ssf_transmitter.events import caep, risc
from ssf_transmitter.lint import Linter, LintPolicy
from ssf_transmitter.okta import OktaProviders
from ssf_transmitter.testing import ReceiverEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")


def scripted(ssf_receiver: Callable[..., ReceiverEmulator], key: SigningKey, *rules: Any) -> ReceiverEmulator:
    return ssf_receiver(issuer=ISSUER, keys=key, script=rules)


def test_the_hierarchy_is_the_documented_one() -> None:
    assert {kind.__name__: kind.__base__.__name__ for kind in (  # type: ignore[union-attr]
        ConfigError, KeyMaterialError, ValidationError, SigningError, TokenError, DeliveryError, ReceiverRejected,
        TransportError, DeadlineExceeded, ApiError, InternalError,
    )} == {
        "ConfigError": "SsfError",
        "KeyMaterialError": "ConfigError",
        "ValidationError": "SsfError",
        "SigningError": "SsfError",
        "TokenError": "SsfError",
        "DeliveryError": "SsfError",
        "ReceiverRejected": "DeliveryError",
        "TransportError": "DeliveryError",
        "DeadlineExceeded": "DeliveryError",
        "ApiError": "SsfError",
        "InternalError": "SsfError",
    }  # fmt: skip


def test_a_refusal_says_what_the_receiver_said(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = scripted(
        ssf_receiver, key, {"fault": {"status": {"status": 400, "err": "invalid_audience", "description": "Not ours"}}}
    )
    with Transmitter(ISSUER, key) as transmitter, pytest.raises(ReceiverRejected) as raised:
        transmitter.emit(EVENT, ADA, emulator.receiver())
    error = raised.value
    assert (error.code, error.status, error.kind) == ("receiver_rejected", 400, "delivery")
    assert (error.receiver_error, error.receiver_description) == ("invalid_audience", "Not ours")
    assert not error.retryable
    assert error.remedy
    assert "Not ours" not in str(error) + repr(error)
    assert str(error).endswith("[receiver_rejected]")


def test_what_a_receiver_asks_to_wait_is_a_timedelta(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = scripted(ssf_receiver, key, {"fault": {"status": {"status": 429, "retry_after": 90}}})
    with Transmitter(ISSUER, key, deadline=60) as transmitter, pytest.raises(ReceiverRejected) as raised:
        transmitter.emit(EVENT, ADA, emulator.receiver())
    assert raised.value.retry_after == timedelta(seconds=90)
    assert raised.value.retryable


def test_errors_can_be_pickled_with_their_cause(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = scripted(ssf_receiver, key, {"fault": {"status": {"status": 429, "retry_after": 90}}})
    with Transmitter(ISSUER, key, deadline=60) as transmitter, pytest.raises(ReceiverRejected) as raised:
        transmitter.emit(EVENT, ADA, emulator.receiver())
    raised.value.__cause__ = SsfError("json_invalid", "beneath")
    copied = pickle.loads(pickle.dumps(raised.value))
    assert type(copied) is ReceiverRejected
    assert vars(copied) == vars(raised.value)
    assert str(copied) == str(raised.value)
    assert str(copied.__cause__) == "beneath [json_invalid]"
    # What another library put into it may be secret, or may not be pickled.
    raised.value.__cause__ = OSError(emulator)
    assert repr(pickle.loads(pickle.dumps(raised.value)).__cause__) == "RuntimeError('OSError')"


def test_what_lint_found_is_pickled_with_the_error() -> None:
    acme = Receiver.okta("https://acme.okta.com")
    with Transmitter(ISSUER, SigningKey.generate()) as transmitter, pytest.raises(ValidationError) as raised:
        transmitter.emit(EVENT, ADA, acme)
    error = raised.value
    assert {finding.rule for finding in error.findings} == {"event-reason-missing", "event-member-missing"}
    worst = error.findings[0]
    assert (error.pointer, error.message) == (worst.pointer, worst.message)
    assert pickle.loads(pickle.dumps(error)).findings == error.findings


def test_a_connection_that_cannot_be_had_is_a_transport_error(key: SigningKey, ssf_receiver: Any) -> None:
    stopped = ssf_receiver(issuer=ISSUER, keys=key)
    receiver = stopped.receiver()
    stopped.stop()
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter, pytest.raises(TransportError) as raised:
        transmitter.emit(EVENT, ADA, receiver)
    assert raised.value.retryable
    assert transmitter.__repr__().endswith("closed>")


def test_a_certificate_that_nobody_vouches_for_is_a_transport_error(
    key: SigningKey, emulator: ReceiverEmulator
) -> None:
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter, pytest.raises(TransportError) as raised:
        transmitter.emit(EVENT, ADA, emulator.receiver())
    assert raised.value.code == "tls_certificate_untrusted"


def test_time_that_runs_out_is_a_deadline_error(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = scripted(ssf_receiver, key, {"fault": "never"})
    with Transmitter(ISSUER, key) as transmitter, pytest.raises(DeadlineExceeded) as raised:
        transmitter.emit(EVENT, ADA, emulator.receiver(), deadline=timedelta(milliseconds=200))
    assert isinstance(raised.value, DeliveryError)


def test_credentials_that_are_not_taken_are_a_token_error(key: SigningKey, ssf_receiver: Any) -> None:
    rsa = SigningKey.generate()
    emulator = ssf_receiver(issuer=ISSUER, keys=rsa, like="govuk-one-login")
    assert emulator.token_url is not None
    receiver = Receiver.govuk_one_login(
        emulator.url,
        emulator.audience,
        client_credentials=ClientCredentials(emulator.token_url, "client", "wr0ng-s3cret"),
        allow_loopback=True,
    )
    with Transmitter(ISSUER, rsa, retry=QUICK) as transmitter, pytest.raises(TokenError) as raised:
        transmitter.emit(risc.AccountPurged(), {"format": "uri", "uri": "urn:fdc:gov.uk:2022:1"}, receiver)
    assert raised.value.receiver_error == "invalid_client"
    assert "wr0ng" not in str(raised.value) + repr(raised.value) + repr(receiver)


@pytest.mark.parametrize(
    ("make", "kind", "code"),
    [
        (lambda: Receiver("http://receiver.example.net", "x"), ConfigError, "endpoint_invalid"),
        (lambda: Receiver("https://receiver.example.net", ""), ConfigError, "audience_missing"),
        (lambda: Receiver("https://receiver.example.net", "x", dialect="octa"), ConfigError, "dialect_unknown"),
        (lambda: Receiver("https://receiver.example.net", "x", rate_limit=0), ConfigError, "configuration_invalid"),
        (lambda: Receiver.govuk_one_login("https://x.example", "x"), ConfigError, "configuration_invalid"),
        (lambda: LintPolicy(allow=["aud-slahs"]), ConfigError, "configuration_invalid"),
        (lambda: Linter("octa"), ConfigError, "dialect_unknown"),
        (lambda: OktaProviders("https://acme.okta.com/path", ssws="x"), ConfigError, "endpoint_invalid"),
        (lambda: OktaProviders("https://acme.okta.com", ssws=""), ConfigError, "authorization_invalid"),
        (lambda: Dialect.from_toml("id = 7"), ConfigError, "dialect_invalid"),
        (lambda: SigningKey.from_pem("no key"), KeyMaterialError, "key_format_unknown"),
        (lambda: SigningKey.generate("P-256").with_algorithm("RS256"), KeyMaterialError, "key_algorithm_mismatch"),
        (lambda: Transmitter("", SigningKey.generate("P-256")), ConfigError, "issuer_invalid"),
        (
            lambda: Transmitter(ISSUER, SigningKey.generate("P-256"), ca_bundle="x"),
            ConfigError,
            "ca_bundle_invalid",
        ),
        (lambda: Transmitter(ISSUER, SigningKey.generate("P-256"), deadline=0), ConfigError, "configuration_invalid"),
        (
            lambda: Transmitter(ISSUER, SigningKey.generate("P-256"), allow_networks="x"),
            ConfigError,
            "configuration_invalid",
        ),
    ],
)
def test_a_wrong_setting_is_an_error_at_once(make: Any, kind: type[SsfError], code: str) -> None:
    with pytest.raises(kind) as raised:
        make()
    assert raised.value.code == code


RECEIVER = Receiver("https://receiver.example.net", "x")
KEY = SigningKey.generate("P-256")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Receiver("https://x.example", "x", dilect="okta"), r"Receiver\(\).*'dilect'; did you mean 'dialect'"),
        (lambda: Receiver.okta("https://x.example", allow_lopback=True), "did you mean 'allow_loopback'"),
        (lambda: Transmitter(ISSUER, KEY, dedline=5), r"Transmitter\(\).*'dedline'; did you mean 'deadline'"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, RECEIVER, tnx="x"), "Transmitter.emit.*did you mean 'txn'"),
        (lambda: SigningKey.from_pem("", pasword="x"), "SigningKey.from_pem.*did you mean 'password'"),
        (lambda: ClientCredentials("https://x.example", "id", "s", skope="x"), "did you mean 'scope'"),
        (lambda: LintPolicy(refuze="note"), "id you mean 'refuse'"),
        (lambda: Linter(isuer="x"), r"Linter\(\).*did you mean 'issuer'"),
        (lambda: OktaProviders("https://acme.okta.com", swss="x"), r"^OktaProviders\(\).*did you mean 'ssws'"),
        (lambda: ssf_transmitter.RetryPolicy(max_attemts=1), "id you mean 'max_attempts'"),
        (lambda: ssf_transmitter.TransmitterConfiguration(ISSUER, jwks_url="x"), "did you mean 'jwks_uri'"),
        (lambda: ssf_transmitter.prepare_set(EVENT, isuer="x"), "did you mean 'issuer'"),
    ],
)
def test_a_misspelt_keyword_is_named_with_the_one_that_was_meant(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("timeout", "deadline"),
        ("retries", "retry"),
        ("max_retries", "retry"),
        ("verify", "ca_bundle"),
        ("proxies", "proxy"),
        ("cert", "client_certificate"),
        ("local_address", "source_address"),
    ],
)
def test_the_keywords_of_other_libraries_point_to_ours(theirs: str, ours: str) -> None:
    with pytest.raises(TypeError, match=f"'{theirs}'; did you mean '{ours}'"):
        Transmitter(ISSUER, KEY, **{theirs: 1})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Receiver(7, "x"), "endpoint: expected str, got int"),
        (lambda: Receiver("https://x.example", 7), "audience: expected str"),
        (lambda: Receiver("https://x.example", "x", bearer=b"x"), "bearer: expected str"),
        (lambda: Receiver("https://x.example", "x", concurrency="x"), "concurrency: expected int, got str"),
        (lambda: Receiver("https://x.example", "x", bearer="a", authorization="b"), "pass exactly one of bearer"),
        (lambda: Transmitter(ISSUER, "key"), "key: expected SigningKey"),
        (lambda: Transmitter(ISSUER, lambda _: b""), "key: expected SigningKey"),
        (lambda: KeySet("key"), "expected a SigningKey or a Signer, got str"),
        (lambda: Signer(algorithm="ES256"), "pass either sign or sign_digest"),
        (lambda: Signer(bytes, sign_digest=bytes, algorithm="ES256"), "pass either sign or sign_digest"),
        (lambda: Signer("sign", algorithm="ES256"), "sign: expected a callable, got str"),
        (lambda: Signer(bytes), "algorithm"),
        (lambda: Transmitter(ISSUER, KEY, deadline="soon"), "deadline: expected timedelta"),
        (lambda: Transmitter(ISSUER, KEY, retry=5), "retry: expected RetryPolicy"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, "okta"), "to: expected Receiver, got str"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, RECEIVER, txn=7), "txn: expected str"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, RECEIVER, toe=7), "toe: expected datetime"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, RECEIVER, companions=EVENT), "companions: expected"),
        (lambda: Transmitter(ISSUER, KEY).emit("x", ADA, RECEIVER), "event: expected Event"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, "ada@example.com", RECEIVER), "subject: expected Subject"),
        (lambda: Transmitter(ISSUER, KEY).deliver("x", RECEIVER), "set: expected SignedSet"),
        (lambda: SigningKey.from_pem(7), "expected bytes or str, got int"),
        (lambda: ClientCredentials("https://x.example", "id"), "either client_secret or key"),
        (lambda: Transmitter(ISSUER, KEY, lint="error"), "lint: expected LintPolicy"),
        (lambda: Transmitter(ISSUER, KEY).emit(EVENT, ADA, RECEIVER, lint="error"), "lint: expected LintPolicy"),
        (lambda: LintPolicy(allow="aud-slash"), "allow: expected a list of rules, got str"),
        (lambda: LintPolicy(allow=[7]), r"allow\[0\]: expected str, got int"),
        (lambda: LintPolicy(refuse=7), "refuse"),
        (lambda: Linter(7), "dialect: expected Dialect"),
        (lambda: Linter().set("x"), "set: expected UnsignedSet"),
        (lambda: Linter().jwt(b"x"), "text: expected str, got bytes"),
        (lambda: Linter().explain(status="400"), "status: expected int, got str"),
        (lambda: Linter().explain_error("x"), "error: expected SsfError"),
        (lambda: OktaProviders("https://acme.okta.com"), "pass exactly one of ssws, bearer and client_credentials"),
        (lambda: OktaProviders("https://acme.okta.com", ssws="a", bearer="b"), "pass exactly one of ssws"),
        (lambda: OktaProviders("https://acme.okta.com", ssws="a").read(7), "id: expected str, got int"),
    ],
)
def test_a_wrong_type_is_a_type_error_with_the_name(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_a_closed_transmitter_says_so(key: SigningKey) -> None:
    transmitter = Transmitter(ISSUER, key)
    transmitter.close()
    with pytest.raises(ConfigError, match="closed") as refused:
        transmitter.emit(EVENT, ADA, RECEIVER)
    assert refused.value.code == "transmitter_closed"
