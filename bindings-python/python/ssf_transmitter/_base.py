"""What both transmitters share: their settings, and the steps that need no network."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from ssf_transmitter import _native
from ssf_transmitter._emission import made
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import event_object, given_subject
from ssf_transmitter.errors import SsfError, _of_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta
    from ipaddress import IPv4Address, IPv6Address

    from typing_extensions import Self

    from ssf_transmitter._config import Config
    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import Counters, Jwks, KeySet, Signer, SigningKey, UnsignedSet
    from ssf_transmitter._native import Transmitter as NativeTransmitter
    from ssf_transmitter._receiver import Receiver, RetryPolicy
    from ssf_transmitter.lint import Finding, Linter, LintPolicy


def requests(concurrency: int) -> int:
    """The limit of concurrent requests: from 1 to 1024."""
    return min(max(concurrency, 1), 1024)


class BaseTransmitter:
    """Issuer, keys, and one HTTP pool."""

    _issuer: str
    _native: NativeTransmitter
    _closed = False

    def _set_up(
        self,
        issuer: str,
        key: SigningKey | Signer | KeySet,
        deadline: timedelta | float | None,
        retry: RetryPolicy | None,
        lint: LintPolicy | None,
        ca_bundle: str | bytes | None,
        client_certificate: tuple[str | bytes, str | bytes] | None,
        proxy: str | None,
        source_address: str | IPv4Address | IPv6Address | None,
        http2: bool,
        allow_networks: Iterable[str],
    ) -> None:
        if not isinstance(key, (_native.KeySet, _native.SigningKey, _native.Signer)):
            raise TypeError(f"key: expected SigningKey, Signer or KeySet, got {type(key).__name__}")
        keys = key if isinstance(key, _native.KeySet) else _native.KeySet(key)
        self._issuer = issuer
        self._native = _native.Transmitter(
            issuer,
            keys,
            deadline=deadline,
            retry=retry,
            lint=lint,
            ca_bundles=[] if ca_bundle is None else [pem(ca_bundle, "ca_bundle")],
            client_certificate=client_certificate
            and (pem(client_certificate[0], "client_certificate"), pem(client_certificate[1], "client_certificate")),
            proxy=proxy,
            source_address=None if source_address is None else str(source_address),
            http2=http2,
            allow_networks=[allow_networks] if isinstance(allow_networks, str) else list(allow_networks),
        )

    @classmethod
    @known_keywords
    def from_config(cls, config: Config) -> Self:
        """Make the transmitter that a file of settings describes. The key follows its source, as in `KeySet.watch`.

        It waits for the commands that the file names, so create the transmitter where your program starts.

        >>> from ssf_transmitter import Config, Transmitter
        >>> config = Config.from_toml('''
        ... issuer = "https://edr.example.com"
        ... key = "cmd:openssl genpkey -algorithm ed25519"
        ... ''')
        >>> Transmitter.from_config(config)
        <Transmitter https://edr.example.com>

        Raises:
            ConfigError: If the file has no issuer or no key, or names a file that cannot be read.
            KeyMaterialError: If the key cannot be read.
        """
        transmitter = cls.__new__(cls)
        transmitter._native = _native.Transmitter.from_config(config)  # noqa: SLF001  # its own
        transmitter._issuer = config.issuer or ""  # noqa: SLF001
        return transmitter

    @property
    def issuer(self) -> str:
        """The `iss` of its SETs."""
        return self._issuer

    @property
    def counters(self) -> Counters:
        """The counters of this process."""
        return self._native.counters()

    @known_keywords
    def prepare(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        to: Receiver,
        *,
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        lint: LintPolicy | None = None,
    ) -> UnsignedSet:
        """Prepare an unsigned SET for this receiver: the first step of `emit`. Sends nothing.

        Sign its `signing_input`, `attach` the signature, `deliver` the signed SET. The arguments are those of `emit`.
        """
        return self._native.prepare(made(_native.Emission, event, subject, to, txn, toe, jti, companions, lint))

    @known_keywords
    def lint(
        self, event: Event | Mapping[str, object], subject: Subject | Mapping[str, object] | None, to: Receiver
    ) -> tuple[Finding, ...]:
        """Lint a SET with this event and subject for this receiver. Sends nothing.

        >>> from ssf_transmitter import Email, Receiver, SigningKey, Transmitter
        >>> from ssf_transmitter.events import caep
        >>> transmitter = Transmitter("https://edr.example.com", SigningKey.generate())
        >>> acme = Receiver.okta("https://acme.okta.com")
        >>> [finding.rule for finding in transmitter.lint(caep.SessionRevoked(), Email("ada@example.com"), acme)]
        ['event-reason-missing', 'event-member-missing']
        """
        return self._native.lint(event_object(event), given_subject(subject), to)

    @known_keywords
    def linter(self, to: Receiver) -> Linter:
        """A linter that knows issuer and keys of this transmitter, and audience and dialect of a receiver."""
        from ssf_transmitter.lint import Linter  # loaded on demand

        return Linter._of(self._native.linter(to))  # noqa: SLF001  # of this package

    def jwks(self) -> Jwks:
        """The keys to publish, as `application/json`.

        >>> from ssf_transmitter import SigningKey, Transmitter
        >>> len(Transmitter("https://edr.example.com", SigningKey.generate("P-256")).jwks())
        1

        Raises:
            ConfigError: If the public key of a signer is unknown, with the code `signer_public_key_missing`: with an
                empty set, receivers could verify nothing.
        """
        return self._native.jwks()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._issuer}{' closed' if self._closed else ''}>"


def is_async(sign: object) -> bool:
    """Whether a function that signs is known to be one for asyncio."""
    return iscoroutinefunction(sign) or iscoroutinefunction(getattr(sign, "__call__", None))  # noqa: B004


def signer_failed(error: BaseException) -> SsfError:
    """The error for a signer that raised one."""
    failed = _of_code("signer_failed", "the signer failed")
    failed.__cause__ = error
    return failed


def late() -> SsfError:
    """The error for a signer that exceeded the deadline."""
    return _of_code("deadline_exceeded", "the deadline passed while waiting for a signature")


def pem(value: str | bytes, place: str) -> bytes:
    """PEM as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise TypeError(f"{place}: expected PEM as str or bytes, got {type(value).__name__}")
