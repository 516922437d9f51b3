"""Share an outbox between machines: it is in a PostgreSQL database.

    DATABASE_URL=postgresql://outbox@db.example.com/app python outbox_postgres.py

The receiver is an emulator.
"""

from __future__ import annotations

import os

from ssf_transmitter import Email, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox, Worker
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://edr.example.com"
DATABASE = os.environ["DATABASE_URL"]


def accept(incident: str) -> None:
    """Accept an event on one machine. It is committed when `enqueue` returns; a repeat has no effect."""
    # In production, `ssf outbox migrate` creates the tables, and this account may only enqueue.
    with Outbox(DATABASE, migrate=True) as outbox:
        event, user = caep.SessionRevoked(), Email("ada@example.com")
        outbox.enqueue(event, user, to="acme", txn=incident, idempotency_key=incident)


def deliver(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    """Deliver what waits on another one."""
    with Outbox(DATABASE) as outbox:
        drained = Worker(outbox, transmitter, {"acme": emulator.receiver()}).drain()
        print(f"{drained.delivered} delivered, {outbox.counts().waiting} waiting")


def main() -> None:
    """Accept an event, and deliver it."""
    key = SigningKey.generate("P-256")
    with ReceiverEmulator(issuer=ISSUER, keys=key) as emulator, Transmitter(ISSUER, key) as transmitter:
        accept(f"incident-{key.kid}")
        deliver(transmitter, emulator)


if __name__ == "__main__":
    main()
