"""Okta's System Log: its entries, and the reception of SETs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime

    from ssf_transmitter import _native
    from ssf_transmitter._causes import CauseId

#: The outcome for a SET: it arrived and the risk of its user was evaluated; it arrived; it was dropped, for a certain
#: cause; it was not seen by the deadline.
ReceptionOutcome: TypeAlias = Literal["judged", "arrived", "dropped", "not-seen"]

#: The certainty that an entry is about the SET: it names the `jti`; it names provider and user, and the time
#: matches; the time matches, and it names no other user or provider.
Certainty: TypeAlias = Literal["exact", "likely", "possible"]


@dataclass(frozen=True, repr=False)
class LogEntity:
    """An actor or a target of a `LogEvent`.

    Attributes:
        id: The id.
        type: What it is, such as `User`.
        alternate_id: The alternate id; for a user, the sign-in name.
        display_name: The name for people.
    """

    id: str | None
    type: str | None
    alternate_id: str | None
    display_name: str | None

    def __repr__(self) -> str:
        """Show no personal data."""
        return f"<LogEntity {self.type}>"


@dataclass(frozen=True, repr=False)
class LogEvent:
    """An entry of Okta's System Log. A member that is missing, or has an undocumented type, is `None`.

    Attributes:
        uuid: The id of the entry, empty if it has none.
        published: The time of the entry.
        event_type: What happened, such as `security.events.provider.receive_event`; empty if it does not say.
        severity: `DEBUG`, `INFO`, `WARN` or `ERROR`.
        display_message: What happened, for people.
        result: The result, such as `SUCCESS`.
        reason: The reason for the result.
        actor: Who did it.
        targets: What it was done to.
        debug_data: Okta's debug data. Its members are not documented.
        members: All of it, as it came.
    """

    uuid: str
    published: datetime | None
    event_type: str
    severity: str | None
    display_message: str | None
    result: str | None
    reason: str | None
    actor: LogEntity | None
    targets: tuple[LogEntity, ...]
    debug_data: dict[str, Any] | None
    members: dict[str, Any]

    def __repr__(self) -> str:
        """Show no personal data."""
        return f"<LogEvent {self.uuid} {self.event_type}>"


@dataclass(frozen=True)
class Cause:
    """Why a SET may not have arrived.

    Attributes:
        id: A stable id, such as `user-unknown`. All are in `docs/errors.md`.
        is_certain: Whether the cause is certain, not just possible.
        meaning: What it is, in one sentence or two.
        remedy: How to fix it.
    """

    id: CauseId
    is_certain: bool
    meaning: str
    remedy: str


@dataclass(frozen=True)
class Reception:
    """The reception of a SET in an org.

    Attributes:
        outcome: The outcome.
        certainty: The certainty that the entries are about the SET; `None` if there are none.
        events: The entries about the arrival and the risk evaluation.
        causes: Why it may not have arrived: certain causes first, then likely ones. Empty if it arrived.
    """

    outcome: ReceptionOutcome
    certainty: Certainty | None
    events: tuple[LogEvent, ...]
    causes: tuple[Cause, ...]

    @property
    def has_arrived(self) -> bool:
        """Whether the SET arrived."""
        return self.outcome in ("judged", "arrived")


def _reception(told: _native._Reception) -> Reception:
    outcome, certainty, events, causes = told
    return Reception(outcome, certainty, tuple(map(_event, events)), tuple(Cause(*cause) for cause in causes))


def _event(told: _native._LogEvent) -> LogEvent:
    uuid, published, event_type, severity, display_message, result, reason, actor, targets, debug_data, members = told
    return LogEvent(
        uuid,
        published,
        event_type,
        severity,
        display_message,
        result,
        reason,
        None if actor is None else LogEntity(*actor),
        tuple(LogEntity(*target) for target in targets),
        None if debug_data is None else json.loads(debug_data),
        json.loads(members),
    )


def _types(event_types: Iterable[str] | None) -> list[str] | None:
    if event_types is None:
        return None
    return [event_types] if isinstance(event_types, str) else list(event_types)


def _entries(log: _native.LogPager) -> Iterator[LogEvent]:
    while (told := log.next()) is not None:
        yield _event(told)


async def _entries_async(log: _native.LogPager) -> AsyncIterator[LogEvent]:
    # Loaded here: asyncio takes long to import, and threads do not need it.
    from ssf_transmitter._pending import pending

    mailbox: _native.Mailbox | None = None
    while True:
        future, mailbox = pending(mailbox)
        future.work = log.next_async(mailbox, future)
        told = await future
        if told is None:
            return
        yield _event(told)
