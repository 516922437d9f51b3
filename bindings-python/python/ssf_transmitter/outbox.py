"""The outbox: what was accepted is kept until every receiver has it, or until you know why not.

`docs/outbox.md` describes what is promised, what stops and what goes on, and how to operate it.

>>> import asyncio
>>> from ssf_transmitter import Email, Receiver, SigningKey, Transmitter
>>> from ssf_transmitter.events import caep
>>> from ssf_transmitter.outbox import Outbox, Worker
>>> outbox = Outbox.in_memory()  # Outbox("/var/lib/edr/outbox.db") keeps it on the disk
>>> enqueued = outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme")
>>> outbox.counts().waiting
1
>>> transmitter = Transmitter("https://edr.example.com", SigningKey.generate())
>>> receivers = {"acme": Receiver.okta("https://acme.okta.com")}
>>> Worker(outbox, transmitter, receivers).run()  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import fspath
from typing import TYPE_CHECKING, Any, TypeAlias

from ssf_transmitter import _native
from ssf_transmitter._base import is_async, pem
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import Event, event_object, given_subject, wrong_type
from ssf_transmitter._native import Attempt, Delivery, Failure, OutboxCounts, OutboxHealth, OutboxReceiver, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime, timedelta
    from os import PathLike
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from ssf_transmitter._async_worker import AsyncWorker
    from ssf_transmitter._config import Config
    from ssf_transmitter._model import Subject
    from ssf_transmitter._native import Database
    from ssf_transmitter._password import Passwords
    from ssf_transmitter._receiver import Receiver
    from ssf_transmitter._types import DeliveryState, ParamStyle, Priority
    from ssf_transmitter._worker import Drained, Health, Worker
    from ssf_transmitter.lint import Finding

__all__ = [
    "AsyncOutbox",
    "AsyncWorker",
    "Attempt",
    "Delivery",
    "Drained",
    "Enqueued",
    "Entry",
    "Failure",
    "Health",
    "History",
    "Outbox",
    "OutboxCounts",
    "OutboxHealth",
    "OutboxReceiver",
    "Refused",
    "Salvaged",
    "Seal",
    "Statement",
    "Worker",
]

# In the classes below, `list` is a method.
_Deliveries: TypeAlias = list[Delivery]
_Receivers: TypeAlias = list[OutboxReceiver]
_Refused: TypeAlias = list[Refused]

_LATER = {
    "AsyncWorker": "ssf_transmitter._async_worker",
    "Drained": "ssf_transmitter._worker",
    "Health": "ssf_transmitter._worker",
    "Worker": "ssf_transmitter._worker",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


class Seal(_native.Seal):
    """Encrypts events, subjects and claims with AES-256-GCM before they are stored.

    To rotate, put the new key first, and keep the old ones for as long as entries with them are kept. The index key
    stays the same: it identifies subjects and the keys of entries.

    >>> from ssf_transmitter.outbox import Seal
    >>> seal = Seal(index_key=bytes(32), keys={"2026-11": bytes(range(32))})

    Args:
        index_key: 32 bytes to index by.
        keys: The keys with 32 bytes each by their ids, of which the first one seals. The ids are stored in clear.

    Raises:
        ConfigError: If a key has another length, or an id is empty or longer than 255 bytes.
    """

    @known_keywords
    def __new__(cls, *, index_key: bytes, keys: Mapping[str, bytes]) -> Self:
        """Check the keys."""
        return super().__new__(cls, index_key, list(keys.items()))


class Entry(_native.Entry):
    """An event for receivers that are named: one of those that `enqueue_many` accepts.

    >>> from ssf_transmitter import Email
    >>> from ssf_transmitter.events import caep
    >>> from ssf_transmitter.outbox import Entry
    >>> entry = Entry(caep.SessionRevoked(), Email("ada@example.com"), to=["acme", "globex"], txn="incident-4711")

    Args:
        event: The event: an `Event`, or its dict as in a SET, `{uri: members}`.
        subject: The subject: a `Subject`, or its dict as in a SET. `None` if the event contains it.
        to: The name of the receiver, or the names of several. The worker looks up the receivers when it sends.
        txn: The transaction: the same value in all SETs with the same cause.
        toe: The time of the event, for receivers that read `toe`.
        jti: The id of the SET, for an entry with a single receiver.
        companions: Additional events in the same SET, for receivers that accept them.
        idempotency_key: Makes a second enqueue with the same key return the first entry.
        not_before: Nothing is sent before this time.
        max_age: How long a delivery may wait before it expires: 24 hours by default, 14 days at most.
        priority: Which deliveries to a receiver go first: `high`, `normal` or `low`.
        supersedes: Discards deliveries to the same receiver with the same key that are not sent yet.
        ordered: Sends it after the earlier ordered entries about the same subject, receiver by receiver.
    """

    @known_keywords
    def __new__(
        cls,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str],
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
        ordered: bool = False,
    ) -> Self:
        """Read event and subject."""
        if isinstance(companions, (Event, dict, str)):
            raise wrong_type(companions, "companions", "a list of events")
        return super().__new__(
            cls,
            event_object(event),
            given_subject(subject),
            [to] if isinstance(to, str) else list(to),
            txn,
            toe,
            jti,
            [event_object(event, f"companions[{index}]") for index, event in enumerate(companions)],
            idempotency_key,
            not_before,
            max_age,
            priority,
            supersedes,
            ordered,
        )

    def to_json(self) -> str:
        """The entry as JSON, to keep it in a table of your own until `Outbox.enqueue_json` accepts it.

        An entry without an idempotency key gets a random one, so an entry that is enqueued twice is delivered once. The
        text contains the subject in clear.
        """
        return super().to_json()


@dataclass(frozen=True)
class Enqueued:
    """What was accepted.

    Attributes:
        jtis: The ids of the SETs, in the order of the receivers.
        repeated: Whether an earlier entry with the same idempotency key is meant.
        findings: What lint reports, if the outbox has an issuer and receivers.
    """

    jtis: tuple[str, ...]
    repeated: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Statement:
    """A statement that accepts an event in a transaction of yours.

    Attributes:
        sql: The SQL.
        parameters: The parameters, all of them strings: a list, or a dict for a style with names.
        jtis: The ids of the SETs, in the order of the receivers.
        findings: What lint reports, if the outbox has an issuer and receivers.
    """

    sql: str
    parameters: list[str] | dict[str, str] = field(repr=False)
    jtis: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class History:
    """A delivery and all its attempts.

    Attributes:
        delivery: The delivery.
        attempts: Its attempts, the first one first.
    """

    delivery: Delivery
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Salvaged:
    """What was saved of a damaged outbox.

    Attributes:
        kept: Deliveries that wait or are in flight, and are in the new file.
        lost: Those that are lost, as far as the counts of the receivers can still be read.
        moved_to: Where the damaged file is now.
    """

    kept: int
    lost: int
    moved_to: Path


class _Settings:
    """Where entries are kept."""

    _native: _native.Outbox
    _passwords: Passwords | None = None

    @known_keywords
    def __init__(
        self,
        place: str | PathLike[str],
        *,
        seal: Seal | None = None,
        issuer: str | None = None,
        receivers: Mapping[str, Receiver] | None = None,
        schema: str | None = None,
        connections: int | None = None,
        password: str | Callable[[], str | Awaitable[str]] | None = None,
        ca_bundle: str | bytes | None = None,
        client_certificate: tuple[str | bytes, str | bytes] | None = None,
        migrate: bool = False,
    ) -> None:
        """Take the settings."""
        database = self._database(schema, connections, password, ca_bundle, client_certificate, migrate)
        self._open(fspath(place), None, False, database, seal, issuer, receivers)

    @classmethod
    @known_keywords
    def from_config(
        cls,
        config: Config,
        *,
        seal: Seal | None = None,
        receivers: Mapping[str, Receiver] | None = None,
        connections: int | None = None,
        password: str | Callable[[], str | Awaitable[str]] | None = None,
        ca_bundle: str | bytes | None = None,
        client_certificate: tuple[str | bytes, str | bytes] | None = None,
        migrate: bool = False,
    ) -> Self:
        """Make the outbox that a file of settings describes. It is opened where it is first used.

        The URL of a database is read at once. It waits for the command that prints the URL, if the file names one, so
        create the outbox where your program starts.

        >>> from ssf_transmitter import Config
        >>> from ssf_transmitter.outbox import Outbox
        >>> config = Config.from_toml('''
        ... [outbox]
        ... file = "/var/lib/edr/outbox.db"
        ... ''')
        >>> Outbox.from_config(config)
        <Outbox /var/lib/edr/outbox.db>

        Args:
            config: The file of settings. Its table `[outbox]` says where the outbox is.
            seal: Encrypts what entries say.
            receivers: Receivers by name, such as `config.receivers()`, to lint entries for the issuer of the file.
            connections: How many connections to the database there are at most; 8 by default. This and the settings
                below have no effect on an outbox in a file.
            password: The password of the database, or a function that returns it.
            ca_bundle: Certificates (PEM) to trust in addition to those of the operating system.
            client_certificate: A client certificate with its chain, and its private key, both in PEM.
            migrate: Whether the first use creates the tables, or brings those of an older version to this one.

        Raises:
            ConfigError: If the file has no `[outbox]`, or no issuer to lint for, or if the URL of its database cannot
                be read or is invalid.
        """
        outbox = cls.__new__(cls)
        database = outbox._database(None, connections, password, ca_bundle, client_certificate, migrate)  # noqa: SLF001
        known = None if receivers is None else dict(receivers)
        outbox._native = _native.Outbox.from_config(config, database, seal, known)  # noqa: SLF001
        return outbox

    @classmethod
    @known_keywords
    def in_memory(
        cls,
        *,
        capacity: int | None = None,
        wait_when_full: bool = False,
        seal: Seal | None = None,
        issuer: str | None = None,
        receivers: Mapping[str, Receiver] | None = None,
    ) -> Self:
        """An outbox in the memory of this process: it survives an outage of a receiver, but not the process.

        Args:
            capacity: How many deliveries there is room for; 100,000 by default.
            wait_when_full: Whether an entry waits for room. By default, it is the error `outbox_full`.
            seal: Encrypts what entries say.
            issuer: The issuer of the SETs, to lint entries.
            receivers: Receivers by name, to lint entries.
        """
        outbox = cls.__new__(cls)
        outbox._open(None, capacity, wait_when_full, None, seal, issuer, receivers)  # noqa: SLF001  # of this class
        return outbox

    @staticmethod
    def salvage(path: str | PathLike[str]) -> Salvaged:
        """Put a damaged file aside, and copy what can be read of it into a new one. Blocks meanwhile.

        Call it when a method raises `OutboxError` with the code `outbox_corrupt`, and tell a person what it returns.

        Raises:
            OutboxError: If a process has the outbox open (`outbox_unavailable`), or there is none.
            ConfigError: If it is in a database.
        """
        return Salvaged(*_native.Outbox.salvage(path))

    def _database(
        self,
        schema: str | None,
        connections: int | None,
        password: str | Callable[[], str | Awaitable[str]] | None,
        ca_bundle: str | bytes | None,
        client_certificate: tuple[str | bytes, str | bytes] | None,
        migrate: bool,
    ) -> Database:
        asked: str | Passwords | None
        if password is None or isinstance(password, str):
            asked = password
        elif callable(password):
            from ssf_transmitter._password import Passwords  # loaded on demand

            if is_async(password) and not isinstance(self, AsyncOutbox):
                raise TypeError("password: an async function requires an AsyncOutbox")
            asked = self._passwords = Passwords(password)
        else:
            raise wrong_type(password, "password", "a str or a function")
        bundles = [] if ca_bundle is None else [pem(ca_bundle, "ca_bundle")]
        chain, key = client_certificate or (None, None)
        pair = (
            None if chain is None or key is None else (pem(chain, "client_certificate"), pem(key, "client_certificate"))
        )
        return (schema, connections, migrate, bundles, pair, asked)

    def _open(
        self,
        place: str | None,
        capacity: int | None,
        waits: bool,
        database: Database | None,
        seal: Seal | None,
        issuer: str | None,
        receivers: Mapping[str, Receiver] | None,
    ) -> None:
        known = None if receivers is None else dict(receivers)
        self._native = _native.Outbox(place, capacity, waits, database, seal, issuer, known)

    @known_keywords
    def statement(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str],
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
        ordered: bool = False,
        paramstyle: ParamStyle = "format",
    ) -> Statement:
        """Return the statement that accepts an event in a transaction of yours. The arguments are those of `Entry`.

        Execute it on your own connection to the database of the outbox: the event is accepted if, and only if, your
        transaction commits. It needs no connection of the outbox. Workers find the event when they look, once a second
        by default, or at once after `wake`.

        >>> from ssf_transmitter import Email
        >>> from ssf_transmitter.events import caep
        >>> from ssf_transmitter.outbox import Outbox
        >>> outbox = Outbox("postgresql://db.example.com/app")
        >>> outbox.statement(caep.SessionRevoked(), Email("ada@example.com"), to="acme").sql
        'INSERT INTO "ssf_outbox"."inbox" (entry) VALUES (CAST(%s AS text))'

        Args:
            event: The event, as in `Entry`.
            subject: The subject, as in `Entry`.
            to: The receivers, as in `Entry`, as all that follows.
            txn: The transaction.
            toe: The time of the event.
            jti: The id of the SET.
            companions: Additional events in the same SET.
            idempotency_key: Makes a second one with the same key have no effect.
            not_before: Nothing is sent before this time.
            max_age: How long a delivery may wait.
            priority: Which deliveries to a receiver go first.
            supersedes: Discards deliveries with the same key.
            ordered: Sends it after the earlier ordered entries.
            paramstyle: How the driver writes parameters (PEP 249): `format` for psycopg and Django, `numeric` for
                asyncpg, `named` for SQLAlchemy, `pyformat` for psycopg with a dict.

        Raises:
            ValidationError: If event or subject violate a rule; `pointer` is the place.
            OutboxError: If the entry is invalid.
            ConfigError: If the outbox is not in a PostgreSQL database.
        """
        entry = Entry(
            event, subject, to=to, txn=txn, toe=toe, jti=jti, companions=companions, idempotency_key=idempotency_key,
            not_before=not_before, max_age=max_age, priority=priority, supersedes=supersedes, ordered=ordered,
        )  # fmt: skip
        sql, values, names, jtis, findings = self._native.statement(entry, paramstyle)
        parameters = dict(zip(names, values, strict=True)) if names else values
        return Statement(sql, parameters, tuple(jtis), findings)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._native.shown()}>"


def _filter(
    state: DeliveryState | Iterable[DeliveryState] | None,
    receiver: str | None,
    event: str | None,
    code: str | None,
    jti: str | Iterable[str] | None,
    subject: Subject | Mapping[str, object] | None,
    since: datetime | None,
    until: datetime | None,
) -> _native.Filter:
    return (_several(state), receiver, event, code, _several(jti), given_subject(subject), since, until)


def _several(given: str | Iterable[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _enqueued(answer: Any) -> list[Enqueued]:
    return [Enqueued(tuple(jtis), repeated, findings) for jtis, repeated, findings in answer]


def _history(answer: Any) -> History | None:
    return next((History(delivery, tuple(attempts)) for delivery, attempts in answer), None)


class Outbox(_Settings):
    """Accepts events, and answers questions about them. Share it between threads.

    A worker sends them: in this process, or in another one with the same file. The file belongs to this package alone;
    no other program may open it.

    The file is opened where the outbox is first used. A process that is forked after that cannot use the file (the
    code is `outbox_unavailable`); one that is forked before can. So a server that forks its workers may create the
    outbox before, and use it only in the workers.

    Where several machines share the outbox, it is in a PostgreSQL database: `Outbox("postgresql://outbox@db/app")`.
    Connections are made where the outbox is first used, by each process for itself. TLS is on, and the certificate of
    the server is verified, unless the server is on this machine or the URL has `sslmode=disable`.

    >>> from ssf_transmitter import Email
    >>> from ssf_transmitter.events import caep
    >>> from ssf_transmitter.outbox import Outbox
    >>> with Outbox.in_memory() as outbox:
    ...     enqueued = outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to=["acme", "globex"])
    ...     len(enqueued.jtis), outbox.counts().waiting
    (2, 2)

    Args:
        place: The file, which is created if it does not exist. Its folder must exist, on a local disk. Or the URL of a
            PostgreSQL database.
        seal: Encrypts what entries say.
        issuer: The issuer of the SETs. With it and `receivers`, entries are linted before they are accepted: what a
            receiver would reject is a `ValidationError` then, and not a dead delivery.
        receivers: The receivers by name, as far as they are known. Entries for others are linted when they are sent.
        schema: The schema of the tables in the database; `ssf_outbox` by default.
        connections: How many connections to the database there are at most; 8 by default.
        password: The password of the database, in place of one in the URL. Or a function that returns it, for tokens
            that expire: it is called in a thread, for each new connection. In an `AsyncOutbox`, it may be async.
        ca_bundle: Certificates (PEM) to trust in addition to those of the operating system.
        client_certificate: A client certificate with its chain, and its private key, both in PEM.
        migrate: Whether the first use creates the tables, or brings those of an older version to this one.

    Every method raises `OutboxError` if the file or the database cannot be used.
    """

    @known_keywords
    def enqueue(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str],
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
        ordered: bool = False,
    ) -> Enqueued:
        """Accept an event. Once this has returned, it is on the disk. The arguments are those of `Entry`.

        Raises:
            ValidationError: If event or subject violate a rule; `pointer` is the place.
            OutboxError: If it was not accepted. Nothing was stored then.
        """
        entry = Entry(
            event, subject, to=to, txn=txn, toe=toe, jti=jti, companions=companions, idempotency_key=idempotency_key,
            not_before=not_before, max_age=max_age, priority=priority, supersedes=supersedes, ordered=ordered,
        )  # fmt: skip
        return _enqueued(self._native.call(_native.Operation.enqueue_one(entry)))[0]

    def enqueue_many(self, entries: Iterable[Entry]) -> list[Enqueued]:
        """Accept entries: all of them or none.

        An error of an entry has its index as the first step of its `pointer`.
        """
        return _enqueued(self._native.call(_native.Operation.enqueue(list(entries))))

    def enqueue_json(self, texts: Iterable[str]) -> list[Enqueued]:
        """Accept entries that `Entry.to_json` wrote: all of them or none.

        So an entry that a program keeps in a table of its own, in its own transaction, comes into the outbox: read
        rows, enqueue them, then delete them. A repeat has no effect.

        An error of an entry has its index as the first step of its `pointer`.
        """
        return _enqueued(self._native.call(_native.Operation.enqueue_json(list(texts))))

    def counts(self) -> OutboxCounts:
        """The ledger in numbers: every delivery that was accepted is in exactly one of them."""
        return self._native.call(_native.Operation.counts())  # type: ignore[no-any-return]

    def health(self) -> OutboxHealth:
        """What to watch: the age of the oldest delivery that waits, the rate, receivers that are paused, the size."""
        return self._native.call(_native.Operation.health())  # type: ignore[no-any-return]

    def receivers(self, *, after: str | None = None, limit: int = 100) -> _Receivers:
        """Receivers by name with their states and counts; `after` is the last name of the page before."""
        return self._native.call(_native.Operation.receivers(after, limit))  # type: ignore[no-any-return]

    @known_keywords
    def list(
        self,
        *,
        state: DeliveryState | Iterable[DeliveryState] | None = None,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: Delivery | None = None,
        limit: int = 100,
    ) -> _Deliveries:
        """Deliveries in the order in which they were enqueued, those for which every condition holds.

        Args:
            state: In this state, or in one of these.
            receiver: To this receiver.
            event: With this event, by its id or URI.
            code: Whose last failure has this code.
            jti: With this id, or with one of these.
            subject: About this subject.
            since: Enqueued at this time or later.
            until: Enqueued before this time.
            after: The last delivery of the page before.
            limit: How many at most.
        """
        selected = _filter(state, receiver, event, code, jti, subject, since, until)
        return self._native.call(_native.Operation.list(selected, after, limit))  # type: ignore[no-any-return]

    def history(self, jti: str) -> History | None:
        """A delivery and its attempts; `None` if the outbox does not have it, or no longer."""
        return _history(self._native.call(_native.Operation.history(jti)))

    def refused(self, *, after: int | None = None, limit: int = 100) -> _Refused:
        """Entries of a `statement` that could not be taken over, by `id`; `after` is the last `id` of the page before.

        `health` counts them. They are kept for as long as dead deliveries. Only a PostgreSQL database has them.
        """
        return self._native.call(_native.Operation.refused(after, limit))  # type: ignore[no-any-return]

    @known_keywords
    def replay(
        self,
        *,
        state: DeliveryState | Iterable[DeliveryState] | None = None,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        dry_run: bool = False,
        fresh_jti: bool = False,
    ) -> int:
        """Let deliveries wait again that have ended, and return how many.

        The arguments are those of `list`. Without `state`, it is the dead ones. With `dry_run` it only counts them.
        With `fresh_jti` each gets a new `jti`, for receivers that would ignore one that they know.
        """
        selected = _filter(state, receiver, event, code, jti, subject, since, until)
        return self._native.call(_native.Operation.replay(selected, dry_run, fresh_jti))  # type: ignore[no-any-return]

    @known_keywords
    def discard(
        self,
        *,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        dry_run: bool = False,
    ) -> int:
        """Discard deliveries that wait, and return how many. With `dry_run` it only counts them."""
        selected = _filter(None, receiver, event, code, jti, subject, since, until)
        return self._native.call(_native.Operation.discard(selected, dry_run))  # type: ignore[no-any-return]

    def hold(self, receiver: str) -> None:
        """Hold the deliveries to a receiver until `release`."""
        self._native.call(_native.Operation.hold(receiver))

    def release(self, receiver: str) -> None:
        """Let the deliveries to a held or paused receiver go."""
        self._native.call(_native.Operation.release(receiver))

    def wake(self) -> None:
        """Tell workers that a transaction with a `statement` was committed: otherwise, they find it when they look."""
        self._native.call(_native.Operation.wake())

    @known_keywords
    def prune(
        self,
        *,
        delivered: timedelta | float | None = None,
        dead: timedelta | float | None = None,
        discarded: timedelta | float | None = None,
    ) -> int:
        """Remove deliveries that ended long enough ago, and return how many. Workers do this, too.

        Args:
            delivered: How long those are kept that were delivered: a day by default.
            dead: How long those are kept that are dead: 30 days by default.
            discarded: How long those are kept that were discarded: 7 days by default.
        """
        return self._native.call(_native.Operation.prune(delivered, dead, discarded))  # type: ignore[no-any-return]

    def check(self) -> tuple[str, ...]:
        """Read the whole file, and tell what is damaged: nothing if it is whole, or in memory.

        Raises:
            ConfigError: If the outbox is in a database.
        """
        return tuple(self._native.call(_native.Operation.check()))

    def backup(self, target: str | PathLike[str]) -> None:
        """Copy the outbox into a new file, as it is at one moment, while workers go on.

        A worker that runs on the copy sends again what was delivered since, with the same `jti`.

        Raises:
            OutboxError: If the file exists or cannot be written.
            ConfigError: If the outbox is in memory or in a database.
        """
        self._native.call(_native.Operation.backup(target))

    def close(self) -> None:
        """Close the file, after all calls before. Stop the workers first. Closing twice is harmless.

        The end of a `with` block closes, too.
        """
        self._native.close()

    def __enter__(self) -> Self:
        """Use it as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class AsyncOutbox(_Settings):
    """`Outbox` for asyncio: the same methods, and the event loop is never blocked.

    A cancelled call may take effect nevertheless.

    >>> import asyncio
    >>> from ssf_transmitter import Email
    >>> from ssf_transmitter.events import caep
    >>> from ssf_transmitter.outbox import AsyncOutbox
    >>> async def main():
    ...     async with AsyncOutbox.in_memory() as outbox:
    ...         await outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme")
    ...         return (await outbox.counts()).waiting
    >>> asyncio.run(main())
    1
    """

    _mailbox: _native.Mailbox | None = None

    @known_keywords
    async def enqueue(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        *,
        to: str | Iterable[str],
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        idempotency_key: str | None = None,
        not_before: datetime | None = None,
        max_age: timedelta | float | None = None,
        priority: Priority | None = None,
        supersedes: str | None = None,
        ordered: bool = False,
    ) -> Enqueued:
        """`Outbox.enqueue`."""
        entry = Entry(
            event, subject, to=to, txn=txn, toe=toe, jti=jti, companions=companions, idempotency_key=idempotency_key,
            not_before=not_before, max_age=max_age, priority=priority, supersedes=supersedes, ordered=ordered,
        )  # fmt: skip
        return _enqueued(await self._call(_native.Operation.enqueue_one(entry)))[0]

    async def enqueue_many(self, entries: Iterable[Entry]) -> list[Enqueued]:
        """`Outbox.enqueue_many`."""
        return _enqueued(await self._call(_native.Operation.enqueue(list(entries))))

    async def enqueue_json(self, texts: Iterable[str]) -> list[Enqueued]:
        """`Outbox.enqueue_json`."""
        return _enqueued(await self._call(_native.Operation.enqueue_json(list(texts))))

    async def counts(self) -> OutboxCounts:
        """`Outbox.counts`."""
        return await self._call(_native.Operation.counts())  # type: ignore[no-any-return]

    async def health(self) -> OutboxHealth:
        """`Outbox.health`."""
        return await self._call(_native.Operation.health())  # type: ignore[no-any-return]

    async def receivers(self, *, after: str | None = None, limit: int = 100) -> _Receivers:
        """`Outbox.receivers`."""
        return await self._call(_native.Operation.receivers(after, limit))  # type: ignore[no-any-return]

    @known_keywords
    async def list(
        self,
        *,
        state: DeliveryState | Iterable[DeliveryState] | None = None,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: Delivery | None = None,
        limit: int = 100,
    ) -> _Deliveries:
        """`Outbox.list`."""
        selected = _filter(state, receiver, event, code, jti, subject, since, until)
        return await self._call(_native.Operation.list(selected, after, limit))  # type: ignore[no-any-return]

    async def history(self, jti: str) -> History | None:
        """`Outbox.history`."""
        return _history(await self._call(_native.Operation.history(jti)))

    async def refused(self, *, after: int | None = None, limit: int = 100) -> _Refused:
        """`Outbox.refused`."""
        return await self._call(_native.Operation.refused(after, limit))  # type: ignore[no-any-return]

    @known_keywords
    async def replay(
        self,
        *,
        state: DeliveryState | Iterable[DeliveryState] | None = None,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        dry_run: bool = False,
        fresh_jti: bool = False,
    ) -> int:
        """`Outbox.replay`."""
        selected = _filter(state, receiver, event, code, jti, subject, since, until)
        return await self._call(_native.Operation.replay(selected, dry_run, fresh_jti))  # type: ignore[no-any-return]

    @known_keywords
    async def discard(
        self,
        *,
        receiver: str | None = None,
        event: str | None = None,
        code: str | None = None,
        jti: str | Iterable[str] | None = None,
        subject: Subject | Mapping[str, object] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        dry_run: bool = False,
    ) -> int:
        """`Outbox.discard`."""
        selected = _filter(None, receiver, event, code, jti, subject, since, until)
        return await self._call(_native.Operation.discard(selected, dry_run))  # type: ignore[no-any-return]

    async def hold(self, receiver: str) -> None:
        """`Outbox.hold`."""
        await self._call(_native.Operation.hold(receiver))

    async def release(self, receiver: str) -> None:
        """`Outbox.release`."""
        await self._call(_native.Operation.release(receiver))

    async def wake(self) -> None:
        """`Outbox.wake`."""
        await self._call(_native.Operation.wake())

    @known_keywords
    async def prune(
        self,
        *,
        delivered: timedelta | float | None = None,
        dead: timedelta | float | None = None,
        discarded: timedelta | float | None = None,
    ) -> int:
        """`Outbox.prune`."""
        return await self._call(_native.Operation.prune(delivered, dead, discarded))  # type: ignore[no-any-return]

    async def check(self) -> tuple[str, ...]:
        """`Outbox.check`."""
        return tuple(await self._call(_native.Operation.check()))

    async def backup(self, target: str | PathLike[str]) -> None:
        """`Outbox.backup`."""
        await self._call(_native.Operation.backup(target))

    async def aclose(self) -> None:
        """`Outbox.close`."""
        from asyncio import to_thread  # loaded on demand

        await to_thread(self._native.close)

    async def __aenter__(self) -> Self:
        """Use it as a context manager."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    def _enter(self) -> None:
        """Note the event loop, in which an async function for the password runs."""
        if self._passwords is not None:
            from asyncio import get_running_loop  # loaded on demand

            self._passwords.loop = get_running_loop()

    async def _call(self, operation: _native.Operation) -> Any:
        from ssf_transmitter._pending import pending  # loaded on demand

        self._enter()
        future, self._mailbox = pending(self._mailbox)
        future.work = self._native.call_async(operation, self._mailbox, future)
        return await future
