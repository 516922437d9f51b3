"""The native part. It is private: it changes without notice."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from os import PathLike
from typing import Any, final

from typing_extensions import Self, disjoint_base

from ssf_transmitter._causes import CauseId
from ssf_transmitter._notes import ReceiptNote
from ssf_transmitter._okta_log import Certainty, ReceptionOutcome
from ssf_transmitter._receiver import RetryPolicy
from ssf_transmitter._types import Algorithm, KeyType
from ssf_transmitter.doctor import Outcome
from ssf_transmitter.errors import SsfError
from ssf_transmitter.lint import Finding, LintPolicy

_Span = timedelta | float
_Explanation = tuple[bool, str, str, str, list[tuple[str, str]], tuple[Finding, ...], str | None]
_Json = dict[str, Any]
_Sign = Callable[[bytes], bytes | Signature | Awaitable[bytes | Signature]]
# A function that signs, what it is given, and how many seconds it may take.
Request = tuple[_Sign, bytes, float]
# With whether private formats are meant in it.
_Subject = tuple[_Json, bool]
_Check = tuple[str, Outcome, str, str]
# Event, subject, receiver, the URL of the configuration, whether to send, and whose log to look into.
_Setup = tuple[_Json, _Subject | None, Receiver, str | None, bool, OktaProviders | None]
_Provider = tuple[str, str, str, str, str | None, str | None, str | None]
_LogEntity = tuple[str | None, str | None, str | None, str | None]
_LogEvent = tuple[
    str,
    datetime | None,
    str,
    str | None,
    str | None,
    str | None,
    str | None,
    _LogEntity | None,
    list[_LogEntity],
    str | None,
    str,
]
_Reception = tuple[ReceptionOutcome, Certainty | None, list[_LogEvent], list[tuple[CauseId, bool, str, str]]]

__all__ = [
    "Batch",
    "ClientCredentials",
    "Counters",
    "DecodedSet",
    "Dialect",
    "Emission",
    "Examination",
    "Jwks",
    "KeySet",
    "Linter",
    "LogPager",
    "Mailbox",
    "OktaProviders",
    "Pending",
    "PublicKey",
    "Receipt",
    "Receiver",
    "RequestLimit",
    "Signature",
    "SignedSet",
    "Signer",
    "SigningKey",
    "Task",
    "Transmitter",
    "TransmitterConfiguration",
    "UnsignedSet",
    "check_configuration",
    "check_event",
    "check_lint_policy",
    "check_set",
    "check_subject",
    "check_token",
    "enable_logging",
    "legacy_well_known_url",
    "lint_jwks",
    "milliseconds",
    "nearest",
    "prepare_set",
    "seconds",
    "settle",
    "well_known_url",
]

@final
class PublicKey:
    @staticmethod
    def from_pem(data: bytes | str) -> PublicKey: ...
    @staticmethod
    def from_der(data: bytes) -> PublicKey: ...
    @staticmethod
    def from_jwk(json: str) -> PublicKey: ...
    def with_kid(self, kid: str) -> PublicKey: ...
    def with_algorithm(self, algorithm: Algorithm) -> PublicKey: ...
    @property
    def kid(self) -> str: ...
    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def thumbprint(self) -> str: ...
    def to_jwk(self) -> dict[str, Any]: ...
    def to_pem(self) -> str: ...

@final
class Jwks:
    def __new__(cls, keys: Sequence[PublicKey]) -> Self: ...
    @staticmethod
    def from_json(json: str) -> Jwks: ...
    @property
    def keys(self) -> list[PublicKey]: ...
    def to_json(self) -> str: ...
    def __len__(self) -> int: ...

@final
class SigningKey:
    @staticmethod
    def generate(kind: KeyType = "RSA-2048") -> SigningKey: ...
    @staticmethod
    def from_pem(data: bytes | str, *, password: str | None = None) -> SigningKey: ...
    @staticmethod
    def from_der(data: bytes, *, password: str | None = None) -> SigningKey: ...
    @staticmethod
    def from_jwk(json: str, *, kid: str | None = None) -> SigningKey: ...
    @staticmethod
    def from_any(
        data: bytes | str, *, kid: str | None = None, algorithm: Algorithm | None = None, password: str | None = None
    ) -> SigningKey: ...
    @staticmethod
    def from_env(
        name: str, *, kid: str | None = None, algorithm: Algorithm | None = None, password: str | None = None
    ) -> SigningKey: ...
    @staticmethod
    def from_file(
        path: str | PathLike[str],
        *,
        kid: str | None = None,
        algorithm: Algorithm | None = None,
        password: str | None = None,
    ) -> SigningKey: ...
    @staticmethod
    def from_source(
        source: str,
        *,
        kid: str | None = None,
        algorithm: Algorithm | None = None,
        password: str | None = None,
        time_limit: _Span | None = None,
    ) -> SigningKey: ...
    def with_kid(self, kid: str) -> SigningKey: ...
    def with_algorithm(self, algorithm: Algorithm) -> SigningKey: ...
    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def kid(self) -> str: ...
    @property
    def public_key(self) -> PublicKey: ...
    def export_private_jwk(self) -> str: ...
    def export_private_pem(self, *, password: str | None = None) -> str: ...

@final
class Signer:
    def __new__(
        cls,
        sign: _Sign | None = None,
        *,
        sign_digest: _Sign | None = None,
        algorithm: Algorithm,
        kid: str | None = None,
        public_key: PublicKey | None = None,
    ) -> Self: ...
    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def kid(self) -> str | None: ...
    @property
    def public_key(self) -> PublicKey | None: ...
    @property
    def function(self) -> _Sign: ...

@final
class KeySet:
    def __new__(cls, active: SigningKey | Signer) -> Self: ...
    @property
    def active(self) -> SigningKey | Signer: ...
    @property
    def next(self) -> SigningKey | Signer | None: ...
    @property
    def retired(self) -> list[SigningKey | Signer]: ...
    @property
    def standby(self) -> list[SigningKey | Signer]: ...
    @property
    def source(self) -> str | None: ...
    @property
    def last_error(self) -> SsfError | None: ...
    @staticmethod
    def watch(
        source: str,
        *,
        every: _Span = 60,
        kid: str | None = None,
        algorithm: Algorithm | None = None,
        password: str | None = None,
        time_limit: _Span | None = None,
    ) -> KeySet: ...
    def refresh(self) -> bool: ...
    def jwks(self) -> Jwks: ...
    def stage(self, key: SigningKey | Signer, *, at: datetime | None = None) -> None: ...
    def rotate(self, *, published: _Span, at: datetime | None = None) -> str: ...
    def remove(self, kid: str) -> None: ...

@final
class Signature:
    @staticmethod
    def raw(data: bytes) -> Signature: ...
    @staticmethod
    def der(data: bytes) -> Signature: ...

@final
class UnsignedSet:
    @property
    def signing_input(self) -> bytes: ...
    @property
    def digest(self) -> bytes | None: ...
    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def jti(self) -> str: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    def decode(self) -> DecodedSet: ...
    def sign(self, key: SigningKey) -> SignedSet: ...
    def attach(self, signature: bytes | Signature) -> SignedSet: ...

@final
class SignedSet:
    @staticmethod
    def parse(compact: str) -> SignedSet: ...
    @property
    def jti(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...
    def decode(self) -> DecodedSet: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class DecodedSet:
    @staticmethod
    def parse(compact: str) -> DecodedSet: ...
    @property
    def header(self) -> dict[str, Any]: ...
    @property
    def claims(self) -> dict[str, Any]: ...
    def verify(self, jwks: Jwks) -> PublicKey: ...

@final
class Receipt:
    @property
    def jti(self) -> str: ...
    @property
    def set(self) -> SignedSet: ...
    @property
    def status(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def answered_at(self) -> datetime: ...
    @property
    def is_expected(self) -> bool: ...
    @property
    def notes(self) -> tuple[ReceiptNote, ...]: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...

@final
class Counters:
    @property
    def enqueued(self) -> int: ...
    @property
    def delivered(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def failures(self) -> dict[str, int]: ...

@final
class Dialect:
    @staticmethod
    def ids() -> list[str]: ...
    @staticmethod
    def built_in(id: str) -> Dialect: ...
    @staticmethod
    def from_toml(text: str) -> Dialect: ...
    def extended(self, text: str) -> Dialect: ...
    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def requires_authorization(self) -> bool: ...

@disjoint_base
class ClientCredentials:
    def __new__(
        cls,
        token_url: str,
        client_id: str,
        *,
        client_secret: str | None,
        key: SigningKey | None,
        in_body: bool,
        parameters: Sequence[tuple[str, str]],
    ) -> Self: ...

@disjoint_base
class Receiver:
    def __new__(
        cls,
        kind: str,
        address: str,
        *,
        audience: str | Sequence[str] | None,
        dialect: Dialect | None,
        time_unit: str | None,
        subject_shape: str | None,
        bearer: str | None,
        authorization: str | None,
        client_credentials: ClientCredentials | None,
        allow_loopback: bool,
        concurrency: int,
        rate_limit: float | None,
    ) -> Self: ...
    @property
    def audience(self) -> str | list[str]: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def host(self) -> str: ...

@disjoint_base
class Emission:
    def __new__(
        cls,
        event: _Json,
        subject: _Subject | None,
        to: Receiver,
        txn: str | None,
        toe: datetime | None,
        jti: str | None,
        companions: Sequence[_Json],
        lint: LintPolicy | None,
        deadline: _Span | None,
        retry: RetryPolicy | None,
        /,
    ) -> Self: ...

@disjoint_base
class TransmitterConfiguration:
    def __new__(
        cls,
        issuer: str,
        *,
        jwks_uri: str | None,
        spec_version: str | None,
        delivery_methods: Sequence[str] | None,
        configuration_endpoint: str | None,
        status_endpoint: str | None,
        add_subject_endpoint: str | None,
        remove_subject_endpoint: str | None,
        verification_endpoint: str | None,
        critical_subject_members: Sequence[str],
        authorization_schemes: Sequence[str],
        default_subjects: str | None,
        members: _Json | None,
        allow_loopback_http: bool,
    ) -> Self: ...
    @property
    def issuer(self) -> str: ...
    @property
    def url(self) -> str: ...
    def to_json(self) -> str: ...

@final
class Mailbox:
    def __new__(cls, event_loop: Any) -> Self: ...
    @property
    def event_loop(self) -> Any: ...

@final
class Task:
    def cancel(self) -> None: ...

@final
class RequestLimit:
    def __new__(cls, requests: int) -> Self: ...
    @property
    def window(self) -> int: ...

@final
class Batch:
    def __new__(cls, requests: int) -> Self: ...
    def has_room(self) -> bool: ...
    def next(self) -> tuple[int, Receipt | None, SsfError | None] | None: ...
    def close(self) -> None: ...

@final
class Pending:
    @property
    def request(self) -> Request | None: ...
    def sign(self) -> Receipt: ...
    def sign_async(self, mailbox: Mailbox, future: Any) -> Task: ...
    def sign_in(self, batch: Batch) -> int: ...
    def deliver(self, signature: bytes | Signature) -> Receipt: ...
    def deliver_async(self, signature: bytes | Signature, mailbox: Mailbox, future: Any) -> Task: ...
    def deliver_in(self, batch: Batch, signature: bytes | Signature) -> int: ...
    def fail(self, code: str | None, /) -> None: ...

@final
class Examination:
    @property
    def request(self) -> Request | None: ...
    def finish(self, signed: bytes | Signature | SsfError | None) -> list[_Check]: ...
    def finish_async(self, signed: bytes | Signature | SsfError | None, mailbox: Mailbox, future: Any) -> Task: ...
    def abandon(self) -> None: ...

@final
class Transmitter:
    def __new__(
        cls,
        issuer: str,
        keys: KeySet,
        *,
        deadline: _Span | None,
        retry: RetryPolicy | None,
        lint: LintPolicy | None,
        ca_bundles: Sequence[bytes],
        client_certificate: tuple[bytes, bytes] | None,
        proxy: str | None,
        source_address: str | None,
        allow_networks: Sequence[str],
        http2: bool,
    ) -> Self: ...
    @property
    def has_signers(self) -> bool: ...
    def emit(self, emission: Emission) -> Receipt: ...
    def emit_async(self, emission: Emission, mailbox: Mailbox, future: Any, limit: RequestLimit | None) -> Task: ...
    def prepare(self, emission: Emission) -> UnsignedSet: ...
    def deliver(self, set: SignedSet, to: Receiver, deadline: _Span | None, retry: RetryPolicy | None) -> Receipt: ...
    def deliver_async(
        self,
        set: SignedSet,
        to: Receiver,
        deadline: _Span | None,
        retry: RetryPolicy | None,
        mailbox: Mailbox,
        future: Any,
        limit: RequestLimit | None,
    ) -> Task: ...
    def emit_in(self, batch: Batch, emission: Emission) -> int: ...
    def begin(self, emission: Emission) -> Pending: ...
    def begin_async(self, emission: Emission, limit: RequestLimit | None) -> Pending: ...
    def begin_in(self, batch: Batch, emission: Emission) -> Pending: ...
    def lint(self, event: _Json, subject: _Subject | None, to: Receiver) -> tuple[Finding, ...]: ...
    def linter(self, to: Receiver) -> Linter: ...
    def jwks(self) -> Jwks: ...
    def doctor(self, setup: _Setup) -> list[_Check]: ...
    def doctor_async(self, setup: _Setup, mailbox: Mailbox, future: Any) -> Task: ...
    def examine(self, setup: _Setup) -> Examination: ...
    def examine_async(self, setup: _Setup, mailbox: Mailbox, future: Any) -> Task: ...
    def close(self) -> None: ...
    def close_async(self, mailbox: Mailbox, future: Any) -> Task: ...
    def counters(self) -> Counters: ...

@final
class Linter:
    def __new__(
        cls,
        dialect: Dialect,
        *,
        issuer: str | None,
        audience: str | Sequence[str] | None,
        jwks: Jwks | None,
        now: datetime | None,
    ) -> Self: ...
    def event(self, event: _Json, subject: _Subject | None) -> tuple[Finding, ...]: ...
    def unsigned(self, set: UnsignedSet) -> tuple[Finding, ...]: ...
    def signed(self, set: SignedSet) -> tuple[Finding, ...]: ...
    def jwt(self, text: str) -> tuple[Finding, ...]: ...
    def explain(
        self,
        set: str,
        *,
        status: int,
        headers: Sequence[tuple[str, str]],
        body: bytes | str,
        sent_as: str | None,
    ) -> _Explanation: ...
    def explain_error(self, set: str, error: SsfError) -> _Explanation: ...

@final
class LogPager:
    def next(self) -> _LogEvent | None: ...
    def next_async(self, mailbox: Mailbox, future: Any) -> Task: ...

@final
class OktaProviders:
    def __new__(
        cls,
        org: str,
        *,
        ssws: str | None,
        bearer: str | None,
        client_credentials: ClientCredentials | None,
        deadline: _Span | None,
        retry: RetryPolicy | None,
        ca_bundles: Sequence[bytes],
        proxy: str | None,
        source_address: str | None,
        allow_networks: Sequence[str],
        allow_loopback: bool,
    ) -> Self: ...
    def received(self, sent: Receipt | tuple[SignedSet, datetime], deadline: _Span | None) -> _Reception: ...
    def received_async(
        self, sent: Receipt | tuple[SignedSet, datetime], deadline: _Span | None, mailbox: Mailbox, future: Any
    ) -> Task: ...
    def log(
        self,
        is_async: bool,
        since: datetime,
        until: datetime | None,
        event_types: list[str] | None,
        page_size: int,
        follow: _Span | None,
    ) -> LogPager: ...
    def call(self, operation: tuple[str, str, Any]) -> list[_Provider]: ...
    def call_async(self, operation: tuple[str, str, Any], mailbox: Mailbox, future: Any) -> Task: ...

def check_event(event: _Json, /) -> None: ...
def check_subject(subject: _Subject, /) -> None: ...
def check_lint_policy(policy: LintPolicy, /) -> None: ...
def lint_jwks(document: str, /) -> tuple[Finding, ...]: ...
def check_set(
    text: str, *, issuer: str, audience: str, stream_id: str | None, state: str | None, now: datetime | None
) -> list[tuple[str, str, bool]]: ...
def check_configuration(document: str, url: str) -> list[tuple[str, str, bool]]: ...
def check_token(answer: str) -> list[tuple[str, str, bool]]: ...
def seconds(moment: datetime, /) -> float: ...
def milliseconds(moment: datetime, /) -> int: ...
def nearest(name: str, known: list[str], /) -> str | None: ...
def enable_logging() -> None: ...
def settle() -> None: ...
def well_known_url(issuer: str) -> str: ...
def legacy_well_known_url(issuer: str) -> str: ...
def prepare_set(
    issuer: str,
    audience: str | Sequence[str],
    events: Sequence[_Json],
    subject: _Subject | None,
    dialect: Dialect,
    algorithm: str,
    kid: str | None,
    txn: str | None,
    toe: datetime | None,
    jti: str | None,
    issued_at: datetime | None,
    claims: _Json | None,
    lint: LintPolicy | None,
    /,
) -> UnsignedSet: ...
