"""Sending from asyncio: results, cancellation, back-pressure, signers."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK, Held
from ssf_transmitter import (
    AsyncTransmitter,
    ConfigError,
    DeadlineExceeded,
    Email,
    Emission,
    ReceiverRejected,
    SigningKey,
    Transmitter,
    ValidationError,
)
from ssf_transmitter.events import caep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
ADA = Email("ada@example.com")


async def test_an_event_arrives_and_the_receipt_tells_of_it(
    async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator
) -> None:
    async with async_transmitter as transmitter:
        receipt = await transmitter.emit(EVENT, ADA, emulator.receiver(), txn="incident-4711")
        again = await transmitter.deliver(receipt.set, emulator.receiver())
    assert (receipt.status, again.jti) == (202, receipt.jti)
    assert emulator.accepted == {receipt.jti: 2}
    with pytest.raises(ConfigError, match="closed"):
        await transmitter.emit(EVENT, ADA, emulator.receiver())


async def test_many_at_once_all_arrive(async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator) -> None:
    receiver = emulator.receiver()
    receipts = await asyncio.gather(*(async_transmitter.emit(EVENT, ADA, receiver) for _ in range(300)))
    assert {receipt.jti for receipt in receipts} == set(emulator.accepted)
    assert async_transmitter.counters.delivered == 300


async def test_errors_are_the_ones_of_the_other_transmitter(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"fault": {"status": {"status": 400}}}])
    transmitter = AsyncTransmitter(ISSUER, key)
    with pytest.raises(ReceiverRejected) as raised:
        await transmitter.emit(EVENT, ADA, emulator.receiver())
    assert raised.value.status == 400
    with pytest.raises(ValidationError):
        await transmitter.emit(EVENT, Email("nobody"), emulator.receiver())
    with pytest.raises(TypeError, match="did you mean 'deadline'"):
        await transmitter.emit(EVENT, ADA, emulator.receiver(), dedline=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="to: expected Receiver, got str"):
        await transmitter.emit(EVENT, ADA, "okta")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="set: expected SignedSet, got str"):
        await transmitter.deliver("set", emulator.receiver())  # type: ignore[arg-type]


async def until(condition: Any) -> None:
    async with asyncio_timeout(600):
        while not condition():
            await asyncio.sleep(0.001)


def asyncio_timeout(seconds: float) -> Any:
    """`asyncio.timeout`, which Python 3.10 does not have yet."""

    class Timeout:
        async def __aenter__(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            self.handle = asyncio.get_running_loop().call_later(seconds, task.cancel)

        async def __aexit__(self, *_: object) -> None:
            self.handle.cancel()

    return Timeout()


async def test_cancelling_stops_the_work(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"fault": "never"}])
    transmitter = AsyncTransmitter(ISSUER, key)
    task = asyncio.ensure_future(transmitter.emit(EVENT, ADA, emulator.receiver()))
    await until(lambda: len(emulator.requests) == 1)
    assert transmitter.counters.in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: transmitter.counters.in_flight == 0)
    assert transmitter.counters.failures == {"abandoned": 1}


async def test_a_timeout_of_asyncio_stops_the_work(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"fault": "never"}])
    transmitter = AsyncTransmitter(ISSUER, key)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(transmitter.emit(EVENT, ADA, emulator.receiver()), 0.2)
    await until(lambda: transmitter.counters.failures == {"abandoned": 1})
    with pytest.raises(DeadlineExceeded):
        await transmitter.emit(EVENT, ADA, emulator.receiver(), deadline=0.2)


def test_a_loop_that_ends_leaves_nothing_behind(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"first": 1, "fault": "never"}])
    transmitter = AsyncTransmitter(ISSUER, key)

    async def leave() -> None:
        task = asyncio.ensure_future(transmitter.emit(EVENT, ADA, emulator.receiver()))
        assert not task.done()
        await until(lambda: len(emulator.requests) == 1)

    async def again() -> int:
        return (await transmitter.emit(EVENT, ADA, emulator.receiver())).status

    asyncio.run(leave())
    gc.collect()
    # The same transmitter serves the next loop.
    assert asyncio.run(again()) == 202


async def test_emit_all_takes_an_async_iterable_and_no_more_than_there_is_room_for(
    async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator
) -> None:
    receiver, taken = emulator.receiver(), 0

    async def emissions() -> AsyncIterator[Emission]:
        nonlocal taken
        for number in range(200):
            taken += 1
            await asyncio.sleep(0)
            yield Emission(EVENT, ADA, receiver, jti=f"set-{number}")

    done = async_transmitter.emit_all(emissions(), concurrency=2)
    first = await done.__anext__()
    # The consumer is slow: nothing more is taken than fits.
    await until(lambda: async_transmitter.counters.in_flight == 0)
    assert taken <= 2 * 16 + 2
    results = [first, *[result async for result in done]]
    assert sorted(result.index for result in results) == list(range(200))
    assert {result.result().jti for result in results} == set(emulator.accepted)


async def test_emit_all_takes_a_list_and_tells_errors_one_by_one(
    async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator
) -> None:
    from ssf_transmitter import Receiver

    elsewhere = Receiver(emulator.url, "https://somebody.else.example", allow_loopback=True)
    emissions = [Emission(EVENT, ADA, emulator.receiver()), Emission(EVENT, ADA, elsewhere)]
    results = {result.index: result async for result in async_transmitter.emit_all(emissions)}
    assert results[0].result().status == 202
    assert isinstance(results[1].error, ReceiverRejected)


@pytest.mark.parametrize("concurrency", [-1, 0, 2**70])
async def test_emit_all_takes_the_nearest_bound_that_there_is(
    async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator, concurrency: int
) -> None:
    emissions = [Emission(EVENT, ADA, emulator.receiver()) for _ in range(20)]

    async def send() -> int:
        return len([result.result() async for result in async_transmitter.emit_all(emissions, concurrency=concurrency)])

    assert await asyncio.wait_for(send(), 60) == 20


async def test_emit_all_that_is_left_abandons_what_is_under_way(key: SigningKey, ssf_receiver: Any) -> None:
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"from": 2, "fault": "never"}])
    transmitter = AsyncTransmitter(ISSUER, key)
    receiver = emulator.receiver()
    results = transmitter.emit_all([Emission(EVENT, ADA, receiver) for _ in range(5)], concurrency=1)
    async for result in results:
        assert result.receipt
        break
    await results.aclose()  # type: ignore[attr-defined]
    await until(lambda: transmitter.counters.in_flight == 0)
    assert transmitter.counters.delivered == 1


async def test_emit_all_raises_what_the_iterable_raises_after_the_results(
    async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator
) -> None:
    receiver = emulator.receiver()

    async def emissions() -> AsyncIterator[Emission]:
        yield Emission(EVENT, ADA, receiver)
        raise LookupError("the end of the list")

    results = []
    with pytest.raises(LookupError):
        async for result in async_transmitter.emit_all(emissions()):
            results.append(result.result())
    assert len(results) == 1


async def test_the_loop_runs_while_sets_are_sent(key: SigningKey, held: Held) -> None:
    task = asyncio.ensure_future(AsyncTransmitter(ISSUER, key).emit(EVENT, ADA, held.receiver))
    # The answer comes when the loop has turned.
    await until(lambda: held.asked.acquire(blocking=False))
    held.answers.set()
    assert (await task).status == 202


async def test_both_transmitters_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(AsyncTransmitter) - {"aclose"} == public(Transmitter) - {"close"}
    assert QUICK.max_backoff == 0.02
