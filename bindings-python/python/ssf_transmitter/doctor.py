"""The results of `Transmitter.doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

__all__ = ["Check", "Diagnosis", "Outcome"]

#: The outcome of a check: all is well; it may work; it does not work; it was not checked.
Outcome: TypeAlias = Literal["passed", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        id: A stable name, such as `jwks-reachable`.
        outcome: How it came out.
        message: The result, in one sentence. It contains no token, key, subject or payload.
        remedy: What to do about it; empty where nothing is to be done.
        duration: How long it took, in whole milliseconds: zero for what needs no answer from elsewhere.
    """

    id: str
    outcome: Outcome
    message: str
    remedy: str
    duration: timedelta


@dataclass(frozen=True)
class Diagnosis:
    """The checks and their outcomes.

    Attributes:
        checks: All checks, in the order in which things are needed.
    """

    checks: tuple[Check, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing failed."""
        return all(check.outcome != "failed" for check in self.checks)

    def check(self, id: str) -> Check | None:  # noqa: A002  # what it is
        """The check with this id, if there is one."""
        return next((check for check in self.checks if check.id == id), None)


def _diagnosis(checks: Iterable[tuple[str, Outcome, str, str, timedelta]]) -> Diagnosis:
    return Diagnosis(tuple(Check(*check) for check in checks))
