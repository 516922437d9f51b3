"""What the core reports, in `logging`."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK
from ssf_transmitter import AsyncTransmitter, Email, ReceiverRejected, SigningKey, Transmitter, enable_logging
from ssf_transmitter.events import caep

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = caep.SessionRevoked(reason_admin={"en": "s3cret reason"})
ADA = Email("s3cret@example.com")


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    seen: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    logger, handler = logging.getLogger("ssf_transmitter"), Keep()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield seen
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_delivery_is_told_before_its_result(
    key: SigningKey, ssf_receiver: Any, records: list[logging.LogRecord]
) -> None:
    enable_logging()
    enable_logging()
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"first": 1, "fault": {"status": {"status": 503}}}])
    with Transmitter(ISSUER, key, retry=QUICK) as transmitter:
        receipt = transmitter.emit(EVENT, ADA, emulator.receiver())
    told = [(record.levelname, vars(record)["event_name"], vars(record).get("status")) for record in records]
    assert told == [
        ("DEBUG", "ssf.attempt", 503),
        ("DEBUG", "ssf.attempt", 202),
        ("INFO", "ssf.delivered", 202),
    ]
    last = vars(records[-1])
    assert (last["jti"], last["event"], last["host"]) == (receipt.jti, "caep.session-revoked", "127.0.0.1")
    assert (last["attempts"], last["name"], last["msg"]) == (2, "ssf_transmitter", "delivered")
    assert last["latency_ms"] >= 0


def test_records_of_a_call_come_in_order_and_before_its_result_though_a_handler_is_slow(
    key: SigningKey, ssf_receiver: Any, records: list[logging.LogRecord]
) -> None:
    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            threading.Event().wait(0.001)  # other threads run meanwhile

    enable_logging()
    logger, handler = logging.getLogger("ssf_transmitter"), Slow()
    logger.addHandler(handler)
    logger.handlers.reverse()  # the slow one comes first
    emulator = ssf_receiver(issuer=ISSUER, keys=key, script=[{"nth": 1, "fault": {"status": {"status": 503}}}])
    try:
        with Transmitter(ISSUER, key, retry=QUICK) as transmitter:
            for _ in range(100):
                records.clear()
                receipt = transmitter.emit(EVENT, ADA, emulator.receiver())
                names = [vars(record)["event_name"] for record in records]
                assert names == ["ssf.attempt"] * receipt.attempts + ["ssf.delivered"]
    finally:
        logger.removeHandler(handler)


def test_a_failure_is_a_warning_with_its_code_and_without_secrets(
    key: SigningKey, ssf_receiver: Any, records: list[logging.LogRecord]
) -> None:
    enable_logging()
    emulator = ssf_receiver(
        issuer=ISSUER, keys=key, script=[{"fault": {"status": {"status": 400, "description": "s3cret answer"}}}]
    )

    async def send() -> None:
        transmitter = AsyncTransmitter(ISSUER, key)
        with pytest.raises(ReceiverRejected):
            await transmitter.emit(EVENT, ADA, emulator.receiver())

    asyncio.run(send())
    last = records[-1]
    assert (last.levelname, vars(last)["event_name"], vars(last)["code"]) == (
        "WARNING",
        "ssf.failed",
        "receiver_rejected",
    )
    for record in records:
        assert "s3cret" not in str(vars(record))


def test_what_the_level_of_the_logger_leaves_out_is_left_out(
    key: SigningKey, ssf_receiver: Any, records: list[logging.LogRecord]
) -> None:
    enable_logging()
    logging.getLogger("ssf_transmitter").setLevel(logging.WARNING)
    emulator = ssf_receiver(issuer=ISSUER, keys=key)
    with Transmitter(ISSUER, key) as transmitter:
        transmitter.emit(EVENT, ADA, emulator.receiver())
    assert records == []
