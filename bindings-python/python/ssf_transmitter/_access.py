"""Who calls the stream API: callers, static tokens, and issuers of access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssf_transmitter import _native

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Caller:
    """A receiver that has proved who it is.

    All streams belong to the receiver, whichever token it shows.

    >>> Caller("acme", scopes="ssf.read ssf.manage", audience="https://acme.example.com").receiver
    'acme'

    Attributes:
        receiver: Your id of the receiver: a client id, a tenant.
        scopes: What it may do, as a list or as a claim `scope` has it. `ssf.read` reads streams and polls, `ssf.manage`
            does everything; others are ignored.
        audience: The `aud` of the SETs in streams that it creates; by default, the id.
        dialect: The id of the dialect that its streams speak, such as `apple` or one of the API's `dialects`;
            `ssf-1.0` by default.
    """

    receiver: str
    scopes: str | Iterable[str] = field(kw_only=True)
    audience: str | Sequence[str] | None = field(default=None, kw_only=True)
    dialect: str | None = field(default=None, kw_only=True)

    def _tuple(self) -> _native.StreamCaller:
        scopes = self.scopes.split() if isinstance(self.scopes, str) else list(self.scopes)
        audience = self.audience
        several = audience if audience is None or isinstance(audience, str) else list(audience)
        return self.receiver, several, scopes, self.dialect


@dataclass(frozen=True)
class StaticToken:
    """A token for a receiver without an authorization server. Show it to the receiver once, and keep its hash.

    >>> StaticToken.generate().hash.startswith("sha256:")
    True

    Attributes:
        secret: The token.
        hash: Its hash, for `Authenticator`.
    """

    secret: str = field(repr=False)
    hash: str

    @classmethod
    def generate(cls) -> StaticToken:
        """A new random token."""
        return cls(*_native.generate_token())


@dataclass(frozen=True, kw_only=True)
class TrustedIssuer:
    """An authorization server whose access tokens are accepted: JWTs that are signed with its published keys.

    >>> issuer = TrustedIssuer(
    ...     issuer="https://acme.okta.com/oauth2/default",
    ...     profile="okta",
    ...     audience="api://ssf",
    ...     clients={"0oa1b2c3d4E5f6G7h8i9": ("acme", "https://acme.example.com/ssf")},
    ... )

    Attributes:
        issuer: Its exact `iss`.
        profile: How it writes tokens: `rfc9068`, `okta`, `auth0`, `entra-id`, `keycloak` or `cognito`.
        audience: The `aud` of tokens for your API; the URL of the API by default.
        clients: By client id, the id of the receiver and the `aud` of the SETs in its streams.
        every_client: The same for every other client of the issuer; `{client}` stands for the client id. Whoever can
            create a client there is then a receiver.
        scope_names: The names of its scopes for reading and for managing; `ssf.read` and `ssf.manage` by default.
        metadata_url: Where its metadata is, if not at the places of RFC 8414 and OpenID Connect Discovery.
        jwks_uri: Where its keys are, if it has no metadata.
    """

    issuer: str
    profile: str = "rfc9068"
    audience: str | None = None
    clients: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    every_client: tuple[str, str] | None = None
    scope_names: tuple[str, str] | None = None
    metadata_url: str | None = None
    jwks_uri: str | None = None

    def _tuple(self) -> _native.StreamIssuer:
        clients = [(client, receiver, audience) for client, (receiver, audience) in self.clients.items()]
        return (
            self.issuer,
            self.profile,
            self.audience,
            clients,
            self.every_client,
            self.scope_names,
            self.metadata_url,
            self.jwks_uri,
        )


@dataclass(frozen=True, kw_only=True)
class Authenticator:
    """Finds out who calls by access tokens and static tokens, where no function of yours does.

    >>> token = StaticToken.generate()
    >>> acme = Caller("acme", scopes="ssf.manage", audience="https://acme.example.com")
    >>> authenticator = Authenticator(tokens={token.hash: acme})

    Attributes:
        tokens: Receivers by the hashes of their static tokens. A receiver may have several.
        issuers: Whose access tokens are accepted.
        allow_networks: Networks that the egress guard lets issuers be in, such as `10.1.0.0/16`.
        allow_loopback: Allow issuers on this machine, over http too: for trials.
    """

    tokens: Mapping[str, Caller] = field(default_factory=dict)
    issuers: Sequence[TrustedIssuer] = ()
    allow_networks: Iterable[str] = ()
    allow_loopback: bool = False

    def _tuple(self) -> _native.StreamAccess:
        tokens = [(hash_, caller._tuple()) for hash_, caller in self.tokens.items()]  # noqa: SLF001  # of this package
        issuers = [issuer._tuple() for issuer in self.issuers]  # noqa: SLF001  # of this package
        return tokens, issuers, list(self.allow_networks), self.allow_loopback
