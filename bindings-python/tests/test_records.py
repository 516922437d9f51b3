"""The members of what every language returns: tests/vectors/records.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import ISSUER
from ssf_transmitter import Email, Receiver, SigningKey, SsfError, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox, Worker
from vectors import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssf_transmitter.testing import ReceiverEmulator

EVENT, ADA = caep.SessionRevoked(), Email("ada@example.com")
RECORDS = read("records.json")["records"]


def members(record: object) -> set[str]:
    """The public members that hold a value."""
    foreign = set(dir(Exception)) if isinstance(record, Exception) else set()
    names = {name for name in dir(record) if not name.startswith("_")} - foreign
    return {name for name in names if not callable(getattr(record, name))}


def of_an_outbox(transmitter: Transmitter, receiver: Receiver) -> dict[str, object]:
    """What an outbox tells after a delivery that its receiver rejected."""
    outbox = Outbox.in_memory()
    enqueued = outbox.enqueue(EVENT, ADA, to="acme")
    worker = Worker(outbox, transmitter, {"acme": receiver})
    drained = worker.drain()
    history = outbox.history(enqueued.jtis[0])
    assert history is not None
    return {
        "Enqueued": enqueued,
        "OutboxCounts": outbox.counts(),
        "OutboxHealth": outbox.health(),
        "Delivery": history.delivery,
        "History": history,
        "Attempt": history.attempts[0],
        "Failure": history.delivery.failure,
        "OutboxReceiver": outbox.receivers()[0],
        "WorkerHealth": worker.health,
        "Drained": drained,
    }


@pytest.fixture
def records(
    emulator: ReceiverEmulator,
    transmitter: Transmitter,
    key: SigningKey,
    ssf_receiver: Callable[..., ReceiverEmulator],
) -> dict[str, object]:
    rejecting = ssf_receiver(
        issuer=ISSUER, keys=key, script=[{"fault": {"status": {"status": 400, "err": "invalid_request"}}}]
    )
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
        **of_an_outbox(Transmitter(ISSUER, key), rejecting.receiver()),
    }


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_has_the_members_of_the_table(name: str, records: dict[str, object]) -> None:
    listed = {member for member in RECORDS[name]["python"] if not member.startswith("__")}
    assert members(records[name]) == listed
