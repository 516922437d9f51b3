"""The transmitter configuration: the document by which receivers find issuer, keys and endpoints (SSF 1.0 §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ssf_transmitter import _native
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import as_object
from ssf_transmitter._native import legacy_well_known_url, well_known_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

__all__ = ["TransmitterConfiguration", "legacy_well_known_url", "well_known_url"]


class TransmitterConfiguration(_native.TransmitterConfiguration):
    """The transmitter configuration document. Serve `to_json()` at `url` with the content type `application/json`.

    >>> from ssf_transmitter.metadata import TransmitterConfiguration
    >>> configuration = TransmitterConfiguration("https://edr.example.com", jwks_uri="https://edr.example.com/jwks.json")
    >>> configuration.url
    'https://edr.example.com/.well-known/ssf-configuration'

    Args:
        issuer: The exact `iss` of the SETs, an https URL.
        jwks_uri: The URL of the JWKS; required if SETs are signed.
        spec_version: The version of the specification; `1_0` by default.
        delivery_methods: The delivery methods; push by default.
        configuration_endpoint: The URL at which receivers create and change streams.
        status_endpoint: The URL at which receivers read and set the status of a stream.
        add_subject_endpoint: The URL at which receivers add subjects.
        remove_subject_endpoint: The URL at which receivers remove subjects.
        verification_endpoint: The URL at which receivers request a verification event.
        critical_subject_members: The members of complex subjects that receivers must understand.
        authorization_schemes: Ways to authorize, by URN: `urn:ietf:rfc:6749` is OAuth 2.0.
        default_subjects: Whose events a new stream delivers.
        members: Custom members.
        allow_loopback_http: Allow http URLs of loopback hosts, for tests.

    Raises:
        ConfigError: If a URL cannot be used.
    """

    @known_keywords
    def __new__(
        cls,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        spec_version: str | None = None,
        delivery_methods: Sequence[str] | None = None,
        configuration_endpoint: str | None = None,
        status_endpoint: str | None = None,
        add_subject_endpoint: str | None = None,
        remove_subject_endpoint: str | None = None,
        verification_endpoint: str | None = None,
        critical_subject_members: Sequence[str] = (),
        authorization_schemes: Sequence[str] = (),
        default_subjects: Literal["ALL", "NONE"] | None = None,
        members: Mapping[str, object] | None = None,
        allow_loopback_http: bool = False,
    ) -> Self:
        """Check the settings."""
        return super().__new__(
            cls,
            issuer,
            jwks_uri=jwks_uri,
            spec_version=spec_version,
            delivery_methods=delivery_methods,
            configuration_endpoint=configuration_endpoint,
            status_endpoint=status_endpoint,
            add_subject_endpoint=add_subject_endpoint,
            remove_subject_endpoint=remove_subject_endpoint,
            verification_endpoint=verification_endpoint,
            critical_subject_members=critical_subject_members,
            authorization_schemes=authorization_schemes,
            default_subjects=default_subjects,
            members=None if members is None else as_object(members, "members"),
            allow_loopback_http=allow_loopback_http,
        )
