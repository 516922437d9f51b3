"""A receiver to test against, on this machine and without a network: `pip install ssf-transmitter[testing]`.

It judges SETs as Okta, GOV.UK One Login or any RFC 8935 receiver does, with a JOSE library of its own. What it can be
told to get wrong is described in `docs/emulator.md`. It is a process of the command `ssf`, which ends with this one.
The variable `SSF_COMMAND` names another program.

>>> from ssf_transmitter import Email, SigningKey, Transmitter
>>> from ssf_transmitter.events import caep
>>> from ssf_transmitter.testing import ReceiverEmulator
>>> key = SigningKey.generate("P-256")
>>> with ReceiverEmulator(issuer="https://edr.example.com", keys=key) as emulator:
...     with Transmitter("https://edr.example.com", key) as transmitter:
...         receipt = transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), emulator.receiver())
...     emulator.assert_received("caep.session-revoked", subject=Email("ada@example.com"))["txn"] != ""
True

With pytest, the fixture `ssf_receiver` makes emulators and stops them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ssf_transmitter import _native
from ssf_transmitter._command import Process
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import CatalogueEvent, Subject
from ssf_transmitter._receiver import ClientCredentials, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ssf_transmitter._native import Jwks, KeySet, SigningKey

__all__ = ["Like", "ReceiverEmulator", "Request"]

#: The receivers that it can be like.
Like: TypeAlias = Literal["okta", "govuk-one-login", "rfc8935"]


@dataclass(frozen=True)
class Request:
    """A request, and its answer.

    Attributes:
        path: The path, without query.
        status: The status of the answer, 0 if there was none.
        accepted: Whether the SET was taken.
        dropped: Why an accepted SET had no effect: `repeated jti`, `unknown user`, or `scripted`.
        err: The error code.
        description: What was wrong.
        fault: What went wrong, if something was to.
        header: The JOSE header, as far as it could be decoded.
        claims: The claims, as far as they could be decoded.
    """

    path: str
    status: int
    accepted: bool
    dropped: str | None
    err: str | None
    description: str | None
    fault: str | None
    header: dict[str, Any] | None
    claims: dict[str, Any] | None


class ReceiverEmulator:
    """A real HTTP server on the loopback interface that judges SETs as a known receiver does.

    Args:
        issuer: The `iss` every SET must have.
        keys: The keys of the transmitter, private or public, or the URL of its JWKS.
        like: The receiver to answer like.
        audience: The `aud` every SET must have.
        users: The users the receiver knows, by email address. Without any, it knows everybody.
        client: Id and secret of the client that the token endpoint of `govuk-one-login` knows.
        token_lifetime: How long an access token is good for.
        script: What goes wrong, and when: rules as in `docs/emulator.md`.
        tls: Whether to speak TLS, with a certificate of its own authority, `ca_pem`.
        api_token: The token of the API by which further transmitters are registered, at a receiver like Okta, and of
            its System Log.
        log_delay: How long after a SET was taken its entries are in the log.
        log_page: The most entries on a page of the log.
        log_jti: Whether the entries name the `jti`, which Okta does not document.

    Raises:
        ValueError: If a setting is wrong.
        FileNotFoundError: If the command `ssf` is not installed.
        RuntimeError: If it is of another version than this package.
    """

    @known_keywords
    def __init__(
        self,
        *,
        issuer: str,
        keys: SigningKey | KeySet | Jwks | str,
        like: Like = "rfc8935",
        audience: str = "https://receiver.example.net",
        users: Iterable[str] = (),
        client: tuple[str, str] = ("client", "secret"),
        token_lifetime: timedelta | float = 3600.0,
        script: Mapping[str, object] | Iterable[Mapping[str, object]] | None = None,
        tls: bool = False,
        api_token: str | None = None,
        log_delay: timedelta | float = 0.0,
        log_page: int = 1000,
        log_jti: bool = False,
    ) -> None:
        """Start it."""
        self.like = like
        self.audience = audience
        self._client = client
        users = list(users)
        identifier, secret = client
        texts = (like, issuer, audience, "" if api_token is None else api_token, identifier, secret, *users)
        if not (all(isinstance(text, str) for text in texts) and isinstance(tls, bool) and isinstance(log_jti, bool)):
            # The decorator names the argument, unless it is part of one.
            raise TypeError("users and client: expected texts")
        settings: dict[str, object] = {
            "like": like,
            "issuer": issuer,
            "audience": audience,
            "users": users,
            "client": {"id": identifier, "secret": secret} if like == "govuk-one-login" else None,
            "token_lifetime": _seconds(token_lifetime),
            "script": script if script is None or isinstance(script, dict) else list(script),
            "tls": tls,
            "api_token": api_token,
            "log": {"delay": _seconds(log_delay), "page": index(log_page), "jti": log_jti},
        }
        if isinstance(keys, str):
            settings["jwks_uri"] = keys
        else:
            settings["jwks"] = json.loads(_jwks(keys).to_json())
        self._process = Process(settings)

    @property
    def url(self) -> str:
        """The URL that SETs are pushed to."""
        return self._process.ready["push"]

    @property
    def base_url(self) -> str:
        """The URL of the server: what the URL of the org is at Okta."""
        return self._process.ready["base"]

    @property
    def token_url(self) -> str | None:
        """The URL of the token endpoint, if the receiver has one."""
        return self._process.ready.get("token")

    @property
    def ca_pem(self) -> str | None:
        """The authority to trust, if it speaks TLS: the `ca_bundle` of a transmitter."""
        return self._process.ready.get("ca_pem")

    def receiver(self) -> Receiver:
        """This emulator as a receiver to send to."""
        if self.like == "okta":
            return Receiver.okta(self.base_url, audience=self.audience, allow_loopback=True)
        if self.token_url is not None:
            credentials = ClientCredentials(self.token_url, *self._client)
            return Receiver.govuk_one_login(
                self.url, self.audience, client_credentials=credentials, allow_loopback=True
            )
        return Receiver(self.url, self.audience, allow_loopback=True)

    @property
    def requests(self) -> list[Request]:
        """What it saw, oldest first, refused and misdirected requests too."""
        names = Request.__dataclass_fields__
        return [Request(**{name: entry[name] for name in names}) for entry in self._process.ask("requests")]

    @property
    def received(self) -> list[dict[str, Any]]:
        """The claims of the SETs that it took and that had an effect, oldest first; a `jti` has it once."""
        effective: dict[str, dict[str, Any]] = {}
        for request in self.requests:
            if request.accepted and request.dropped is None and request.claims is not None:
                effective.setdefault(request.claims["jti"], request.claims)
        return list(effective.values())

    @property
    def accepted(self) -> dict[str, int]:
        """How often each `jti` was accepted."""
        accepted: dict[str, int] = self._process.ask("accepted")
        return accepted

    def clear(self) -> None:
        """Forget what it saw."""
        self._process.ask("clear")

    def assert_received(
        self, event: str | type[CatalogueEvent], *, subject: Subject | Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Assert that just one SET with this event, for this subject, had an effect, and return its claims.

        Args:
            event: An event class, its id such as `caep.session-revoked`, or an event type URI.
            subject: The subject, wherever the receiver wants it; any if it is not given.
        """
        wanted = subject.to_dict() if isinstance(subject, Subject) else subject
        uri = _uri(event)
        found = [
            claims
            for claims in self.received
            if uri in claims["events"] and (wanted is None or _is_about(claims, uri, dict(wanted)))
        ]
        if len(found) == 1:
            return found[0]
        seen = [
            f"  {request.status} {request.err or request.dropped or request.fault or 'taken'}"
            f" {', '.join((request.claims or {}).get('events', {})) or request.path}"
            for request in self.requests
        ]
        raise AssertionError("\n".join([f"expected one SET with {uri}, found {len(found)} among:", *seen]))

    def stop(self) -> None:
        """Stop it once pending requests are answered."""
        self._process.stop()

    def __enter__(self) -> Self:
        """Use it as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def __repr__(self) -> str:
        return f"<ReceiverEmulator {self.like}>"


def _jwks(keys: SigningKey | KeySet | Jwks) -> Jwks:
    if isinstance(keys, _native.SigningKey):
        return _native.Jwks([keys.public_key])
    if isinstance(keys, _native.KeySet):
        return keys.jwks()
    if isinstance(keys, _native.Jwks):
        return keys
    raise TypeError(f"keys: expected keys or the URL of a JWKS, got {type(keys).__name__}")


def _seconds(span: timedelta | float) -> float:
    if isinstance(span, timedelta):
        return span.total_seconds()
    if isinstance(span, bool) or not isinstance(span, (int, float)):
        raise TypeError("expected a timedelta or seconds")
    return float(span)


def _uri(event: str | type[CatalogueEvent]) -> str:
    if not isinstance(event, str):
        return event.uri
    if ":" in event:
        return event
    from importlib import import_module

    family, _, _ = event.partition(".")
    module = import_module(f"ssf_transmitter.events.{family.replace('-', '_')}")
    for known in vars(module).values():
        if isinstance(known, type) and issubclass(known, CatalogueEvent) and getattr(known, "id", None) == event:
            return known.uri
    raise ValueError(f"event: the catalogue has no {event}")


def _is_about(claims: dict[str, Any], uri: str, wanted: dict[str, object]) -> bool:
    """Whether a SET is about a subject, at its top or in its event, by itself or as a member of a complex one."""
    for place in (claims.get("sub_id"), claims["events"][uri].get("subject")):
        if isinstance(place, dict) and (place == wanted or wanted in place.values()):
            return True
    return False
