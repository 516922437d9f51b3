"""Texts name settings as this package does: `tests/vectors/settings.json`."""

from __future__ import annotations

from typing import Any

import pytest

from ssf_transmitter import Opaque, Receiver, SigningKey, SsfError, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.lint import Linter
from vectors import AUDIENCE, cases, read

FILE = "settings.json"
NAMES: dict[str, dict[str, str]] = read(FILE)["names"]


def assert_names(text: str, settings: list[str]) -> None:
    """Check that a text names these settings, and none by a name of another language."""
    own = {names["python"] for names in NAMES.values()}
    foreign = {name for names in NAMES.values() for name in names.values()} - own
    assert [setting for setting in settings if f"`{NAMES[setting]['python']}`" not in text] == []
    assert [name for name in foreign if f"`{name}`" in text] == []


def transmitter(case: dict[str, Any], key: SigningKey) -> Transmitter:
    settings = {name: case[name] for name in ("ca_bundle", "source_address", "proxy") if name in case}
    return Transmitter(case.get("issuer", "https://edr.example.com"), key, **settings)


def receiver(case: dict[str, Any]) -> Receiver:
    return Receiver(case.get("endpoint", "https://receiver.example.net/events"), AUDIENCE)


@pytest.mark.parametrize("case", cases(FILE, "explain"))
def test_an_explanation_names_settings(case: dict[str, Any], key: SigningKey) -> None:
    if "status" in case:
        explanation = Linter().explain(status=case["status"])
    else:
        with pytest.raises(SsfError) as failed:
            (receiver(case), transmitter(case, key))
        explanation = Linter().explain_error(failed.value)
    assert_names(f"{explanation.cause} {explanation.remedy}", case["settings"])


@pytest.mark.parametrize("case", cases(FILE, "doctor"))
def test_a_doctor_names_settings(case: dict[str, Any], key: SigningKey) -> None:
    with transmitter(case, key) as sender:
        diagnosis = sender.doctor(caep.SessionRevoked(), Opaque("1"), receiver(case))
    for check in diagnosis.checks:
        assert_names(f"{check.message} {check.remedy}", case["checks"].get(check.id, []))
    assert case["checks"].keys() <= {check.id for check in diagnosis.checks}
