"""Sign with a key that never leaves a key management service.

The library requests only a signature. In this example, `cryptography` simulates the service with the interface of AWS
KMS. With boto3, use `client = boto3.client("kms")` instead.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ssf_transmitter import Email, Jwks, PublicKey, Signature, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://edr.example.com"


class Kms:
    """Simulate the part of AWS KMS that the example needs."""

    def __init__(self) -> None:
        """Generate the key, which stays in this object."""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, **request: object) -> dict[str, bytes]:
        """Sign like `kms:Sign`, which returns ECDSA signatures in DER."""
        message = request["Message"]
        assert isinstance(message, bytes)  # noqa: S101
        return {"Signature": self._key.sign(message, ec.ECDSA(SHA256()))}

    def get_public_key(self, **_: object) -> dict[str, bytes]:
        """Return the public key in DER, like `kms:GetPublicKey`."""
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


class KmsSigner:
    """Sign with a key of the service. The library calls it from any thread."""

    def __init__(self, client: Kms, key_id: str) -> None:
        """Fetch the public key to publish."""
        self._client = client
        self._key_id = key_id
        self.public_key = PublicKey.from_der(client.get_public_key(KeyId=key_id)["PublicKey"])

    def __call__(self, signing_input: bytes) -> Signature:
        """Sign the signing input of a SET."""
        answer = self._client.sign(
            KeyId=self._key_id, Message=signing_input, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )
        return Signature.der(answer["Signature"])


def main() -> None:
    """Send a SET that the service signs."""
    signer = KmsSigner(Kms(), "alias/ssf")
    key = signer.public_key
    with (
        ReceiverEmulator(issuer=ISSUER, keys=Jwks([key])) as emulator,
        Transmitter(ISSUER, signer=signer, algorithm=key.algorithm, kid=key.kid, public_key=key) as transmitter,
    ):
        receipt = transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), emulator.receiver())
        emulator.assert_received(caep.SessionRevoked, subject=Email("ada@example.com"))
    print(f"{receipt.jti} signed with {key.algorithm} and delivered with status {receipt.status}")


if __name__ == "__main__":
    main()
