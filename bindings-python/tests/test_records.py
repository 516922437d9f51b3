"""The members of what every language returns: tests/vectors/records.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ssf_transmitter import Email, Receiver, SsfError, Transmitter
from ssf_transmitter.events import caep
from vectors import read

if TYPE_CHECKING:
    from ssf_transmitter.testing import ReceiverEmulator

EVENT, ADA = caep.SessionRevoked(), Email("ada@example.com")
RECORDS = read("records.json")["records"]


def members(record: object) -> set[str]:
    """The public members that hold a value."""
    foreign = set(dir(Exception)) if isinstance(record, Exception) else set()
    names = {name for name in dir(record) if not name.startswith("_")} - foreign
    return {name for name in names if not callable(getattr(record, name))}


@pytest.fixture
def records(emulator: ReceiverEmulator, transmitter: Transmitter) -> dict[str, object]:
    okta = Receiver.okta("https://acme.okta.com")
    diagnosis = transmitter.doctor(EVENT, ADA, emulator.receiver())
    return {
        "Finding": transmitter.lint(EVENT, ADA, okta)[0],
        "Explanation": transmitter.linter(okta).explain(status=202),
        "Receipt": transmitter.emit(EVENT, ADA, emulator.receiver()),
        "Error": SsfError("internal", "x"),
        "Counters": transmitter.counters,
        "Diagnosis": diagnosis,
        "Check": diagnosis.checks[0],
    }


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_has_the_members_of_the_table(name: str, records: dict[str, object]) -> None:
    listed = {member for member in RECORDS[name]["python"] if not member.startswith("__")}
    assert members(records[name]) == listed
