"""Okta's registration API and System Log.

`docs/okta.md` describes Okta's requirements, the retries and the System Log.

>>> from ssf_transmitter.okta import OktaProviders
>>> with OktaProviders("https://acme.okta.com", ssws="00abc") as providers:
...     providers
<OktaProviders acme.okta.com>
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from ssf_transmitter import _native
from ssf_transmitter._base import pem
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._okta_log import (
    Cause,
    Certainty,
    LogEntity,
    LogEvent,
    Reception,
    ReceptionOutcome,
    _entries,
    _entries_async,
    _reception,
    _types,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime, timedelta
    from ipaddress import IPv4Address, IPv6Address
    from types import TracebackType

    from typing_extensions import Self

    from ssf_transmitter import Receipt, SignedSet
    from ssf_transmitter._receiver import ClientCredentials, RetryPolicy

__all__ = [
    "AsyncOktaProviders",
    "Cause",
    "Certainty",
    "LogEntity",
    "LogEvent",
    "OktaProviders",
    "Provider",
    "Reception",
    "ReceptionOutcome",
]


@dataclass(frozen=True)
class Provider:
    """A security events provider, as Okta shows it.

    Attributes:
        id: The id that Okta gave it.
        name: The name that admins see.
        type: A string that the transmitter chose.
        status: `ACTIVE` or `INACTIVE`: whether its SETs are accepted.
        well_known_url: The URL of its transmitter configuration, if it is registered by that.
        issuer: The `iss` of its SETs, as it was set or as the configuration names it.
        jwks_url: The URL of its JWKS, as it was set or as the configuration names it.
    """

    id: str
    name: str
    type: str
    status: str
    well_known_url: str | None
    issuer: str | None
    jwks_url: str | None


# In the classes below, `list` is a method.
_Providers: TypeAlias = list[Provider]


class _Wanted(NamedTuple):
    """The requested settings of a provider, as far as they are set."""

    name: str | None
    kind: str | None
    well_known_url: str | None
    issuer: str | None
    jwks_url: str | None


class _Settings:
    """The org, a token, and one HTTP pool."""

    _open: _native.OktaProviders | None

    @known_keywords
    def __init__(
        self,
        org: str,
        *,
        ssws: str | None = None,
        bearer: str | None = None,
        client_credentials: ClientCredentials | None = None,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
        ca_bundle: str | bytes | None = None,
        proxy: str | None = None,
        source_address: str | IPv4Address | IPv6Address | None = None,
        allow_networks: Iterable[str] = (),
        allow_loopback: bool = False,
    ) -> None:
        """Check the settings, and make the HTTP pool."""
        self._open = _native.OktaProviders(
            org,
            ssws=ssws,
            bearer=bearer,
            client_credentials=client_credentials,
            deadline=deadline,
            retry=retry,
            ca_bundles=[] if ca_bundle is None else [pem(ca_bundle, "ca_bundle")],
            proxy=proxy,
            source_address=None if source_address is None else str(source_address),
            allow_networks=[allow_networks] if isinstance(allow_networks, str) else list(allow_networks),
            allow_loopback=allow_loopback,
        )
        self._host = urlsplit(org).netloc

    @property
    def _native(self) -> _native.OktaProviders:
        if self._open is None:
            raise RuntimeError("it is closed")
        return self._open

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._host}{' closed' if self._open is None else ''}>"


def _opened(providers: _Settings | None) -> _native.OktaProviders | None:
    return None if providers is None else providers._native  # noqa: SLF001  # of this module


class OktaProviders(_Settings):
    """The security events providers of an Okta org: who may send it SETs. Threads may share it.

    Each method ends within the deadline. A request is retried after a throttled, failed or lost answer; a
    `create` only where it is certain that nothing was created.

    Args:
        org: The URL that the users of the org sign in at, such as `https://acme.okta.com`.
        ssws: An API token of the org.
        bearer: Instead, an access token with the scope `okta.securityEventsProviders.manage`.
        client_credentials: Instead, credentials of an API services app to get access tokens with.
        deadline: How long a method may take, 30 seconds by default: a `timedelta`, or a number of seconds.
        retry: How often a call is tried.
        ca_bundle: Certificates (PEM) to trust beside those of the operating system.
        proxy: The URL of a proxy. Without it the environment's is used.
        source_address: The local source address.
        allow_networks: Networks of your own that the org may be in, such as `10.1.0.0/16`.
        allow_loopback: Allow loopback addresses, and plain http to them, for tests.

    Raises:
        ConfigError: If a setting is wrong.
    """

    @known_keywords
    def create(
        self,
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Register a provider. Okta makes it active.

        Args:
            name: The name that admins see, of 1 to 100 characters.
            type: A text of your choice, of 1 to 255 characters.
            well_known_url: The URL of your transmitter configuration, where Okta finds issuer and keys.
            issuer: Instead, the exact `iss` of your SETs, with `jwks_url`.
            jwks_url: Instead, the URL of your JWKS, with `issuer`.

        Raises:
            ValidationError: If Okta would not take the provider; `pointer` is the member.
            ApiError: If Okta did not do it. After `api_outcome_unknown` it may be there: `ensure` finds out.
        """
        return self._one("create", "", _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    def list(self) -> _Providers:
        """List all providers."""
        return [Provider(*shown) for shown in self._native.call(("list", "", None))]

    @known_keywords
    def read(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Read a provider."""
        return self._one("read", id)

    @known_keywords
    def replace(
        self,
        id: str,  # noqa: A002  # Okta's name
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Replace name, type and settings of a provider. The arguments are those of `create`."""
        return self._one("replace", id, _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    def update(
        self,
        id: str,  # noqa: A002  # Okta's name
        *,
        name: str | None = None,
        type: str | None = None,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Change some settings of a provider: read it, and replace it if the settings differ.

        Okta has no conditional replacement: of two concurrent changes, the later one wins.
        """
        return self._one("update", id, _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    def activate(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Activate a provider, so that its SETs are accepted."""
        return self._one("activate", id)

    @known_keywords
    def deactivate(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Deactivate a provider, so that its SETs are rejected."""
        return self._one("deactivate", id)

    @known_keywords
    def delete(self, id: str) -> None:  # noqa: A002  # Okta's name
        """Delete a provider."""
        self._native.call(("delete", id, None))

    @known_keywords
    def ensure(
        self,
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Make sure that there is a provider with these settings. Calling it repeatedly is safe.

        It is the one with the same name and the same configuration URL or issuer, with type and JWKS URL set as they
        are wanted, or a new one. Whether one that was there is active is left to its admins: look at `status`. The
        arguments are those of `create`.
        """
        return self._one("ensure", "", _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    def received(
        self, sent: Receipt | tuple[SignedSet, datetime], *, deadline: timedelta | float | None = None
    ) -> Reception:
        """Search the org's System Log for a SET that it answered with 202.

        Okta accepts SETs that it then drops. The token needs the scope `okta.logs.read`; one that may also read
        the providers makes causes certain.

        Args:
            sent: The receipt, or, where another process has sent it, the SET and the time of the answer.
            deadline: How long to look for it, by default as long as any method may take.

        Raises:
            ApiError: If the log could not be read.
        """
        return _reception(self._native.received(sent, deadline))

    @known_keywords
    def log(
        self,
        *,
        since: datetime,
        until: datetime | None = None,
        event_types: Iterable[str] | None = None,
        page_size: int = 100,
        follow: bool = False,
        pause: timedelta | float = 5.0,
    ) -> Iterator[LogEvent]:
        """Read the org's System Log, the oldest entry first. The token needs the scope `okta.logs.read`.

        Args:
            since: The start.
            until: The end. Without it, the log may be followed.
            event_types: The types of entries; without it those about SETs and about the risk of users, and of all types
                with an empty list.
            page_size: Entries per page, 1 to 1000.
            follow: Whether to wait at the end for entries that are yet to come.
            pause: How often to look for them, every five seconds by default.

        Raises:
            ConfigError: If the query is wrong; `pointer` is the argument.
            ApiError: If the log could not be read; each page is read within the deadline.
        """
        types = _types(event_types)
        return _entries(self._native.log(False, since, until, types, page_size, pause if follow else None))

    def close(self) -> None:
        """Close the HTTP pool."""
        self._open = None
        _native.settle()

    def __enter__(self) -> Self:
        """Use it as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _one(self, operation: str, id_: str, wanted: _Wanted | None = None) -> Provider:
        (shown,) = self._native.call((operation, id_, wanted))
        return Provider(*shown)


class AsyncOktaProviders(_Settings):
    """The same for asyncio. Arguments and exceptions are those of `OktaProviders`; cancelling a call stops it."""

    @known_keywords
    async def create(
        self,
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Register a provider. Okta makes it active."""
        return await self._one("create", "", _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    async def list(self) -> _Providers:
        """List all providers."""
        return [Provider(*shown) for shown in await self._call("list", "", None)]

    @known_keywords
    async def read(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Read a provider."""
        return await self._one("read", id)

    @known_keywords
    async def replace(
        self,
        id: str,  # noqa: A002  # Okta's name
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Replace name, type and settings of a provider."""
        return await self._one("replace", id, _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    async def update(
        self,
        id: str,  # noqa: A002  # Okta's name
        *,
        name: str | None = None,
        type: str | None = None,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Change some settings of a provider."""
        return await self._one("update", id, _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    async def activate(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Activate a provider, so that its SETs are accepted."""
        return await self._one("activate", id)

    @known_keywords
    async def deactivate(self, id: str) -> Provider:  # noqa: A002  # Okta's name
        """Deactivate a provider, so that its SETs are rejected."""
        return await self._one("deactivate", id)

    @known_keywords
    async def delete(self, id: str) -> None:  # noqa: A002  # Okta's name
        """Delete a provider."""
        await self._call("delete", id, None)

    @known_keywords
    async def ensure(
        self,
        *,
        name: str,
        type: str,  # noqa: A002  # Okta's name
        well_known_url: str | None = None,
        issuer: str | None = None,
        jwks_url: str | None = None,
    ) -> Provider:
        """Make sure that there is a provider with these settings. Calling it repeatedly is safe."""
        return await self._one("ensure", "", _Wanted(name, type, well_known_url, issuer, jwks_url))

    @known_keywords
    async def received(
        self, sent: Receipt | tuple[SignedSet, datetime], *, deadline: timedelta | float | None = None
    ) -> Reception:
        """Search the org's System Log for a SET that it answered with 202."""
        future, mailbox = self._pending()
        future.work = self._native.received_async(sent, deadline, mailbox, future)
        return _reception(await future)

    @known_keywords
    def log(
        self,
        *,
        since: datetime,
        until: datetime | None = None,
        event_types: Iterable[str] | None = None,
        page_size: int = 100,
        follow: bool = False,
        pause: timedelta | float = 5.0,
    ) -> AsyncIterator[LogEvent]:
        """Read the org's System Log, the oldest entry first."""
        types = _types(event_types)
        return _entries_async(self._native.log(True, since, until, types, page_size, pause if follow else None))

    async def aclose(self) -> None:
        """Close the HTTP pool."""
        self._open = None

    async def __aenter__(self) -> Self:
        """Use it as a context manager."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def _one(self, operation: str, id_: str, wanted: _Wanted | None = None) -> Provider:
        (shown,) = await self._call(operation, id_, wanted)
        return Provider(*shown)

    async def _call(self, operation: str, id_: str, wanted: _Wanted | None) -> Any:
        future, mailbox = self._pending()
        future.work = self._native.call_async((operation, id_, wanted), mailbox, future)
        return await future

    def _pending(self) -> tuple[Any, _native.Mailbox]:
        # Loaded here: asyncio takes long to import, and threads do not need it.
        from ssf_transmitter._pending import pending

        return pending(None)
