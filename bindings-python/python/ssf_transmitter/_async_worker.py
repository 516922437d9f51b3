"""The worker for asyncio."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ssf_transmitter import _native
from ssf_transmitter._async_transmitter import _call
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._pending import pending
from ssf_transmitter._worker import LOGGER, BaseWorker, Drained, alert, not_found, not_signed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import timedelta

    from ssf_transmitter._async_transmitter import AsyncTransmitter
    from ssf_transmitter._native import Failure
    from ssf_transmitter._receiver import Receiver
    from ssf_transmitter.outbox import AsyncOutbox
    from ssf_transmitter.streams import StreamApi


class AsyncWorker(BaseWorker):
    """`Worker` for asyncio. The functions may be async; others must return soon.

    >>> import asyncio
    >>> from ssf_transmitter import AsyncTransmitter, Receiver, SigningKey
    >>> from ssf_transmitter.outbox import AsyncOutbox, AsyncWorker
    >>> async def main():
    ...     transmitter = AsyncTransmitter("https://edr.example.com", SigningKey.generate())
    ...     receivers = {"acme": Receiver.okta("https://acme.okta.com")}
    ...     return await AsyncWorker(AsyncOutbox.in_memory(), transmitter, receivers).drain()
    >>> asyncio.run(main())
    Drained(delivered=0, failed=0)

    The arguments are those of `Worker`.
    """

    @known_keywords
    def __init__(
        self,
        outbox: AsyncOutbox,
        transmitter: AsyncTransmitter,
        receivers: Mapping[str, Receiver] | Callable[[str], Awaitable[Receiver | None] | Receiver | None],
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
        self._mailbox: _native.Mailbox | None = None

    async def run(self) -> None:
        """`Worker.run`. Cancelled, it stops gracefully first; cancelled again, at once."""
        await self._work(drain=False)

    async def drain(self) -> Drained:
        """`Worker.drain`."""
        return await self._work(drain=True)

    async def _work(self, *, drain: bool) -> Drained:
        self._outbox._enter()  # noqa: SLF001  # of this package
        running = self._start(drain)
        answering: set[asyncio.Task[None]] = set()
        waiting = asyncio.ensure_future(self._next(running))
        cancelled: asyncio.CancelledError | None = None
        try:
            while True:
                try:
                    # A cancellation must not lose a question that is on its way.
                    question = await asyncio.shield(waiting)
                except asyncio.CancelledError as error:
                    if cancelled is not None:
                        raise
                    cancelled = error
                    running.stop()
                    continue
                if question is None:
                    break
                waiting = asyncio.ensure_future(self._next(running))
                task = asyncio.ensure_future(self._answer(question))
                answering.add(task)
                task.add_done_callback(answering.discard)
            drained = Drained(*running.result())
        finally:
            running.abort()
            waiting.cancel()
            for task in answering:
                task.cancel()
        if cancelled is not None:
            raise cancelled
        return drained

    async def _next(self, running: _native.Running) -> _native.Question | None:
        future, self._mailbox = pending(self._mailbox)
        future.work = running.next_async(self._mailbox, future)
        return await future  # type: ignore[no-any-return]

    async def _answer(self, question: _native.Question) -> None:
        if question.alert is not None:
            called = alert(question, self._on_alert)
            if isawaitable(called):
                try:
                    await called
                except Exception:  # noqa: BLE001  # of the function, whatever it is
                    LOGGER.exception("on_alert raised an exception")
        elif (signing := question.signing) is not None:
            sign, given = signing
            try:
                question.signed(await _call(sign, given))
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # of the signer, whatever it is
                question.failed(not_signed(error))
        else:
            try:
                found: Any = self._find(question.receiver)
                question.found(await found if isawaitable(found) else found)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # of the function, whatever it is
                question.failed(not_found(error))
