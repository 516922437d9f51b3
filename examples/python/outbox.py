"""Keep events through a restart and an outage of the receiver.

The receiver is an emulator that is down at first.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import sleep

from ssf_transmitter import Email, Receiver, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox, Worker
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://edr.example.com"


def accept(file: Path) -> str:
    """Accept an event, as the product does that notices something. It is on the disk when `enqueue` returns."""
    with Outbox(file) as outbox:
        return outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme").jtis[0]


def deliver(file: Path, jti: str, transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    """Deliver what waits, as the product does after its restart, or as another process does."""

    def find(name: str) -> Receiver | None:
        """Look up a customer: in a product, in its database."""
        return emulator.receiver() if name == "acme" else None

    with Outbox(file) as outbox:
        # In production, leave the waits as they are.
        worker = Worker(outbox, transmitter, find, base=0.01)
        running = Thread(target=worker.run)
        running.start()
        while outbox.counts().delivered == 0:
            sleep(0.02)
        worker.stop()
        running.join()
        history = outbox.history(jti)
    assert history is not None  # noqa: S101
    for attempt in history.attempts:
        print(f"{attempt.at}: status {attempt.status}")
    print(f"delivered after {len(history.attempts)} attempts")


def main() -> None:
    """Accept an event, restart, and deliver it."""
    key = SigningKey.generate("P-256")
    down = {"first": 2, "fault": {"status": {"status": 503}}}
    with (
        TemporaryDirectory() as folder,
        ReceiverEmulator(issuer=ISSUER, keys=key, script=[down]) as emulator,
        Transmitter(ISSUER, key) as transmitter,
    ):
        file = Path(folder) / "outbox.db"
        deliver(file, accept(file), transmitter, emulator)


if __name__ == "__main__":
    main()
