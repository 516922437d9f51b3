"""The testing aid itself: what a vendor's own tests are written with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER
from ssf_transmitter import Email, Opaque, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

ADA = Email("ada@example.com")


def test_it_asserts_on_what_it_received(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    with pytest.raises(AssertionError, match="found 0 among:"):
        emulator.assert_received("caep.session-revoked")
    transmitter.emit(caep.SessionRevoked(), ADA, emulator.receiver())
    transmitter.emit(caep.SessionEstablished(), Opaque("session-1"), emulator.receiver())
    assert emulator.assert_received("caep.session-revoked")["sub_id"] == ADA.to_dict()
    assert emulator.assert_received(caep.SessionRevoked.uri, subject=ADA.to_dict())
    assert emulator.assert_received(caep.SessionEstablished, subject=Opaque("session-1"))
    with pytest.raises(AssertionError, match="202 taken https://schemas"):
        emulator.assert_received(caep.SessionRevoked, subject=Email("eve@example.com"))
    transmitter.emit(caep.SessionRevoked(), ADA, emulator.receiver())
    with pytest.raises(AssertionError, match="found 2 among"):
        emulator.assert_received("caep.session-revoked")
    with pytest.raises(ValueError, match=r"the catalogue has no caep\.session-revokd"):
        emulator.assert_received("caep.session-revokd")
    emulator.clear()
    assert emulator.requests == []


def test_a_subject_is_found_where_okta_wants_it(ssf_receiver: Any) -> None:
    from datetime import datetime, timezone

    key = SigningKey.generate()
    emulator = ssf_receiver(issuer=ISSUER, keys=key, like="okta")
    event = caep.SessionRevoked(event_timestamp=datetime.now(timezone.utc), reason_admin={"en": "Laptop lost"})
    with Transmitter(ISSUER, key) as transmitter:
        transmitter.emit(event, ADA, emulator.receiver())
    assert "sub_id" not in emulator.assert_received("caep.session-revoked", subject=ADA)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"like": "octa"}, "like: no such receiver; known are okta, govuk-one-login, rfc8935"),
        ({"script": [{"fault": "sleep"}]}, "the script is wrong at /0/fault"),
        ({"users": ["ada@example.com"]}, "rfc8935 has no list of users"),
    ],
)
def test_a_wrong_setting_is_a_value_error(key: SigningKey, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReceiverEmulator(**{"issuer": ISSUER, "keys": key, **settings})


def test_a_wrong_type_is_a_type_error(key: SigningKey) -> None:
    with pytest.raises(TypeError, match="keys: expected"):
        ReceiverEmulator(issuer=ISSUER, keys=7)  # type: ignore[arg-type]
    for name, value in {"issuer": 7, "tls": 1, "token_lifetime": "1", "log_page": 1.5, "client": None}.items():
        with pytest.raises(TypeError, match=f"{name}: expected"):
            ReceiverEmulator(**{"issuer": ISSUER, "keys": key, name: value})
    with pytest.raises(TypeError, match="users and client: expected texts"):
        ReceiverEmulator(issuer=ISSUER, keys=key, users=[1])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="did you mean 'script'"):
        ReceiverEmulator(issuer=ISSUER, keys=key, skript=[])  # type: ignore[call-arg]


def test_it_stops_and_says_so(key: SigningKey) -> None:
    with ReceiverEmulator(issuer=ISSUER, keys=key) as emulator:
        assert emulator.url
    emulator.stop()
    with pytest.raises(RuntimeError, match="is stopped"):
        emulator.url  # noqa: B018


VENDOR = """
from ssf_transmitter import Email, SigningKey, Transmitter
from ssf_transmitter.events import caep

KEY = SigningKey.generate("P-256")

def revoke(user, transmitter, receiver):
    transmitter.emit(caep.SessionRevoked(), Email(user), receiver)

def test_that_we_revoke(ssf_receiver):
    receiver = ssf_receiver(issuer="https://edr.example.com", keys=KEY)
    with Transmitter("https://edr.example.com", KEY) as transmitter:
        revoke("ada@example.com", transmitter, receiver.receiver())
    receiver.assert_received("caep.session-revoked", subject=Email("ada@example.com"))

def test_that_we_do_not(ssf_receiver):
    ssf_receiver(issuer="https://edr.example.com", keys=KEY).assert_received("caep.session-revoked")
"""


def test_the_fixture_is_there_for_everybody_who_installs_the_package(pytester: pytest.Pytester) -> None:
    path: Path = pytester.makepyfile(VENDOR)
    outcome = pytester.runpytest_subprocess(path)
    outcome.assert_outcomes(passed=1, failed=1)
    outcome.stdout.fnmatch_lines(["*AssertionError: expected one SET with *session-revoked, found 0 among:*"])
