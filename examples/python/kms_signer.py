"""A key that never leaves a key management service.

The library asks for a signature, and for nothing else. Here `cryptography` plays the service, with the interface of AWS
KMS; with boto3, `client = boto3.client("kms")` takes its place.
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
    """The part of AWS KMS that is needed."""

    def __init__(self) -> None:
        """Make the key, which stays here."""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, **request: object) -> dict[str, bytes]:
        """Sign as `kms:Sign` does: ECDSA signatures are in DER."""
        message = request["Message"]
        assert isinstance(message, bytes)  # noqa: S101
        return {"Signature": self._key.sign(message, ec.ECDSA(SHA256()))}

    def get_public_key(self, **_: object) -> dict[str, bytes]:
        """Give the public key as `kms:GetPublicKey` does, in DER."""
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


class KmsSigner:
    """Signs with a key of the service. It is called from any thread."""

    def __init__(self, client: Kms, key_id: str) -> None:
        """Ask for the public key, which is to be published."""
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
    """Send a SET that the service has signed."""
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
