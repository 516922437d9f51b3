"""SETs from all their parts, without a transmitter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import as_object, event_object, subject_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import Dialect, UnsignedSet
    from ssf_transmitter._types import Algorithm
    from ssf_transmitter.lint import LintPolicy


@known_keywords
def prepare_set(
    *events: Event | Mapping[str, object],
    issuer: str,
    audience: str | Sequence[str],
    algorithm: Algorithm,
    kid: str | None = None,
    subject: Subject | Mapping[str, object] | None = None,
    dialect: Dialect | str = "ssf-1.0",
    txn: str | None = None,
    toe: datetime | None = None,
    jti: str | None = None,
    issued_at: datetime | None = None,
    claims: Mapping[str, object] | None = None,
    lint: LintPolicy | None = None,
) -> UnsignedSet:
    """An unsigned SET, built from its parts and validated. To send a SET, use `Transmitter.emit`.

    >>> from ssf_transmitter import Email, SigningKey, prepare_set
    >>> from ssf_transmitter.events import caep
    >>> key = SigningKey.generate("Ed25519")
    >>> unsigned = prepare_set(
    ...     caep.SessionRevoked(),
    ...     issuer="https://edr.example.com",
    ...     audience="https://receiver.example.net",
    ...     subject=Email("ada@example.com"),
    ...     algorithm=key.algorithm,
    ...     kid=key.kid,
    ... )
    >>> str(unsigned.sign(key)).count(".")
    2

    Args:
        events: The event, or the events if the dialect accepts several.
        issuer: The value of `iss`.
        audience: The value of `aud`.
        algorithm: The algorithm that will sign.
        kid: The key id, for dialects that send one.
        subject: The subject of the event.
        dialect: The receiver's requirements for SETs: the id of a built-in dialect, or a custom dialect.
        txn: The transaction; by default random, if the dialect sends one.
        toe: The time of the event.
        jti: The id of the SET; random by default.
        issued_at: The value of `iat`; the current time by default.
        claims: Additional claims. A value that JSON cannot represent is rejected with its place.
        lint: How findings are handled; by default errors are rejected, and warnings reported in `findings`.

    Raises:
        ValidationError: If a rule is violated; `pointer` is the place.
    """
    return _native.prepare_set(
        issuer,
        audience,
        [event_object(event) for event in events],
        None if subject is None else subject_object(subject),
        _native.Dialect.built_in(dialect) if isinstance(dialect, str) else dialect,
        algorithm,
        kid,
        txn,
        toe,
        jti,
        issued_at,
        None if claims is None else as_object(claims, "claims"),
        lint,
    )
