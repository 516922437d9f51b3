"""The conditions of the OpenID conformance suite for what a transmitter sends.

The suite demands more than the specifications: RS256, one event, `iat` without tolerance. A receiver that takes
something else is served by its dialect; these checks tell what the suite would say.

>>> from ssf_transmitter import Email, SigningKey, prepare_set
>>> from ssf_transmitter.conformance import check_set
>>> from ssf_transmitter.events import caep
>>> key = SigningKey.generate("P-256")
>>> stream = {"issuer": "https://edr.example.com", "audience": "https://receiver.example.net"}
>>> event, ada = caep.SessionRevoked(), Email("ada@example.com")
>>> set = prepare_set(event, subject=ada, algorithm=key.algorithm, **stream).sign(key)
>>> [condition.id for condition in check_set(str(set), **stream) if not condition.holds]
['set-alg']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Condition", "check_configuration", "check_set", "check_token"]


@dataclass(frozen=True)
class Condition:
    """One condition. Its text contains no value of the SET.

    Attributes:
        id: A stable name, such as `set-typ`.
        demand: What is demanded.
        holds: Whether it holds.
    """

    id: str
    demand: str
    holds: bool


@known_keywords
def check_set(
    text: str,
    *,
    issuer: str,
    audience: str,
    stream_id: str | None = None,
    state: str | None = None,
    now: datetime | None = None,
) -> list[Condition]:
    """Check a SET.

    Args:
        text: The SET in its compact form.
        issuer: The `iss` of the stream.
        audience: The `aud` of the stream.
        stream_id: The id of the stream: the subject of its verification events.
        state: The state that the receiver sent with its request for a verification.
        now: The time to check at; the present without it.
    """
    conditions = _native.check_set(text, issuer=issuer, audience=audience, stream_id=stream_id, state=state, now=now)
    return [Condition(*condition) for condition in conditions]


@known_keywords
def check_configuration(document: str, url: str) -> list[Condition]:
    """Check a transmitter configuration.

    Args:
        document: The document, as it is served.
        url: Where it is served.
    """
    return [Condition(*condition) for condition in _native.check_configuration(document, url)]


@known_keywords
def check_token(answer: str) -> list[Condition]:
    """Check the answer of a token endpoint, as JSON."""
    return [Condition(*condition) for condition in _native.check_token(answer)]
