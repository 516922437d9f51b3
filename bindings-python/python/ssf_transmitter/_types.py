"""Names that strings can be."""

from typing import Literal, TypeAlias

#: A signature algorithm of JWS (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
Algorithm: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]

#: Where a delivery of an outbox is.
DeliveryState: TypeAlias = Literal["waiting", "in_flight", "delivered", "dead", "discarded"]

#: Which deliveries of an outbox go first.
Priority: TypeAlias = Literal["low", "normal", "high"]

#: How a driver of a database writes parameters (PEP 249).
ParamStyle: TypeAlias = Literal["numeric", "format", "named", "pyformat"]

#: What kind of key to generate.
KeyType: TypeAlias = Literal["RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "Ed25519"]
