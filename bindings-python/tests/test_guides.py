"""The examples of the receivers' guides are sent as printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssf_transmitter import (
    ClientCredentials,
    ConfigError,
    CustomEvent,
    Email,
    Receiver,
    SigningKey,
    Transmitter,
    ValidationError,
)

SETS = Path(__file__).parents[2] / "tests" / "vectors" / "sets"


def okta(**settings: object) -> Receiver:
    return Receiver.okta("https://customer.okta.com", **settings)


def govuk(**settings: object) -> Receiver:
    credentials = ClientCredentials("https://auth.example.gov.uk/token", "id", "secret")
    return Receiver.govuk_one_login(
        "https://inbound.example.gov.uk/",
        "https://ssf.account.gov.uk/",
        client_credentials=credentials,
        **settings,
    )


def printed(name: str) -> tuple[CustomEvent, dict[str, object]]:
    events = json.loads((SETS / f"{name}.json").read_text())["claims"]["events"]
    ((uri, members),) = events.items()
    return CustomEvent(uri=uri, claims=members), events


@pytest.mark.parametrize(
    ("name", "receiver", "rule"),
    [
        ("okta-receiver-identifier-changed-pasted", okta(), "timestamp-unit-disputed"),
        ("okta-receiver-identifier-changed-pasted", okta(time_unit="ms"), "timestamp-unit-disputed"),
        ("govuk-account-disabled-guidance-pasted", govuk(), "subject-form-disputed"),
        ("govuk-account-disabled-guidance-pasted", govuk(subject_shape="legacy"), "subject-form-disputed"),
    ],
)
def test_an_example_goes_out_as_printed_with_a_warning(name: str, receiver: Receiver, rule: str) -> None:
    event, events = printed(name)
    with Transmitter("https://issuer.com", key=SigningKey.generate("RSA-2048")) as transmitter:
        prepared = transmitter.prepare(event, None, receiver)
    assert prepared.decode().claims["events"] == events
    assert [finding.severity for finding in prepared.findings if finding.rule == rule] == ["warning"]


def test_a_subject_beside_the_one_in_the_event_has_to_be_the_same() -> None:
    event, _ = printed("okta-receiver-identifier-changed-pasted")
    with Transmitter("https://issuer.com", key=SigningKey.generate("RSA-2048")) as transmitter:
        transmitter.prepare(event, Email("john@doe.net"), okta())
        with pytest.raises(ValidationError, match="differs from the subject passed") as raised:
            transmitter.prepare(event, Email("ada@example.com"), okta())
    assert raised.value.code == "event_member_forbidden"


def test_a_receiver_that_reads_no_subject_in_events_is_sent_none() -> None:
    event, _ = printed("okta-receiver-identifier-changed-pasted")
    anyone = Receiver("https://receiver.example.net/events", "https://receiver.example.net")
    with (
        Transmitter("https://issuer.com", key=SigningKey.generate("RSA-2048")) as transmitter,
        pytest.raises(ValidationError) as raised,
    ):
        transmitter.prepare(event, None, anyone)
    assert raised.value.code == "event_member_forbidden"


def test_settings_of_a_receiver_are_checked() -> None:
    with pytest.raises(ConfigError, match="s or ms"):
        okta(time_unit="us")
    with pytest.raises(ConfigError):
        Receiver("https://receiver.example.net/", "https://receiver.example.net", subject_shape="legacy")
