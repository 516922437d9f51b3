"""Receivers, and credentials for their access tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import Checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from typing_extensions import Self

    from ssf_transmitter._native import Dialect, SigningKey


class ClientCredentials(_native.ClientCredentials):
    """Client credentials, and the endpoint that issues access tokens for them (RFC 6749 §4.4).

    Args:
        token_url: The URL of the token endpoint, whatever its path.
        client_id: The client's id.
        client_secret: The client's secret.
        key: Instead of a secret, a key for `private_key_jwt` (RFC 7523 §2.2).
        method: How the secret is sent: `basic` in a header, `body` in the form.
        scope: The scope to request.
        audience: The audience to request, if the endpoint requires one.
        parameters: Further parameters of the request, such as `resource`.
    """

    @known_keywords
    def __new__(
        cls,
        token_url: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        key: SigningKey | None = None,
        method: Literal["basic", "body"] = "basic",
        scope: str | None = None,
        audience: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Self:
        """Make the credentials."""
        if method not in ("basic", "body"):
            raise ValueError("method: must be basic or body")
        all_parameters = dict(parameters or {})
        if scope is not None:
            all_parameters["scope"] = scope
        if audience is not None:
            all_parameters["audience"] = audience
        return super().__new__(
            cls,
            token_url,
            client_id,
            client_secret=client_secret,
            key=key,
            in_body=method == "body",
            parameters=list(all_parameters.items()),
        )


class Receiver(_native.Receiver):
    """The destination of SETs: push endpoint, audience, dialect and authorization. Cheap, even by the thousands.

    >>> Receiver("https://receiver.example.net/events", "https://receiver.example.net")
    <Receiver receiver.example.net dialect=ssf-1.0>

    State shared between deliveries, such as the access token, is kept per process.

    Args:
        endpoint: The https URL of the push endpoint.
        audience: The audience, exactly as the receiver documents it.
        dialect: The receiver's requirements for SETs: the id of a built-in dialect, or a custom dialect.
        time_unit: The unit of event times, if it differs from the dialect.
        subject_shape: The form of the subject inside the event, if it differs from the dialect.
        bearer: A bearer token that does not change.
        authorization: The value of the header `Authorization`, if it is not one of the others.
        client_credentials: Credentials to get access tokens with.
        allow_loopback: Allow loopback addresses, and plain http to them, for tests.
        concurrency: Maximum number of concurrent deliveries to this receiver.
        rate_limit: Maximum number of requests per second.

    Raises:
        ConfigError: If a setting is wrong.
    """

    @known_keywords
    def __new__(
        cls,
        endpoint: str,
        audience: str | Sequence[str],
        *,
        dialect: Dialect | str | None = None,
        bearer: str | None = None,
        authorization: str | None = None,
        client_credentials: ClientCredentials | None = None,
        allow_loopback: bool = False,
        concurrency: int = 16,
        rate_limit: float | None = None,
        time_unit: Literal["s", "ms"] | None = None,
        subject_shape: Literal["modern", "bare-complex", "legacy"] | None = None,
    ) -> Self:
        """Check the settings."""
        return cls._of(
            "custom", endpoint, audience, dialect, bearer, authorization, client_credentials, allow_loopback,
            concurrency, rate_limit, time_unit, subject_shape,
        )  # fmt: skip

    @classmethod
    @known_keywords
    def okta(
        cls,
        org: str,
        *,
        audience: str | None = None,
        dialect: Dialect | str | None = None,
        bearer: str | None = None,
        authorization: str | None = None,
        client_credentials: ClientCredentials | None = None,
        allow_loopback: bool = False,
        concurrency: int = 16,
        rate_limit: float | None = None,
        time_unit: Literal["s", "ms"] | None = None,
        subject_shape: Literal["modern", "bare-complex", "legacy"] | None = None,
    ) -> Self:
        """An Okta org: the URL where its users sign in, such as `https://acme.okta.com`.

        >>> Receiver.okta("https://acme.okta.com")
        <Receiver acme.okta.com dialect=okta>

        The URL is also the audience, unless another one is passed. The other arguments are those of the class.
        """
        return cls._of(
            "okta", org, audience, dialect, bearer, authorization, client_credentials, allow_loopback, concurrency,
            rate_limit, time_unit, subject_shape,
        )  # fmt: skip

    @classmethod
    @known_keywords
    def govuk_one_login(
        cls,
        inbound: str,
        audience: str | Sequence[str],
        *,
        client_credentials: ClientCredentials | None = None,
        dialect: Dialect | str | None = None,
        bearer: str | None = None,
        authorization: str | None = None,
        allow_loopback: bool = False,
        concurrency: int = 16,
        rate_limit: float | None = None,
        time_unit: Literal["s", "ms"] | None = None,
        subject_shape: Literal["modern", "bare-complex", "legacy"] | None = None,
    ) -> Self:
        """GOV.UK One Login, with the inbound URL and the audience from its team. It needs `client_credentials`.

        The other arguments are those of the class.
        """
        return cls._of(
            "govuk-one-login", inbound, audience, dialect, bearer, authorization, client_credentials, allow_loopback,
            concurrency, rate_limit, time_unit, subject_shape,
        )  # fmt: skip

    @classmethod
    def _named(cls, config: _native.Config, name: str) -> Self:
        return super().__new__(
            cls, "config", name, audience=None, dialect=None, bearer=None, authorization=None, client_credentials=None,
            allow_loopback=False, concurrency=16, rate_limit=None, time_unit=None, subject_shape=None, config=config,
        )  # fmt: skip

    @classmethod
    def _of(
        cls,
        kind: str,
        address: str,
        audience: str | Sequence[str] | None,
        dialect: Dialect | str | None,
        bearer: str | None,
        authorization: str | None,
        client_credentials: ClientCredentials | None,
        allow_loopback: bool,
        concurrency: int,
        rate_limit: float | None,
        time_unit: Literal["s", "ms"] | None,
        subject_shape: Literal["modern", "bare-complex", "legacy"] | None,
    ) -> Self:
        return super().__new__(
            cls,
            kind,
            address,
            audience=audience,
            dialect=_native.Dialect.built_in(dialect) if isinstance(dialect, str) else dialect,
            bearer=bearer,
            authorization=authorization,
            client_credentials=client_credentials,
            allow_loopback=allow_loopback,
            concurrency=concurrency,
            rate_limit=rate_limit,
            time_unit=time_unit,
            subject_shape=subject_shape,
        )


@dataclass(frozen=True, kw_only=True)
class RetryPolicy(Checked):
    """The retries of a delivery and their delays. Durations are `timedelta`s, or numbers of seconds.

    `None` means the default for a transmitter, and the value of its transmitter for a call.

    Args:
        max_attempts: Maximum number of attempts, at least one; 6 by default.
        attempt_timeout: How long one attempt may take. 10 seconds by default.
        base: Maximum delay before the second attempt; it doubles with each further one. Half a second by default.
        max_backoff: Maximum backoff delay. 30 seconds by default.
        max_retry_after: Maximum delay that a receiver may request; the deadline bounds it too. 24 hours by default.
    """

    max_attempts: int | None = None
    attempt_timeout: timedelta | float | None = None
    base: timedelta | float | None = None
    max_backoff: timedelta | float | None = None
    max_retry_after: timedelta | float | None = None
