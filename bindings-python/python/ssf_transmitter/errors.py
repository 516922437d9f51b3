"""Exceptions. Each has a stable `code`, which `docs/errors.md` explains; messages are safe to log.

```text
SsfError
├── ConfigError
│   └── KeyMaterialError
├── ValidationError
├── SigningError
├── TokenError
├── DeliveryError
│   ├── ReceiverRejected
│   ├── TransportError
│   └── DeadlineExceeded
├── ApiError
├── OutboxError
└── InternalError
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssf_transmitter._codes import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from ssf_transmitter._codes import ErrorCode, ErrorKind
    from ssf_transmitter.lint import Finding

__all__ = [
    "ApiError",
    "ConfigError",
    "DeadlineExceeded",
    "DeliveryError",
    "InternalError",
    "KeyMaterialError",
    "OutboxError",
    "ReceiverRejected",
    "SigningError",
    "SsfError",
    "TokenError",
    "TransportError",
    "ValidationError",
]


class SsfError(Exception):
    """The base class of all exceptions about SETs, keys and receivers.

    Attributes:
        code: The stable code, such as `event_member_missing`.
        message: What went wrong, in one sentence.
        pointer: Where in the document that was given: a JSON pointer (RFC 6901).
        status: The HTTP status of the answer, if there was one.
        retry_after: The delay that the receiver requests before the next attempt.
        receiver_error: The error code from the receiver or the token endpoint.
        receiver_description: The description from the receiver, the token endpoint or the API, from any of the usual
            error objects, plain text, or the title of an HTML page. The other side wrote it, so it is not part of the
            message; where it quotes the SET, its subject or a credential, it says `[redacted]`.
        findings: All findings in a SET that lint kept from being sent. The worst one determines the code, message and
            pointer of the error.
    """

    code: ErrorCode
    message: str
    pointer: str | None
    status: int | None
    retry_after: timedelta | None
    receiver_error: str | None
    receiver_description: str | None
    findings: tuple[Finding, ...]

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        pointer: str | None = None,
        status: int | None = None,
        retry_after: timedelta | None = None,
        receiver_error: str | None = None,
        receiver_description: str | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """Make the error from its parts."""
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.pointer = pointer
        self.status = status
        self.retry_after = retry_after
        self.receiver_error = receiver_error
        self.receiver_description = receiver_description
        self.findings = findings

    @property
    def kind(self) -> ErrorKind:
        """The group of the code."""
        return CODES[self.code].kind

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without changes."""
        return CODES[self.code].retryable

    @property
    def remedy(self) -> str:
        """How to fix it, in one sentence."""
        return CODES[self.code].remedy

    def __str__(self) -> str:
        """The message, the place, and the code."""
        place = "" if self.pointer is None else f" (at {self.pointer})"
        return f"{self.message}{place} [{self.code}]"

    def __repr__(self) -> str:
        """The code and the message."""
        return f"{type(self).__name__}(code={self.code!r}, message={self.message!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle all parts, the cause among them: process pools send exceptions this way.

        Of a cause from another library only the type is kept: it may contain secrets, or values that cannot be pickled.
        """
        cause = self.__cause__
        if cause is not None and not isinstance(cause, SsfError):
            cause = RuntimeError(type(cause).__name__)
        return type(self), (self.code, self.message), {**self.__dict__, "__cause__": cause}

    def __setstate__(self, state: dict[str, object] | None) -> None:
        """Restore what `__reduce__` has kept."""
        for name, value in (state or {}).items():
            setattr(self, name, value)


class ConfigError(SsfError):
    """A setting is wrong."""


class KeyMaterialError(ConfigError):
    """A key cannot be used."""


class ValidationError(SsfError):
    """An event, a subject or a SET violates a rule."""


class SigningError(SsfError):
    """A signature could not be made or verified."""


class TokenError(SsfError):
    """No access token was granted."""


class DeliveryError(SsfError):
    """A SET was not delivered."""


class ReceiverRejected(DeliveryError):
    """The receiver rejected the SET."""


class TransportError(DeliveryError):
    """The connection to the receiver failed."""


class DeadlineExceeded(DeliveryError):
    """The deadline passed."""


class ApiError(SsfError):
    """A call to a receiver's management API failed."""


class OutboxError(SsfError):
    """The outbox refused an entry, or cannot use what it has stored."""


class InternalError(SsfError):
    """A defect of this package."""


_CLASSES: dict[ErrorKind, type[SsfError]] = {
    "config": ConfigError,
    "key": KeyMaterialError,
    "validation": ValidationError,
    "signing": SigningError,
    "token": TokenError,
    "delivery": ReceiverRejected,
    "transport": TransportError,
    "deadline": DeadlineExceeded,
    "api": ApiError,
    "outbox": OutboxError,
    "internal": InternalError,
}


def _of_code(code: ErrorCode, message: str, pointer: str | None = None) -> SsfError:
    return _CLASSES[CODES[code].kind](code, message, pointer=pointer)


def _of_core(
    code: ErrorCode,
    message: str,
    pointer: str | None,
    status: int | None,
    retry_after: timedelta | None,
    receiver_error: str | None,
    receiver_description: str | None,
    findings: tuple[Finding, ...],
    causes: Iterable[str],
) -> SsfError:
    """The exception for an error of the core, with the causes beneath it as its `__cause__`."""
    error = _CLASSES[CODES[code].kind](
        code,
        message,
        pointer=pointer,
        status=status,
        retry_after=retry_after,
        receiver_error=receiver_error,
        receiver_description=receiver_description,
        findings=findings,
    )
    above: BaseException = error
    for text in causes:
        above.__cause__ = RuntimeError(text)
        above = above.__cause__
    return error
