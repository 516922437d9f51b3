"""Keys that are elsewhere: a key management service, played by `cryptography`."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK, Kms
from ssf_transmitter import (
    AsyncTransmitter,
    DeadlineExceeded,
    Email,
    Emission,
    Jwks,
    Signature,
    Signer,
    SigningError,
    Transmitter,
)
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox, AsyncWorker, Drained, Outbox, Worker

if TYPE_CHECKING:
    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")


@pytest.fixture(scope="module")
def kms() -> Kms:
    return Kms()


@pytest.fixture
def emulator(kms: Kms, ssf_receiver: Any) -> ReceiverEmulator:
    emulator: ReceiverEmulator = ssf_receiver(issuer=ISSUER, keys=Jwks([kms.public]))
    return emulator


def test_a_function_signs(kms: Kms, emulator: ReceiverEmulator) -> None:
    with Transmitter(ISSUER, Signer(kms.sign, algorithm="ES256", kid="kms-1")) as transmitter:
        receipt = transmitter.emit(EVENT, ADA, emulator.receiver())
        assert receipt.set.decode().verify(Jwks([kms.public])).kid == "kms-1"
        results = list(transmitter.emit_all(Emission(EVENT, ADA, emulator.receiver()) for _ in range(20)))
    assert all(result.receipt for result in results)
    assert len(emulator.received) == 21


async def test_an_async_function_signs(kms: Kms, emulator: ReceiverEmulator) -> None:
    async with AsyncTransmitter(ISSUER, Signer(kms.sign_async, algorithm="ES256", kid="kms-1")) as transmitter:
        await transmitter.emit(EVENT, ADA, emulator.receiver())
        results = [
            result
            async for result in transmitter.emit_all(Emission(EVENT, ADA, emulator.receiver()) for _ in range(20))
        ]
    assert all(result.receipt for result in results)
    assert len(emulator.received) == 21


async def test_a_function_that_waits_does_not_hold_up_the_loop(kms: Kms, emulator: ReceiverEmulator) -> None:
    kms.threads.clear()
    async with AsyncTransmitter(ISSUER, Signer(kms.sign, algorithm="ES256", kid="kms-1")) as transmitter:
        await transmitter.emit(EVENT, ADA, emulator.receiver())
    assert kms.threads
    assert threading.get_ident() not in kms.threads


def test_the_steps_by_hand(kms: Kms, emulator: ReceiverEmulator) -> None:
    with Transmitter(ISSUER, Signer(kms.sign, algorithm="ES256", kid="kms-1")) as transmitter:
        unsigned = transmitter.prepare(EVENT, ADA, emulator.receiver())
        signed = unsigned.attach(kms.sign(unsigned.signing_input))
        transmitter.deliver(signed, emulator.receiver())
    assert emulator.accepted == {signed.jti: 1}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_signer_that_fails_is_a_signing_error_with_its_cause(kind: str, emulator: ReceiverEmulator) -> None:
    trouble = PermissionError("s3cret of the service")

    def fail(_: bytes) -> bytes:
        raise trouble

    async def fail_async(_: bytes) -> bytes:
        raise trouble

    with pytest.raises(SigningError) as raised:
        if kind == "sync":
            Transmitter(ISSUER, Signer(fail, algorithm="ES256", kid="k")).emit(EVENT, ADA, emulator.receiver())
        else:
            transmitter = AsyncTransmitter(ISSUER, Signer(fail_async, algorithm="ES256", kid="k"))
            asyncio.run(transmitter.emit(EVENT, ADA, emulator.receiver()))
    assert raised.value.code == "signer_failed"
    assert raised.value.__cause__ is trouble
    assert "s3cret" not in str(raised.value)
    assert emulator.requests == []


def test_a_signature_of_another_form_is_refused(emulator: ReceiverEmulator) -> None:
    with pytest.raises(SigningError) as raised:
        Transmitter(ISSUER, Signer(lambda _: b"short", algorithm="ES256")).emit(EVENT, ADA, emulator.receiver())
    assert raised.value.code == "signature_malformed"
    with pytest.raises(TypeError, match="expected bytes or a Signature, got str"):
        Transmitter(ISSUER, Signer(lambda _: "text", algorithm="ES256")).emit(  # type: ignore[arg-type,return-value]
            EVENT, ADA, emulator.receiver()
        )


def test_an_async_signer_needs_an_async_transmitter(kms: Kms, emulator: ReceiverEmulator) -> None:
    with pytest.raises(TypeError, match="AsyncTransmitter"):
        Transmitter(ISSUER, Signer(kms.sign_async, algorithm="ES256"))  # type: ignore[arg-type]
    hidden: Any = lambda signing_input: kms.sign_async(signing_input)  # noqa: E731
    with pytest.raises(TypeError, match="AsyncTransmitter"):
        Transmitter(ISSUER, Signer(hidden, algorithm="ES256")).emit(EVENT, ADA, emulator.receiver())


def test_the_time_of_the_signer_is_part_of_the_deadline(kms: Kms, emulator: ReceiverEmulator) -> None:
    def slow(signing_input: bytes) -> Signature:
        time.sleep(0.2)
        return kms.sign(signing_input)

    async def never(_: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    with pytest.raises(DeadlineExceeded):
        Transmitter(ISSUER, Signer(slow, algorithm="ES256")).emit(EVENT, ADA, emulator.receiver(), deadline=0.1)
    transmitter = AsyncTransmitter(ISSUER, Signer(never, algorithm="ES256"), deadline=0.1, retry=QUICK)
    with pytest.raises(DeadlineExceeded):
        asyncio.run(transmitter.emit(EVENT, ADA, emulator.receiver()))
    assert emulator.requests == []


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, TypeError])
def test_a_doctor_that_a_signer_ends_holds_up_no_close(emulator: ReceiverEmulator, trouble: Any) -> None:
    def sign(_: bytes) -> Any:
        if trouble is KeyboardInterrupt:
            raise KeyboardInterrupt
        return "text"

    transmitter = Transmitter(ISSUER, Signer(sign, algorithm="ES256", kid="kms-1"), deadline=600)
    with pytest.raises(trouble) as raised:
        transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True)
    assert transmitter.counters.in_flight == 0
    transmitter.close()
    assert raised.tb is not None  # which holds what the call held


async def test_a_doctor_that_is_cancelled_holds_up_no_close(emulator: ReceiverEmulator) -> None:
    asked = asyncio.Event()

    async def never(_: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    transmitter = AsyncTransmitter(ISSUER, Signer(never, algorithm="ES256", kid="kms-1"), deadline=600)
    examining = asyncio.ensure_future(transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True))
    await asyncio.wait_for(asked.wait(), 60)
    with pytest.raises(asyncio.TimeoutError) as raised:
        await asyncio.wait_for(examining, 0.001)
    assert transmitter.counters.in_flight == 0
    await asyncio.wait_for(transmitter.aclose(), 60)
    assert raised.tb is not None


async def test_a_doctor_with_a_wrong_signature_holds_up_no_close(emulator: ReceiverEmulator) -> None:
    wrong: Any = lambda _: "text"  # noqa: E731
    transmitter = AsyncTransmitter(ISSUER, Signer(wrong, algorithm="ES256", kid="kms-1"), deadline=600)
    with pytest.raises(TypeError) as raised:
        await transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True)
    await asyncio.wait_for(transmitter.aclose(), 60)
    assert raised.tb is not None


async def test_a_signer_of_a_wrong_type_ends_emit_all(emulator: ReceiverEmulator) -> None:
    wrong: Any = lambda _: "text"  # noqa: E731
    transmitter = AsyncTransmitter(ISSUER, Signer(wrong, algorithm="ES256", kid="kms-1"))

    async def send() -> None:
        emissions = [Emission(EVENT, ADA, emulator.receiver()) for _ in range(20)]
        async for _ in transmitter.emit_all(emissions, concurrency=1):
            pytest.fail("nothing was signed")

    with pytest.raises(TypeError, match="got str"):
        await asyncio.wait_for(send(), 60)
    assert emulator.requests == []


@pytest.mark.parametrize("inside", [asyncio.CancelledError, asyncio.TimeoutError])
async def test_a_cancellation_inside_a_signer_is_its_failure(inside: Any, emulator: ReceiverEmulator) -> None:
    async def sign(_: bytes) -> bytes:
        raise inside

    transmitter = AsyncTransmitter(ISSUER, Signer(sign, algorithm="ES256", kid="kms-1"))
    with pytest.raises(SigningError) as raised:
        await transmitter.emit(EVENT, ADA, emulator.receiver())
    assert raised.value.code == "signer_failed"
    emissions = [Emission(EVENT, ADA, emulator.receiver()) for _ in range(20)]
    results = [result async for result in transmitter.emit_all(emissions, concurrency=1)]
    assert [getattr(result.error, "code", None) for result in results] == ["signer_failed"] * 20


def test_the_key_that_is_published_is_the_one_of_the_service(kms: Kms) -> None:
    (published,) = json.loads(Jwks([kms.public]).to_json())["keys"]
    assert (published["kid"], published["kty"], published["alg"], "d" in published) == ("kms-1", "EC", "ES256", False)


def test_a_worker_asks_the_function(kms: Kms, emulator: ReceiverEmulator, caplog: pytest.LogCaptureFixture) -> None:
    outbox, receivers = Outbox.in_memory(), {"acme": emulator.receiver()}
    outbox.enqueue(EVENT, ADA, to="acme")
    transmitter = Transmitter(ISSUER, Signer(kms.sign, algorithm="ES256", kid="kms-1"))
    assert Worker(outbox, transmitter, receivers).drain() == Drained(1, 0)
    (request,) = emulator.requests
    assert request.header is not None
    assert request.header["kid"] == "kms-1"

    def fails(_: bytes) -> bytes:
        raise RuntimeError("no signature today")

    # The key service is the sender's: nothing is spent, and nothing is lost.
    (jti,) = outbox.enqueue(EVENT, ADA, to="acme").jtis
    broken = Transmitter(ISSUER, Signer(fails, algorithm="ES256", kid="kms-1"))
    assert Worker(outbox, broken, receivers).drain() == Drained(0, 1)
    # The outbox does not keep what the signer raised.
    (record,) = (record for record in caplog.records if record.getMessage() == "the signer raised an exception")
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "no signature today"
    (waiting,) = outbox.list(jti=jti)
    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    assert waiting.failure is not None
    assert waiting.failure.code == "signer_failed"


async def test_a_worker_for_asyncio_asks_an_async_function(kms: Kms, emulator: ReceiverEmulator) -> None:
    outbox = AsyncOutbox.in_memory()
    await outbox.enqueue(EVENT, ADA, to="acme")
    transmitter = AsyncTransmitter(ISSUER, Signer(kms.sign_async, algorithm="ES256", kid="kms-1"))
    worker = AsyncWorker(outbox, transmitter, {"acme": emulator.receiver()})
    assert await worker.drain() == Drained(1, 0)
