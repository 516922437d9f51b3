"""The plugin for pytest: the fixture `ssf_receiver`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssf_transmitter.testing import ReceiverEmulator


@pytest.fixture
def ssf_receiver() -> Iterator[Callable[..., ReceiverEmulator]]:
    """Makes receiver emulators, with the arguments of `ssf_transmitter.testing.ReceiverEmulator`, and stops them."""
    from ssf_transmitter.testing import ReceiverEmulator

    with ExitStack() as running:

        def start(**settings: Any) -> ReceiverEmulator:
            return running.enter_context(ReceiverEmulator(**settings))

        yield start
