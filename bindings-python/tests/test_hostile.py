"""Garbage: each is an exception of ours or a TypeError, never a crash, and never quotes what it was given."""

from __future__ import annotations

import contextlib
import math
import random
from typing import Any

import pytest

from conftest import ISSUER
from ssf_transmitter import (
    CustomEvent,
    DecodedSet,
    Dialect,
    Email,
    Jwks,
    PublicKey,
    Receiver,
    Signature,
    SignedSet,
    SigningKey,
    SsfError,
    Transmitter,
)
from ssf_transmitter.conformance import check_configuration, check_set, check_token
from ssf_transmitter.events import caep
from ssf_transmitter.lint import Linter, jwks
from vectors import plain, read

READERS: list[Any] = [
    SigningKey.from_pem,
    SigningKey.from_jwk,
    lambda text: SigningKey.from_pem(text, password="x"),
    lambda text: SigningKey.from_der(text.encode("utf-8", "surrogateescape")),
    PublicKey.from_pem,
    PublicKey.from_jwk,
    Jwks.from_json,
    SignedSet.parse,
    DecodedSet.parse,
    Dialect.from_toml,
    Dialect.built_in,
]
TEXTS = [
    "",
    " ",
    "\0",
    "s3cret",
    "s3cret" * 100_000,
    "{" * 10_000,
    "[" * 100_000,
    '{"keys": "s3cret"}',
    '{"kty": "RSA", "n": "s3cret", "e": "AQAB", "d": "s3cret"}',
    "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----",
    "s3cret.s3cret.s3cret",
    "eyJhbGciOiJub25lIn0.bm8ganNvbg.",
    "id = 's3cret",
    "\N{SNOWMAN}\N{PILE OF POO}",
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_is_none_of_ours_is_an_error(reader: Any, text: str) -> None:
    with pytest.raises(SsfError) as raised:
        reader(text)
    assert "s3cret" not in str(raised.value) + repr(raised.value)


@pytest.mark.parametrize("reader", READERS)
def test_a_lone_surrogate_is_no_text(reader: Any) -> None:
    with pytest.raises((SsfError, TypeError, UnicodeEncodeError)):
        reader("\ud800")


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_lint_takes_any_text_and_never_quotes_it(text: str) -> None:
    looks = [Linter("okta").jwt(text), jwks(text), Linter().explain(text, status=400, body=text).findings]
    looks.append(Linter().explain("", status=999, body=text.encode(), headers={text: text}).findings)
    assert all(looks[:2])
    assert not any("s3cret" in str(finding) for findings in looks for finding in findings)
    conditions = [*check_set(text, issuer=text, audience=text), *check_configuration(text, text), *check_token(text)]
    assert not all(condition.holds for condition in conditions)


def test_what_json_cannot_carry_is_a_finding() -> None:
    for claims in ({"a": math.nan}, {"a": 10**400}):
        assert rules(Linter().event(CustomEvent(uri="urn:example:event", claims=claims))) == {"json-invalid"}
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    assert rules(Linter().event({"urn:example:event": {}}, {"format": "opaque", "id": deep})) == {"value-too-deep"}


def rules(findings: Any) -> set[str]:
    return {finding.rule for finding in findings}


def test_a_subject_that_returns_itself_is_refused(key: SigningKey) -> None:
    class Endless(Email):
        def to_dict(self) -> Any:
            return self

    class Nested(Email):
        def to_dict(self) -> Any:
            return {"again": self}

    with Transmitter(ISSUER, key) as transmitter:
        for kind, code in ((Endless, "value_not_json"), (Nested, "value_too_deep")):
            event = CustomEvent(uri="urn:example:event", claims={"who": kind("ada@example.com")})
            with pytest.raises(SsfError) as raised:
                transmitter.prepare(event, Email("ada@example.com"), Receiver("https://x.example", "x"))
            assert raised.value.code == code


def test_broken_sets_are_refused_wherever_they_break() -> None:
    chance = random.Random(7)
    compact = read("signed.json")["verified"][0]["compact"]
    whole = SignedSet.parse(compact)
    for _ in range(500):
        cut = list(compact)
        for _ in range(chance.randint(1, 3)):
            cut[chance.randrange(len(cut))] = chance.choice('._-A\0é{"')
        # What still is a SET may be one, but not this one.
        with contextlib.suppress(SsfError):
            assert SignedSet.parse("".join(cut)) != whole or "".join(cut) == compact


def test_what_only_looks_like_a_mapping_or_a_string_is_taken_as_it_is() -> None:
    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "not what it is"

    class Items(dict[str, Any]):
        def __iter__(self) -> Any:
            raise LookupError("no")

    claims = plain(caep.SessionRevoked(current_ip=Text("192.0.2.1")), Email("ada@example.com")).decode().claims
    assert claims["events"][caep.SessionRevoked.uri]["current_ip"] == "192.0.2.1"
    CustomEvent(uri="urn:example:event", claims=Items(a=1)).validate()


@pytest.mark.parametrize("length", [0, 1, 63, 65, 1_000_000])
def test_a_signature_of_any_length_but_the_right_one_is_refused(length: int) -> None:
    unsigned = plain(caep.SessionRevoked(), Email("ada@example.com"))
    for signature in (Signature.der(b"\x30" * length), Signature.raw(b"x" * min(length, 65))):
        with pytest.raises(SsfError) as raised:
            unsigned.attach(signature)
        assert raised.value.code == "signature_malformed"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "https://",
        "https://user:s3cret@x.example",
        "file:///etc/passwd",
        "https://x.example/#s3cret",
        "https://[::1",
    ],
)
def test_a_url_that_is_none_is_a_config_error_without_its_secrets(url: str) -> None:
    with pytest.raises(SsfError) as raised:
        Receiver(url, "x")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[fd00::1]", "localhost"])
def test_addresses_of_ones_own_network_are_not_reached(address: str) -> None:
    receiver = Receiver(f"https://{address}/events", "x")
    with Transmitter(ISSUER, SigningKey.generate("P-256")) as transmitter, pytest.raises(SsfError) as raised:
        transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), receiver)
    assert not raised.value.retryable


@pytest.mark.parametrize("span", [-1, math.nan, math.inf, 1e300])
def test_a_span_of_time_that_is_none_is_a_value_error(span: float) -> None:
    with pytest.raises(ValueError, match="duration"):
        Transmitter(ISSUER, SigningKey.generate("P-256"), deadline=span)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_count_that_is_none_is_an_error(number: int) -> None:
    with pytest.raises((OverflowError, ValueError, SsfError)):
        Receiver("https://x.example", "x", concurrency=number)
