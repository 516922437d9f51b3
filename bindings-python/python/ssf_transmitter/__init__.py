"""Send OpenID Shared Signals: signed Security Event Tokens to Okta, GOV.UK One Login and any RFC 8935 receiver.

>>> from ssf_transmitter import Email, Receiver, SigningKey, Transmitter
>>> from ssf_transmitter.events import caep
>>> transmitter = Transmitter("https://edr.example.com", SigningKey.generate())
>>> acme = Receiver.okta("https://acme.okta.com")
>>> event = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
>>> transmitter.emit(event, Email("ada@example.com"), acme)  # doctest: +SKIP
<Receipt 5Kqx0tY2rN1vLw8sJmZc3A status=202 attempts=1>

The pages that docstrings name, such as `docs/errors.md`, are in the folder of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssf_transmitter import _load as _load
from ssf_transmitter._config import Config
from ssf_transmitter._emission import Emission, Emitted
from ssf_transmitter._logging import enable_logging
from ssf_transmitter._model import CustomEvent, CustomSubject, Event, Subject
from ssf_transmitter._native import (
    Counters,
    DecodedSet,
    Dialect,
    Jwks,
    KeySet,
    PublicKey,
    Receipt,
    Signature,
    SignedSet,
    Signer,
    SigningKey,
    UnsignedSet,
)
from ssf_transmitter._notes import ReceiptNote
from ssf_transmitter._receiver import ClientCredentials, Receiver, RetryPolicy
from ssf_transmitter._sets import prepare_set
from ssf_transmitter._transmitter import Transmitter
from ssf_transmitter._types import Algorithm, KeyType
from ssf_transmitter.errors import (
    ApiError,
    ConfigError,
    DeadlineExceeded,
    DeliveryError,
    InternalError,
    KeyMaterialError,
    OutboxError,
    ReceiverRejected,
    SigningError,
    SsfError,
    TokenError,
    TransportError,
    ValidationError,
)
from ssf_transmitter.subjects import (
    Account,
    Aliases,
    ComplexSubject,
    Did,
    Email,
    IpAddresses,
    IssSub,
    JwtId,
    OauthClient,
    OauthToken,
    Opaque,
    PhoneNumber,
    SamlAssertionId,
    Scim,
    Uri,
)

if TYPE_CHECKING:
    from ssf_transmitter._async_transmitter import AsyncTransmitter
    from ssf_transmitter.metadata import TransmitterConfiguration, legacy_well_known_url, well_known_url

__all__ = [
    "Account",
    "Algorithm",
    "Aliases",
    "ApiError",
    "AsyncTransmitter",
    "ClientCredentials",
    "ComplexSubject",
    "Config",
    "ConfigError",
    "Counters",
    "CustomEvent",
    "CustomSubject",
    "DeadlineExceeded",
    "DecodedSet",
    "DeliveryError",
    "Dialect",
    "Did",
    "Email",
    "Emission",
    "Emitted",
    "Event",
    "InternalError",
    "IpAddresses",
    "IssSub",
    "Jwks",
    "JwtId",
    "KeyMaterialError",
    "KeySet",
    "KeyType",
    "OauthClient",
    "OauthToken",
    "Opaque",
    "OutboxError",
    "PhoneNumber",
    "PublicKey",
    "Receipt",
    "ReceiptNote",
    "Receiver",
    "ReceiverRejected",
    "RetryPolicy",
    "SamlAssertionId",
    "Scim",
    "Signature",
    "SignedSet",
    "Signer",
    "SigningError",
    "SigningKey",
    "SsfError",
    "Subject",
    "TokenError",
    "Transmitter",
    "TransmitterConfiguration",
    "TransportError",
    "UnsignedSet",
    "Uri",
    "ValidationError",
    "enable_logging",
    "legacy_well_known_url",
    "prepare_set",
    "well_known_url",
]

# Loaded on demand: asyncio takes longer to import than all of the rest.
_LATER = {
    "AsyncTransmitter": "ssf_transmitter._async_transmitter",
    "TransmitterConfiguration": "ssf_transmitter.metadata",
    "legacy_well_known_url": "ssf_transmitter.metadata",
    "well_known_url": "ssf_transmitter.metadata",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value
