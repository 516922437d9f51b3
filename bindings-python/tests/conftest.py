"""What tests share: a key, a transmitter, and a receiver that judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ssf_transmitter import AsyncTransmitter, RetryPolicy, SigningKey, Transmitter
from ssf_transmitter.testing import ReceiverEmulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ISSUER = "https://edr.example.com"
#: Retries without long waits.
QUICK = RetryPolicy(base=0.001, max_backoff=0.02, attempt_timeout=2)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate("P-256")


@pytest.fixture
def emulator(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> ReceiverEmulator:
    return ssf_receiver(issuer=ISSUER, keys=key, tls=True)


@pytest.fixture
def transmitter(key: SigningKey, emulator: ReceiverEmulator) -> Iterator[Transmitter]:
    with Transmitter(ISSUER, key, ca_bundle=emulator.ca_pem, retry=QUICK) as transmitter:
        yield transmitter


@pytest.fixture
def async_transmitter(key: SigningKey, emulator: ReceiverEmulator) -> AsyncTransmitter:
    return AsyncTransmitter(ISSUER, key, ca_bundle=emulator.ca_pem, retry=QUICK)
