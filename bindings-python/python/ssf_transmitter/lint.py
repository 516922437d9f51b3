"""Reports what a receiver would reject, drop or misread before a SET is sent, and explains its answer afterwards.

`emit` lints each SET: an error blocks the send, a warning is returned on the receipt. All rules are in
`docs/rules.md`.

>>> from ssf_transmitter import Email
>>> from ssf_transmitter.events import caep
>>> from ssf_transmitter.lint import Linter
>>> for finding in Linter("okta").event(caep.SessionRevoked(), Email("ada@example.com")):
...     print(finding.severity, finding.rule)
error event-reason-missing
error event-member-missing
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import Checked, as_text, event_object, subject_object, wrong_type
from ssf_transmitter._rules import RuleId
from ssf_transmitter.errors import SsfError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from typing_extensions import Self

    from ssf_transmitter._codes import ErrorCode
    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import Dialect, Jwks, SignedSet, UnsignedSet

__all__ = ["Cause", "Effect", "Explanation", "Finding", "LintPolicy", "Linter", "RuleId", "Severity", "jwks"]

#: How bad a finding is.
Severity: TypeAlias = Literal["note", "warning", "error"]

#: What a receiver does about it.
Effect: TypeAlias = Literal["refuses", "drops", "misreads"]


@dataclass(frozen=True)
class Finding:
    """A problem in a SET: the rule, the place and a message. It contains no value of the SET.

    Attributes:
        rule: The id of the rule, such as `iat-future`.
        severity: The severity for this receiver.
        effect: What the receiver does.
        code: The code of the error if the finding blocks the send.
        pointer: Where, as a JSON pointer: into the header for `alg`, `kid`, `typ` and `crit`, else into the claims, or
            into the document that was given. Empty for the whole.
        message: What is wrong, in one sentence.
        remedy: How to fix it.
        doc: What the rule checks.
        source: Where the rule comes from.
    """

    rule: RuleId
    severity: Severity
    effect: Effect
    code: ErrorCode
    pointer: str
    message: str
    remedy: str
    doc: str
    source: str

    def __str__(self) -> str:
        place = f" (at {self.pointer})" if self.pointer else ""
        return f"{self.severity}: {self.message}{place} [{self.rule}]"


@dataclass(frozen=True)
class Cause:
    """A possible cause, and how to fix it.

    Attributes:
        cause: What happened.
        remedy: How to fix it.
    """

    cause: str
    remedy: str


@dataclass(frozen=True)
class Explanation:
    """An explanation of a receiver's answer.

    Attributes:
        is_delivered: Whether the receiver accepted the SET.
        reason: A stable name for the cause: the id of a rule, the code of the answer, `content-type`, or the code of an
            error; `delivered` if all is well.
        cause: What happened.
        remedy: How to fix it.
        possible: Other possible causes; after an accepted SET, reasons why nothing may happen.
        findings: The findings in the SET.
        said: The receiver's own message. Quotes of the SET or its subject are replaced by
            `[redacted]`. The `repr` omits it.
    """

    is_delivered: bool
    reason: str
    cause: str
    remedy: str
    possible: tuple[Cause, ...]
    findings: tuple[Finding, ...]
    said: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class LintPolicy(Checked):
    """How findings are handled when a SET is prepared.

    A SET that violates the definition of an event, a subject or a claim is always rejected.

    >>> strict = LintPolicy(refuse="warning", allow=["txn-missing"])
    >>> lenient = LintPolicy(refuse=None, report="note")

    Args:
        refuse: Minimum severity that blocks the send; `None`: nothing does.
        report: Minimum severity of findings on the receipt; `None`: no findings.
        allow: Rules whose findings neither block the send nor are reported.

    Raises:
        ConfigError: If the rule is unknown.
    """

    refuse: Severity | None = "error"
    report: Severity | None = "warning"
    allow: Iterable[RuleId] = ()

    def __post_init__(self) -> None:
        """Check it."""
        if isinstance(self.allow, str) or not isinstance(self.allow, Iterable):
            raise wrong_type(self.allow, "allow", "a list of rules")
        rules = tuple(as_text(rule, f"allow[{index}]") for index, rule in enumerate(self.allow))
        object.__setattr__(self, "allow", rules)
        _native.check_lint_policy(self)


class Linter:
    """Lints events, SETs, and tokens from other software. Sends nothing.

    The more it is told, the more it finds. `Transmitter.linter` knows all of it.

    >>> findings = Linter().jwt("eyJhbGciOiJSUzI1NiJ9.e30.")
    >>> {"typ-missing", "aud-missing"} <= {finding.rule for finding in findings}
    True

    Args:
        dialect: The receiver's requirements for SETs: the id of a built-in dialect, or a custom dialect.
        issuer: The issuer that is registered at the receiver.
        audience: The audience that the receiver expects.
        jwks: The published keys: signatures are then verified too.
        now: The time by which times in the future are found; without it, that at which it looks.
    """

    _linter: _native.Linter

    @known_keywords
    def __init__(
        self,
        dialect: Dialect | str = "ssf-1.0",
        *,
        issuer: str | None = None,
        audience: str | Sequence[str] | None = None,
        jwks: Jwks | None = None,
        now: datetime | None = None,
    ) -> None:
        """Create the linter."""
        self._linter = _native.Linter(
            _native.Dialect.built_in(dialect) if isinstance(dialect, str) else dialect,
            issuer=issuer,
            audience=audience,
            jwks=jwks,
            now=now,
        )

    @classmethod
    def _of(cls, native: _native.Linter) -> Self:
        self = cls.__new__(cls)
        self._linter = native
        return self

    @known_keywords
    def event(
        self, event: Event | Mapping[str, object], subject: Subject | Mapping[str, object] | None = None
    ) -> tuple[Finding, ...]:
        """Lint an event and its subject, combined as they would be sent."""
        return self._linter.event(event_object(event), None if subject is None else subject_object(subject))

    @known_keywords
    def set(self, set: UnsignedSet | SignedSet) -> tuple[Finding, ...]:  # noqa: A002  # what it is
        """Lint a signed or unsigned SET."""
        if isinstance(set, _native.UnsignedSet):
            return self._linter.unsigned(set)
        return self._linter.signed(set)

    @known_keywords
    def jwt(self, text: str) -> tuple[Finding, ...]:
        """Lint any text as a SET. Never raises."""
        return self._linter.jwt(text)

    @known_keywords
    def explain(
        self,
        set: SignedSet | str = "",  # noqa: A002  # what it is
        *,
        status: int,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> Explanation:
        """Explain the answer of a receiver to a SET.

        >>> body = '{ "err": "invalid_request", "description": "previousStatus: The field cannot be left blank" }'
        >>> "`previous_status`" in Linter("okta").explain(status=400, body=body).cause
        True

        Args:
            set: The SET that was sent; without it less can be said.
            status: The HTTP status of the answer.
            body: Its body.
            headers: Its headers.
            content_type: The content type that the SET was sent with, if this package did not send it.
        """
        parts = self._linter.explain(
            _text(set), status=status, headers=list((headers or {}).items()), body=body, sent_as=content_type
        )
        return _explanation(*parts)

    @known_keywords
    def explain_error(self, error: SsfError, set: SignedSet | str = "") -> Explanation:  # noqa: A002
        """Explain why a SET was not delivered, from the error of `emit` or `deliver`."""
        if not isinstance(error, SsfError):
            raise wrong_type(error, "error", "SsfError")
        explanation = _explanation(*self._linter.explain_error(_text(set), error))
        # Where there was no answer, lint has spoken before.
        return replace(explanation, findings=error.findings) if error.status is None else explanation


def jwks(document: str) -> tuple[Finding, ...]:
    """Lint a published JWKS document.

    >>> [finding.rule for finding in jwks('{ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }')][0]
    'jwks-symmetric'
    """
    return _native.lint_jwks(document)


def _text(set_: Any) -> Any:
    return str(set_) if isinstance(set_, _native.SignedSet) else set_


def _explanation(
    is_delivered: bool,
    reason: str,
    cause: str,
    remedy: str,
    possible: list[tuple[str, str]],
    findings: tuple[Finding, ...],
    said: str | None,
) -> Explanation:
    others = tuple(Cause(*other) for other in possible)
    return Explanation(is_delivered, reason, cause, remedy, others, findings, said)
