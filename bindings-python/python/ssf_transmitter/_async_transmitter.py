"""The transmitter for asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any

from ssf_transmitter import _native
from ssf_transmitter._base import BaseTransmitter, is_async, late, requests, signer_failed
from ssf_transmitter._emission import Emission, Emitted, made
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import event_object, given_subject
from ssf_transmitter._pending import Pending, pending
from ssf_transmitter.errors import SsfError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime, timedelta
    from ipaddress import IPv4Address, IPv6Address
    from types import TracebackType

    from typing_extensions import Self

    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import KeySet, Receipt, SignedSet, Signer, SigningKey
    from ssf_transmitter._receiver import Receiver, RetryPolicy
    from ssf_transmitter.doctor import Diagnosis
    from ssf_transmitter.lint import LintPolicy
    from ssf_transmitter.okta import AsyncOktaProviders


class AsyncTransmitter(BaseTransmitter):
    """Who sends: issuer, key and one HTTP pool, for asyncio. Make one and share it.

    >>> import asyncio
    >>> from ssf_transmitter import AsyncTransmitter, SigningKey
    >>> async def main():
    ...     async with AsyncTransmitter("https://edr.example.com", SigningKey.generate("P-256")) as transmitter:
    ...         return transmitter.issuer
    >>> asyncio.run(main())
    'https://edr.example.com'

    The arguments are those of `Transmitter`. The function of a `Signer` may be async; another one is
    called in a thread.

    Raises:
        ConfigError: If a setting is wrong.
    """

    _mailbox: _native.Mailbox | None = None

    @known_keywords
    def __init__(
        self,
        issuer: str,
        key: SigningKey | Signer | KeySet,
        *,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
        lint: LintPolicy | None = None,
        ca_bundle: str | bytes | None = None,
        client_certificate: tuple[str | bytes, str | bytes] | None = None,
        proxy: str | None = None,
        source_address: str | IPv4Address | IPv6Address | None = None,
        http2: bool = True,
        allow_networks: Iterable[str] = (),
    ) -> None:
        """Check the settings, and make the HTTP pool."""
        self._set_up(
            issuer, key, deadline, retry, lint, ca_bundle, client_certificate, proxy, source_address, http2,
            allow_networks,
        )  # fmt: skip

    @known_keywords
    async def emit(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        to: Receiver,
        *,
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        lint: LintPolicy | None = None,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """Send an event: build the SET in the receiver's dialect, sign it and deliver it.

        Cancelling it stops the work. The arguments and the exceptions are those of `Transmitter.emit`.
        """
        emission = made(_native.Emission, event, subject, to, txn, toe, jti, companions, lint, deadline, retry)
        return await self._send(emission, None)

    @known_keywords
    async def deliver(
        self,
        set: SignedSet,  # noqa: A002  # what it is
        to: Receiver,
        *,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """The last step of `emit`: deliver a signed SET. A stored SET is sent with the same bytes."""
        future, mailbox = self._pending()
        future.work = self._native.deliver_async(set, to, deadline, retry, mailbox, future, None)
        return await future  # type: ignore[no-any-return]

    @known_keywords
    async def emit_all(
        self, emissions: AsyncIterable[Emission] | Iterable[Emission], *, concurrency: int = 32
    ) -> AsyncIterator[Emitted]:
        """Send many events, with a limit on concurrent requests.

        Results arrive in the order of completion. Emissions are taken only as there is room: sixteen for each
        request on the wire, results that nobody has taken yet among them. Leaving the loop abandons pending calls.

        Args:
            emissions: What to send, from any iterable, async or not.
            concurrency: Maximum number of concurrent requests: 1 to 1024.
        """
        limit = _native.RequestLimit(requests(concurrency))
        room = asyncio.Semaphore(limit.window)
        done: deque[Emitted] = deque()
        news = asyncio.Event()
        under_way: set[asyncio.Task[None]] = set()
        trouble: list[BaseException] = []

        async def send(index: int, emission: Emission) -> None:
            try:
                done.append(Emitted(index, emission, await self._send(emission, limit), None))
            except SsfError as error:
                done.append(Emitted(index, emission, None, error))

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                trouble.append(error)
                room.release()
            news.set()

        async def feed() -> None:
            index = 0
            async for emission in _each(emissions):
                await room.acquire()
                if trouble:
                    break
                task = asyncio.ensure_future(send(index, emission))
                under_way.add(task)
                task.add_done_callback(ended)
                index += 1

        feeder = asyncio.ensure_future(feed())
        feeder.add_done_callback(lambda _: news.set())
        try:
            while done or under_way or not feeder.done():
                while done:
                    room.release()
                    yield done.popleft()
                news.clear()
                if not done and (under_way or not feeder.done()):
                    await news.wait()
            # What the iterable raised, or a call that was wrong, comes after what was sent before.
            feeder.result()
            if trouble:
                raise trouble[0]
        finally:
            tasks = [feeder, *under_way]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @known_keywords
    async def doctor(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        to: Receiver,
        *,
        configuration_url: str | None = None,
        send: bool = False,
        confirm: AsyncOktaProviders | None = None,
    ) -> Diagnosis:
        """Check this transmitter and a receiver end to end, in less than ten seconds.

        The arguments are those of `Transmitter.doctor`.
        """
        from ssf_transmitter.doctor import _diagnosis  # loaded on demand
        from ssf_transmitter.okta import _opened

        setup = (event_object(event), given_subject(subject), to, configuration_url, send, _opened(confirm))
        future, mailbox = self._pending()
        if not self._native.has_signers:
            future.work = self._native.doctor_async(setup, mailbox, future)
            return _diagnosis(await future)
        future.work = self._native.examine_async(setup, mailbox, future)
        try:
            examination: _native.Examination = await future
            request = examination.request
            signed = None if request is None else await _answer(request)
            finished, mailbox = self._pending()
            finished.work = examination.finish_async(signed, mailbox, finished)
            return _diagnosis(await finished)
        finally:
            # It may have come just before a cancellation, which then keeps it from the line that waits.
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().abandon()

    async def aclose(self) -> None:
        """Reject new work, and wait for pending calls.

        New work fails with the code `transmitter_closed`. Pending calls end within their deadlines; then the
        connections are closed. Closing twice is harmless, and a cancelled close takes effect too. Methods without
        network access still work.

        The end of an `async with` block closes too. The end of the event loop does not: it cancels pending calls.
        """
        self._closed = True
        future, mailbox = self._pending()
        future.work = self._native.close_async(mailbox, future)
        await future

    async def __aenter__(self) -> Self:
        """Use it as a context manager."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def _send(self, emission: _native.Emission, limit: _native.RequestLimit | None) -> Receipt:
        if not self._native.has_signers:
            future, mailbox = self._pending()
            future.work = self._native.emit_async(emission, mailbox, future, limit)
            return await future  # type: ignore[no-any-return]
        pending = self._native.begin_async(emission, limit)
        try:
            request = pending.request
            if request is None:
                future, mailbox = self._pending()
                future.work = pending.sign_async(mailbox, future)
            else:
                signature = await _signature(request)
                future, mailbox = self._pending()
                future.work = pending.deliver_async(signature, mailbox, future)
            return await future  # type: ignore[no-any-return]
        except SsfError as error:
            pending.fail(error.code)
            raise
        finally:
            pending.fail(None)

    def _pending(self) -> tuple[Pending, _native.Mailbox]:
        future, self._mailbox = pending(self._mailbox)
        return future, self._mailbox


async def _answer(request: _native.Request) -> Any:
    """The signature from the signer, or the exception that says why there is none."""
    try:
        return await _signature(request)
    except SsfError as error:
        return error


async def _signature(request: _native.Request) -> Any:
    """What the signer gives in the time that it has."""
    sign, given, seconds = request
    # A task of its own tells a cancellation or a timeout inside the signer from one of this call.
    signing = asyncio.ensure_future(_call(sign, given))
    try:
        await asyncio.wait({signing}, timeout=seconds)
        if not signing.done():
            raise late()
    finally:
        if signing.cancel():
            await asyncio.wait({signing})
    try:
        return signing.result()
    except (Exception, asyncio.CancelledError) as error:
        raise signer_failed(error) from error


async def _call(sign: Any, given: bytes) -> Any:
    if is_async(sign):
        return await sign(given)
    # It may wait for a network, which must not block the loop.
    signature = await asyncio.to_thread(sign, given)
    return await signature if hasattr(signature, "__await__") else signature


async def _each(emissions: AsyncIterable[Emission] | Iterable[Emission]) -> AsyncIterator[Emission]:
    if isinstance(emissions, AsyncIterable):
        async for emission in emissions:
            yield emission
    else:
        for emission in emissions:
            yield emission
