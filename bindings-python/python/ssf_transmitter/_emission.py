"""Emissions and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import Event, event_object, given_subject, wrong_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from typing_extensions import Self

    from ssf_transmitter._model import Json, Subject
    from ssf_transmitter._native import Receipt
    from ssf_transmitter._receiver import Receiver, RetryPolicy
    from ssf_transmitter.errors import SsfError
    from ssf_transmitter.lint import LintPolicy


Kind = TypeVar("Kind", bound=_native.Emission)


class Emission(_native.Emission):
    """An event for a subject to a receiver: one of those that `emit_all` sends. Its values are checked when it is sent.

    Args:
        event: The event: an `Event`, or its dict as in a SET, `{uri: members}`.
        subject: The subject: a `Subject`, or its dict as in a SET. `None` if the event
            contains it, as in the examples of some receivers.
        to: The receiver.
        txn: The transaction: the same value in all SETs with the same cause.
        toe: The time of the event, for receivers that read `toe`.
        jti: The id of the SET, for callers that keep their own.
        companions: Additional events in the same SET, for receivers that accept them.
        lint: How findings are handled, overriding the transmitter.
        deadline: How long it may take: a `timedelta`, or a number of seconds.
        retry: The retry policy.
    """

    @known_keywords
    def __new__(
        cls,
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
    ) -> Self:
        """Read event and subject."""
        return made(cls, event, subject, to, txn, toe, jti, companions, lint, deadline, retry)


def made(
    kind: type[Kind],
    event: Event | Mapping[str, object],
    subject: Subject | Mapping[str, object] | None,
    to: Receiver,
    txn: str | None,
    toe: datetime | None,
    jti: str | None,
    companions: Iterable[Event | Mapping[str, object]],
    lint: LintPolicy | None,
    deadline: timedelta | float | None = None,
    retry: RetryPolicy | None = None,
) -> Kind:
    """An emission. That of a single call is a native one, which costs less than one that a user makes."""
    return _native.Emission.__new__(
        kind,
        event_object(event),
        given_subject(subject),
        to,
        txn,
        toe,
        jti,
        _companions(companions) if companions else [],
        lint,
        deadline,
        retry,
    )


def _companions(companions: Iterable[Event | Mapping[str, object]]) -> list[Json]:
    if isinstance(companions, (Event, dict, str)):
        raise wrong_type(companions, "companions", "a list of events")
    return [event_object(event, f"companions[{index}]") for index, event in enumerate(companions)]


@dataclass(frozen=True)
class Emitted:
    """The result of one emission.

    Attributes:
        index: The index of the emission, from zero.
        emission: What was to be sent.
        receipt: The receipt, if it was delivered.
        error: The error, if it was not.
    """

    index: int
    emission: Emission
    receipt: Receipt | None
    error: SsfError | None

    def result(self) -> Receipt:
        """The receipt.

        Raises:
            SsfError: The error, if it was not delivered.
        """
        if self.error is not None:
            raise self.error
        assert self.receipt is not None  # noqa: S101  # one of both is there
        return self.receipt
