"""The stream API (OpenID SSF 1.0 §8): receivers create streams in your server, and poll or have their events pushed.

`docs/transmitter.md` has the whole of it, and the security model.

>>> from ssf_transmitter import Email, SigningKey
>>> from ssf_transmitter.events import caep
>>> from ssf_transmitter.outbox import Outbox
>>> from ssf_transmitter.streams import Caller, StreamApi
>>> api = StreamApi(
...     "https://tr.example.com", SigningKey.generate(), Outbox.in_memory(), events=["caep.session-revoked"]
... )
>>> def authenticate(request):
...     if request.headers.get("authorization") == "Bearer of-acme":
...         return Caller("acme", scopes="ssf.manage", audience="https://acme.example.com")
>>> app = api.asgi(authenticate)  # for Starlette, FastAPI, Django; api.wsgi(authenticate) for Flask
>>> api.publish(caep.SessionRevoked(), Email("ada@example.com")).streams
0
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from ssf_transmitter import _native
from ssf_transmitter._access import Authenticator, Caller, StaticToken, TrustedIssuer
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter.outbox import Entry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from ssf_transmitter._asgi import AsgiApp
    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import Failure
    from ssf_transmitter._types import Priority
    from ssf_transmitter._wsgi import WsgiApp
    from ssf_transmitter.outbox import AsyncOutbox, Outbox

__all__ = [
    "Authenticator",
    "Caller",
    "Published",
    "Request",
    "StaticToken",
    "StreamApi",
    "StreamHealth",
    "TrustedIssuer",
]


@dataclass(frozen=True)
class Request:
    """A request, as your function that authenticates sees it. The body is not read before.

    Attributes:
        method: The method.
        path: The path.
        headers: The headers, by their names in lower case.
        context: The scope of ASGI, or the environ of WSGI: it has what a middleware of yours found out.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        jtis: The ids of the SETs: those to receivers that were named, in their order, and those to streams.
        streams: How many streams get it.
        repeated: Whether an earlier event with the same idempotency key is meant.
    """

    jtis: tuple[str, ...]
    streams: int
    repeated: bool


@dataclass(frozen=True)
class StreamHealth:
    """How the streams are: what to watch, and to alert on.

    Attributes:
        enabled: How many are enabled.
        paused: How many are paused.
        disabled: How many are disabled.
        failed: How many could not be looked after.
        failure: Why, for the last one: its configuration is damaged, or sealed with a key that is not set.
        canary_age: The longest time since the receiver of an enabled stream acknowledged a canary; `None` without any.
        canary_stream: The stream of which that is true.
    """

    enabled: int
    paused: int
    disabled: int
    failed: int
    failure: Failure | None
    canary_age: timedelta | None
    canary_stream: str | None


class StreamApi:
    """Answers the requests of receivers, and publishes events to their streams. Share it between threads.

    Mount `asgi` or `wsgi` at the root of your server, because the well-known path of the configuration is there.
    Streams are kept in the outbox, beside the deliveries. A `Worker` with this API sends the events of push streams.

    Args:
        issuer: The exact `iss` of the SETs, an https URL.
        key: What signs: a `SigningKey`, a `Signer`, or a `KeySet`. The public key of a `Signer` must be known. With
            `asgi`, its function may be async, and is called for all SETs of a poll at once; with `wsgi`, one after the
            other.
        outbox: Keeps streams, subjects and events: in memory, in a file, or in a database.
        events: The events that receivers can request, by their ids or URIs.
        base_url: The URL of the API; the path `/ssf` below the issuer by default.
        default_subjects: Whose events a new stream delivers; `ALL` by default.
        critical_subject_members: The members of complex subjects that receivers must understand.
        max_streams: How many streams a receiver may have; 10 by default.
        max_subjects: How many subjects a stream may have: those added where it gets none by default, or those removed
            where it gets all; 100,000 by default.
        min_verification_interval: How long a receiver waits between two requests for a verification: a minute by
            default; 0 is no limit.
        long_poll: How long a poll waits for events; 25 seconds by default, and 0 answers at once.
        lease: How long a receiver that polls has to acknowledge SETs before it gets them again; a minute by default.
        max_sets: How many SETs a poll returns at most; 100 by default.
        max_waiting: How many events may wait in one stream; 10,000 by default. One more takes the place of the oldest.
        max_held_age: How long an event waits in a stream at most; 24 hours by default, 14 days at most.
        inactivity_timeout: After what time the streams of receivers that do nothing are stopped; never by default.
        inactivity_stop: How they are stopped: `pause` by default, which the next poll ends, or `disable`.
        canary: How often each enabled stream gets a verification of the transmitter itself; never by default.
        removal_grace: How long events go on about a subject that a receiver has removed; not at all by default.
        dialects: Dialects of your own, which `Caller.dialect` can name. Keep them as long as streams have them.
        push: Whether receivers may have their events pushed. The egress guard judges their endpoints.
        allow_networks: Networks that the egress guard lets push endpoints be in, such as `10.1.0.0/16`.
        authenticator: What finds out who calls, unless a mount has a function for it.
        rate_limit: How many requests per second one receiver may send; 50 by default, and 0 is no limit.
        resource_metadata: The URL of the protected resource metadata (RFC 9728), which challenges name. With an
            `authenticator`, the API serves the document itself.
        allow_loopback_http: Allow http URLs of loopback hosts, for trials.

    Raises:
        ConfigError: If a setting is wrong.
    """

    @known_keywords
    def __init__(
        self,
        issuer: str,
        key: _native.SigningKey | _native.Signer | _native.KeySet,
        outbox: Outbox | AsyncOutbox,
        *,
        events: Iterable[str],
        base_url: str | None = None,
        default_subjects: Literal["ALL", "NONE"] | None = None,
        critical_subject_members: Iterable[str] = (),
        max_streams: int | None = None,
        max_subjects: int | None = None,
        min_verification_interval: timedelta | float | None = None,
        long_poll: timedelta | float | None = None,
        lease: timedelta | float | None = None,
        max_sets: int | None = None,
        max_waiting: int | None = None,
        max_held_age: timedelta | float | None = None,
        inactivity_timeout: timedelta | float | None = None,
        inactivity_stop: Literal["pause", "disable"] | None = None,
        canary: timedelta | float | None = None,
        removal_grace: timedelta | float | None = None,
        dialects: Iterable[_native.Dialect] = (),
        push: bool = False,
        allow_networks: Iterable[str] = (),
        authenticator: Authenticator | None = None,
        rate_limit: int | None = None,
        resource_metadata: str | None = None,
        allow_loopback_http: bool = False,
    ) -> None:
        """Check the settings."""
        keys = key if isinstance(key, _native.KeySet) else _native.KeySet(key)
        self._mailbox: _native.Mailbox | None = None
        self._native = _native.StreamApi(
            issuer,
            keys,
            outbox._native,  # noqa: SLF001  # of this package
            base_url,
            list(events),
            default_subjects,
            list(critical_subject_members),
            max_streams,
            max_subjects,
            min_verification_interval,
            long_poll,
            lease,
            max_sets,
            max_waiting,
            max_held_age,
            inactivity_timeout,
            inactivity_stop,
            canary,
            removal_grace,
            list(dialects),
            push,
            list(allow_networks),
            resource_metadata,
            allow_loopback_http,
            None if authenticator is None else authenticator._tuple(),  # noqa: SLF001  # of this package
            rate_limit,
        )

    def asgi(
        self,
        authenticate: Callable[[Request], Caller | Awaitable[Caller | None] | None] | None = None,
        *,
        otherwise: Callable[..., Awaitable[None]] | None = None,
        limit_by_address: bool = False,
    ) -> AsgiApp:
        """The API as an ASGI application. The event loop is never blocked, and a client that has gone ends its poll.

        Args:
            authenticate: Finds out who calls. It may be async; otherwise it must return soon. It returns `None` if the
                request has no valid credentials. Without it, the `authenticator` does.
            otherwise: The application for other paths, such as `get_asgi_application()` of Django. Without it, they
                are 404.
            limit_by_address: Whether the `authenticator` limits how many invalid tokens come from one address. Behind a
                proxy, all callers have one.
        """
        from ssf_transmitter._asgi import AsgiApp  # loaded on demand

        return AsgiApp(self._native, authenticate, otherwise, limit_by_address)

    def wsgi(
        self,
        authenticate: Callable[[Request], Caller | None] | None = None,
        *,
        otherwise: Callable[..., Iterable[bytes]] | None = None,
        limit_by_address: bool = False,
        longest_poll: timedelta | float = 5,
    ) -> WsgiApp:
        """The API as a WSGI application. Each poll that waits occupies a thread of your server.

        Args:
            authenticate: Finds out who calls; `None` if the request has no valid credentials. Without it, the
                `authenticator` does.
            otherwise: The application for all other paths, such as `app.wsgi_app` of Flask. Without one, they are 404.
            limit_by_address: Whether the `authenticator` limits how many invalid tokens come from one address. Behind a
                proxy, all callers have one.
            longest_poll: How long a poll may occupy a thread: 5 seconds by default, however long `long_poll` is.
        """
        from ssf_transmitter._wsgi import WsgiApp  # loaded on demand

        return WsgiApp(self._native, authenticate, otherwise, limit_by_address, longest_poll)

    def configuration(self) -> dict[str, Any]:
        """The transmitter configuration, as it is served (SSF 1.0 §7.1)."""
        from json import loads  # loaded on demand

        return loads(self._native.configuration())  # type: ignore[no-any-return]

    def maintain(self) -> StreamHealth:
        """Look after all streams: stop those of inactive receivers, tell receivers before, and send canaries.

        Call it from a timer, about once a minute. Several servers with one outbox may call it.

        >>> from ssf_transmitter import SigningKey
        >>> from ssf_transmitter.outbox import Outbox
        >>> api = StreamApi("https://tr.example.com", SigningKey.generate(), Outbox.in_memory(), events=[], canary=3600)
        >>> api.maintain().enabled
        0
        """
        return _health(self._native.maintain())

    async def amaintain(self) -> StreamHealth:
        """`maintain` for asyncio."""
        from ssf_transmitter._pending import pending  # loaded on demand

        future, self._mailbox = pending(self._mailbox)
        future.work = self._native.maintain_async(self._mailbox, future)
        return _health(await future)

    def stop_stream(self, stream_id: str, reason: str, how: Literal["pause", "disable"] = "pause") -> bool:
        """Stop a stream, whoever it belongs to. Its receiver is told first, by the event `stream-updated`.

        `maintain` stops the stream when the receiver has acknowledged that, or a minute later. The receiver may enable
        it again.

        Args:
            stream_id: The id of the stream.
            reason: Why, for the receiver.
            how: `pause` holds its events, `disable` drops them.

        Returns:
            Whether there is anything to stop: the stream exists, is enabled, and is not being stopped.

        Raises:
            OutboxError: If the outbox cannot be used.
        """
        return self._native.stop_stream(stream_id, how, reason)

    async def astop_stream(self, stream_id: str, reason: str, how: Literal["pause", "disable"] = "pause") -> bool:
        """`stop_stream` for asyncio."""
        from ssf_transmitter._pending import pending  # loaded on demand

        future, self._mailbox = pending(self._mailbox)
        future.work = self._native.stop_stream_async(stream_id, how, reason, self._mailbox, future)
        return await future  # type: ignore[no-any-return]

    def resume_stream(self, stream_id: str, reason: str) -> bool:
        """Let a stream go on that was stopped, by you or by its receiver, or that is about to be.

        The receiver is told by the event `stream-updated`.

        Args:
            stream_id: The id of the stream.
            reason: Why, for the receiver.

        Returns:
            Whether there is anything to do.

        Raises:
            OutboxError: If the outbox cannot be used.
        """
        return self._native.resume_stream(stream_id, reason)

    async def aresume_stream(self, stream_id: str, reason: str) -> bool:
        """`resume_stream` for asyncio."""
        from ssf_transmitter._pending import pending  # loaded on demand

        future, self._mailbox = pending(self._mailbox)
        future.work = self._native.resume_stream_async(stream_id, reason, self._mailbox, future)
        return await future  # type: ignore[no-any-return]

    @known_keywords
    def publish(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str] = (),
        txn: str | None = None,
        toe: datetime | None = None,
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
    ) -> Published:
        """Give an event to every stream that wants it and has this subject. An event that no stream wants is no error.

        A stream gets its events about one subject in the order in which they were published.

        Args:
            event: The event, as in `Entry`.
            subject: The subject, as in `Entry`.
            to: Receivers beside the streams, by their names in the outbox.
            txn: The transaction: the same value in all SETs with the same cause.
            toe: The time of the event, for receivers that read `toe`.
            idempotency_key: Makes a second one with the same key return the first.
            not_before: Nothing is given out before this time.
            max_age: How long it may wait before it expires: 24 hours by default, 14 days at most.
            priority: Which events of a stream go first.
            supersedes: Discards events with the same key that nobody has got yet.

        Raises:
            ValidationError: If event or subject violate a rule; `pointer` is the place.
            OutboxError: If it was not accepted. Nothing was stored then.
        """
        entry = _entry(event, subject, to, txn, toe, idempotency_key, not_before, max_age, priority, supersedes)
        return _published(self._native.publish(entry))

    @known_keywords
    async def apublish(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str] = (),
        txn: str | None = None,
        toe: datetime | None = None,
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
    ) -> Published:
        """`publish` for asyncio. A cancelled call may take effect nevertheless."""
        from ssf_transmitter._pending import pending  # loaded on demand

        entry = _entry(event, subject, to, txn, toe, idempotency_key, not_before, max_age, priority, supersedes)
        future, self._mailbox = pending(self._mailbox)
        future.work = self._native.publish_async(entry, self._mailbox, future)
        return _published(await future)


def _health(health: _native.StreamHealth) -> StreamHealth:
    enabled, paused, disabled, failed, failure, age, stream = health
    canary_age = None if age is None else timedelta(seconds=age)
    return StreamHealth(enabled, paused, disabled, failed, failure, canary_age, stream)


def _entry(
    event: Event | Mapping[str, object],
    subject: Subject | Mapping[str, object] | None,
    to: str | Iterable[str],
    txn: str | None,
    toe: datetime | None,
    idempotency_key: str | None,
    not_before: datetime | None,
    max_age: timedelta | float | None,
    priority: Priority | None,
    supersedes: str | None,
) -> Entry:
    return Entry(
        event, subject, to=to, txn=txn, toe=toe, idempotency_key=idempotency_key, not_before=not_before,
        max_age=max_age, priority=priority, supersedes=supersedes,
    )  # fmt: skip


def _published(published: tuple[list[str], int, bool]) -> Published:
    jtis, streams, repeated = published
    return Published(tuple(jtis), streams, repeated)
