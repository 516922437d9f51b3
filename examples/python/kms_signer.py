"""Sign with a key that never leaves a key management service.

The library requests only a signature. In this example, `cryptography` simulates the service with the interface of AWS
KMS. With boto3, use `client = boto3.client("kms")` instead.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ssf_transmitter import Email, PublicKey, Signature, Signer, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://edr.example.com"


class Kms:
    """Simulate the part of AWS KMS that the example needs."""

    def __init__(self) -> None:
        """Generate the key, which stays in this object."""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, **request: object) -> dict[str, bytes]:
        """Sign a digest like `kms:Sign`, which returns ECDSA signatures in DER."""
        message = request["Message"]
        assert isinstance(message, bytes)  # noqa: S101
        return {"Signature": self._key.sign(message, ec.ECDSA(Prehashed(SHA256())))}

    def get_public_key(self, **_: object) -> dict[str, bytes]:
        """Return the public key in DER, like `kms:GetPublicKey`."""
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


def kms_signer(client: Kms, key_id: str) -> Signer:
    """Make a signer of a key of the service. The library calls it from any thread."""

    def sign_digest(digest: bytes) -> Signature:
        # Of a message, the service takes 4,096 bytes at most; a digest fits any SET.
        answer = client.sign(KeyId=key_id, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        return Signature.der(answer["Signature"])

    public_key = PublicKey.from_der(client.get_public_key(KeyId=key_id)["PublicKey"])
    return Signer(sign_digest=sign_digest, algorithm="ES256", public_key=public_key)


def main() -> None:
    """Send a SET that the service signs."""
    with (
        Transmitter(ISSUER, kms_signer(Kms(), "alias/ssf")) as transmitter,
        ReceiverEmulator(issuer=ISSUER, keys=transmitter.jwks()) as emulator,
    ):
        receipt = transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), emulator.receiver())
        emulator.assert_received(caep.SessionRevoked, subject=Email("ada@example.com"))
    print(f"{receipt.jti} signed with ES256 and delivered with status {receipt.status}")


if __name__ == "__main__":
    main()
