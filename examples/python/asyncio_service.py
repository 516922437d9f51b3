"""An asyncio service that sends a continuous stream of alerts with bounded concurrency.

`emit_all` takes the next item from the queue only when it has capacity. If a receiver is slow, the queue fills up, and
`put` blocks the producer: this is backpressure.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, SigningKey
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://edr.example.com"


@dataclass(frozen=True)
class Alert:
    """A detection of the product."""

    user: str
    reason: str


async def find(alerts: asyncio.Queue[Alert | None], count: int) -> None:
    """Simulate the product."""
    for number in range(count):
        await alerts.put(Alert(f"user-{number}@example.com", "Impossible travel"))
    await alerts.put(None)


async def emissions(alerts: asyncio.Queue[Alert | None], receiver: Receiver) -> AsyncIterator[Emission]:
    """Convert alerts to emissions."""
    while (alert := await alerts.get()) is not None:
        yield Emission(caep.SessionRevoked(reason_admin={"en": alert.reason}), Email(alert.user), receiver)


async def serve(transmitter: AsyncTransmitter, receiver: Receiver, count: int) -> int:
    """Send all alerts, and return the number of delivered ones."""
    alerts: asyncio.Queue[Alert | None] = asyncio.Queue(maxsize=100)
    finder = asyncio.create_task(find(alerts, count))
    delivered = 0
    async for emitted in transmitter.emit_all(emissions(alerts, receiver), concurrency=16):
        if emitted.error is not None:
            print(f"number {emitted.index}: {emitted.error}")
        else:
            delivered += 1
    await finder
    return delivered


async def main() -> None:
    """Send to an emulator in which one push in ten fails with a transient fault."""
    key = SigningKey.generate("P-256")
    faults = [{"percent": 10, "fault": {"status": {"status": 503}}}]
    with ReceiverEmulator(issuer=ISSUER, keys=key, script=faults) as emulator:
        async with AsyncTransmitter(ISSUER, key, deadline=60) as transmitter:
            print(f"{await serve(transmitter, emulator.receiver(), 500)} delivered")


if __name__ == "__main__":
    asyncio.run(main())
