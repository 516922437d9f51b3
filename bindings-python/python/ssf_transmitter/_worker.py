"""Workers, and what those for threads and for asyncio share."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssf_transmitter import _native
from ssf_transmitter._base import BaseTransmitter, signer_failed
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter.errors import SsfError, _of_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from ssf_transmitter._native import Failure
    from ssf_transmitter._receiver import Receiver
    from ssf_transmitter._transmitter import Transmitter
    from ssf_transmitter.outbox import Outbox
    from ssf_transmitter.streams import StreamApi

LOGGER = logging.getLogger("ssf_transmitter.outbox")


@dataclass(frozen=True)
class Drained:
    """What a call of `drain` did.

    Attributes:
        delivered: SETs that were delivered.
        failed: Attempts that failed.
    """

    delivered: int
    failed: int


@dataclass(frozen=True)
class Health:
    """How a worker is, since it started. States and ages of deliveries are in the outbox.

    Attributes:
        in_flight: Deliveries in flight.
        delivered: SETs that were delivered.
        failed: Attempts that failed.
        lost: Settlements that changed nothing, because the lease had ended.
        store_errors: Errors of the store.
        store_error: The code of the last error of the store, until an operation succeeds.
    """

    in_flight: int = 0
    delivered: int = 0
    failed: int = 0
    lost: int = 0
    store_errors: int = 0
    store_error: str | None = None


class BaseWorker:
    """Settings, and the run of a worker."""

    _running: _native.Running | None = None
    _stopped = False

    def _set_up(
        self,
        outbox: Any,
        transmitter: BaseTransmitter,
        receivers: Any,
        on_alert: Any,
        options: _native.WorkerOptions,
        streams: StreamApi | None,
    ) -> None:
        if not callable(receivers) and not hasattr(receivers, "get"):
            raise TypeError(f"receivers: expected a mapping or a callable, got {type(receivers).__name__}")
        if on_alert is not None and not callable(on_alert):
            raise TypeError(f"on_alert: expected a callable, got {type(on_alert).__name__}")
        self._outbox, self._transmitter, self._options = outbox, transmitter, options
        self._find = receivers if callable(receivers) else receivers.get
        self._on_alert = on_alert
        self._streams = None if streams is None else streams._native  # noqa: SLF001  # of this package

    def stop(self) -> None:
        """Ask the worker to end, from any thread: it claims nothing more, and lets deliveries end within the grace.

        Those that have not ended then are released, and no attempt is spent.
        """
        self._stopped = True
        if self._running is not None:
            self._running.stop()

    @property
    def health(self) -> Health:
        """How the worker is."""
        return Health() if self._running is None else Health(*self._running.health())

    def _start(self, drain: bool) -> _native.Running:
        native = self._outbox._native, self._transmitter._native  # noqa: SLF001  # of this package
        self._running = _native.Running(*native, self._options, drain, self._streams)
        if self._stopped:
            self._running.stop()
        return self._running


class Worker(BaseWorker):
    """Sends what waits in an outbox: claims deliveries, builds and signs SETs, delivers and settles them.

    Run as many as you need, in threads or processes. A worker does not end because of an error of the store.

    >>> from ssf_transmitter import Receiver, SigningKey, Transmitter
    >>> from ssf_transmitter.outbox import Outbox, Worker
    >>> transmitter = Transmitter("https://edr.example.com", SigningKey.generate())
    >>> worker = Worker(Outbox.in_memory(), transmitter, {"acme": Receiver.okta("https://acme.okta.com")})
    >>> worker.drain()
    Drained(delivered=0, failed=0)

    Args:
        outbox: The outbox.
        transmitter: Who sends.
        receivers: The receivers by name: a mapping, or a function that takes a name and returns a receiver, or
            `None`. The worker keeps what it gets for five minutes, or until the receiver rejects the sender.
        streams: The stream API whose push streams it serves, too.
        on_alert: Called with the name of a receiver, and with the `Failure` when it is paused or `None` when it is
            resumed: once for each change.
        concurrency: How many deliveries are in flight at once; 64 by default.
        per_receiver: How many deliveries to one receiver are claimed at once; 8 by default.
        lease: How long a claim holds; twice the deadline of the transmitter, and a minute at least, by default.
        grace: How long deliveries may take to end after `stop`; the deadline of the transmitter by default.
        poll: How often it looks at the store if nothing reports a change; once a second by default.
        max_attempts: How often a delivery is attempted; 25 by default.
        base: The longest wait before the second attempt; 2 seconds by default. Each further wait is twice as long.
        max_backoff: The longest wait; an hour by default.
        keep_delivered: How long deliveries are kept that were delivered; a day by default.
        keep_dead: How long deliveries are kept that are dead; 30 days by default.
        keep_discarded: How long deliveries are kept that were discarded; 7 days by default.
    """

    @known_keywords
    def __init__(
        self,
        outbox: Outbox,
        transmitter: Transmitter,
        receivers: Mapping[str, Receiver] | Callable[[str], Receiver | None],
        *,
        streams: StreamApi | None = None,
        on_alert: Callable[[str, Failure | None], object] | None = None,
        concurrency: int | None = None,
        per_receiver: int | None = None,
        lease: timedelta | float | None = None,
        grace: timedelta | float | None = None,
        poll: timedelta | float | None = None,
        max_attempts: int | None = None,
        base: timedelta | float | None = None,
        max_backoff: timedelta | float | None = None,
        keep_delivered: timedelta | float | None = None,
        keep_dead: timedelta | float | None = None,
        keep_discarded: timedelta | float | None = None,
    ) -> None:
        """Take the settings."""
        options = _native.WorkerOptions(
            concurrency, per_receiver, lease, grace, poll, max_attempts, base, max_backoff, keep_delivered, keep_dead,
            keep_discarded,
        )  # fmt: skip
        self._set_up(outbox, transmitter, receivers, on_alert, options, streams)

    def run(self) -> None:
        """Run until `stop` is called. Ctrl-C stops it, too: deliveries end within the grace, then it is raised.

        Raises:
            ConfigError: If a setting is wrong, or the transmitter is closed.
        """
        self._work(drain=False)

    def drain(self) -> Drained:
        """Send what is ready now, and return: for jobs that run from time to time.

        What waits for a time, such as a retry, stays.

        Raises:
            ConfigError: If a setting is wrong, or the transmitter is closed.
            OutboxError: If the store fails.
        """
        return self._work(drain=True)

    def _work(self, *, drain: bool) -> Drained:
        running = self._start(drain)
        interrupted: BaseException | None = None
        try:
            while True:
                try:
                    question = running.next()
                    if question is None:
                        break
                    self._answer(question)
                except KeyboardInterrupt as error:
                    if interrupted is not None:
                        raise
                    interrupted = error
                    running.stop()
            drained = Drained(*running.result())
        finally:
            running.abort()
        if interrupted is not None:
            raise interrupted
        return drained

    def _answer(self, question: _native.Question) -> None:
        if question.alert is not None:
            alert(question, self._on_alert)
        elif (signing := question.signing) is not None:
            sign, given = signing
            try:
                signature: Any = sign(given)
                question.signed(signature)
            except Exception as error:  # noqa: BLE001  # of the signer, whatever it is
                question.failed(not_signed(error))
        else:
            try:
                receiver: Any = self._find(question.receiver)
                question.found(receiver)
            except Exception as error:  # noqa: BLE001  # of the function, whatever it is
                question.failed(not_found(error))


def alert(question: _native.Question, on_alert: Any) -> Any:
    """Tell the user what happened to a receiver."""
    if question.alert == "paused":
        LOGGER.warning("%s is paused: %s", question.receiver, question.failure and question.failure.message)
    else:
        LOGGER.info("%s is resumed", question.receiver)
    if on_alert is None:
        return None
    try:
        return on_alert(question.receiver, question.failure)
    except Exception:
        LOGGER.exception("on_alert raised an exception")
        return None


def not_signed(error: BaseException) -> SsfError:
    """The error for a signer that raised an exception, which the outbox does not keep."""
    LOGGER.error("the signer raised an exception", exc_info=error)
    return signer_failed(error)


def not_found(error: BaseException) -> SsfError:
    """The error for a function that finds no receiver because it raised an exception."""
    if isinstance(error, SsfError):
        return error
    LOGGER.error("the function that finds receivers raised an exception", exc_info=error)
    return _of_code("receiver_unknown", "the function that finds receivers raised an exception")
