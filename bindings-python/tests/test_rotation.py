"""Keys of this process and signers, rotating in one set: tests/vectors/rotation.json."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from conftest import ISSUER
from ssf_transmitter import (
    AsyncTransmitter,
    Email,
    Emission,
    Jwks,
    KeySet,
    Signature,
    Signer,
    SigningKey,
    SsfError,
    Transmitter,
)
from ssf_transmitter.events import caep
from vectors import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssf_transmitter import Receiver
    from ssf_transmitter.testing import ReceiverEmulator

EVENT, ADA = caep.SessionRevoked(), Email("ada@example.com")


def made(name: str, about: dict[str, Any]) -> tuple[SigningKey | Signer, SigningKey]:
    """A key of a case, and the key behind it."""
    kid = about.get("kid", name)
    local = SigningKey.generate("P-256" if about["algorithm"] == "ES256" else "RSA-2048").with_kid(kid)
    if about["signs"] == "here":
        return local, local
    private: Any = load_pem_private_key(local.export_private_pem().encode(), None)
    public_key = local.public_key if about.get("public_key", True) else None

    def sign(signing_input: bytes) -> Signature:
        return Signature.der(private.sign(signing_input, ec.ECDSA(SHA256())))

    def sign_digest(digest: bytes) -> bytes:
        signature: bytes = private.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))
        return signature

    known: dict[str, Any] = {"algorithm": about["algorithm"], "kid": kid, "public_key": public_key}
    return Signer(sign, **known) if about["signs"] == "input" else Signer(sign_digest=sign_digest, **known), local


def emits(kind: Any, keys: KeySet, to: Receiver) -> int:
    """Emit in each way, and count the SETs."""
    if kind is Transmitter:
        with Transmitter(ISSUER, keys) as transmitter:
            transmitter.emit(EVENT, ADA, to)
            results = list(transmitter.emit_all([Emission(EVENT, ADA, to)]))
        assert results[0].error is None
        return 2

    async def run() -> int:
        async with AsyncTransmitter(ISSUER, keys) as transmitter:
            await transmitter.emit(EVENT, ADA, to)
            results = [result async for result in transmitter.emit_all([Emission(EVENT, ADA, to)])]
        assert results[0].error is None
        return 2

    return asyncio.run(run())


def code(work: Callable[..., object], *arguments: object, **options: object) -> str | None:
    try:
        work(*arguments, **options)
    except SsfError as error:
        return error.code
    return None


@pytest.mark.parametrize("kind", [Transmitter, AsyncTransmitter])
@pytest.mark.parametrize("case", cases("rotation.json", "cases"))
def test_signers_rotate_like_keys_of_this_process(case: dict[str, Any], kind: Any, ssf_receiver: Any) -> None:
    made_keys = {kid: made(kid, about) for kid, about in case["keys"].items()}
    keys = KeySet(made_keys[case["active"]][0])
    public = Jwks([local.public_key for name, (_, local) in made_keys.items() if local.kid == name])
    emulator: ReceiverEmulator = ssf_receiver(issuer=ISSUER, keys=public)
    for step in case["steps"]:
        if "emit" in step:
            emulator.clear()
            count = emits(kind, keys, emulator.receiver())
            assert [request.header["kid"] for request in emulator.requests] == [step["emit"]] * count
            assert keys.active.kid == step["emit"]
        if "stage" in step:
            assert code(keys.stage, made_keys[step["stage"]][0]) == step.get("code")
        if "rotate" in step:
            if "code" in step:
                assert code(keys.rotate, published=0) == step["code"]
            else:
                assert keys.rotate(published=0) == step["rotate"]
        if "remove" in step:
            assert code(keys.remove, step["remove"]) == step.get("code")
        if "published" in step:
            assert [key.kid for key in kind(ISSUER, keys).jwks().keys] == step["published"]
        if "next" in step:
            assert keys.next is made_keys[step["next"]][0]
        if "retired" in step:
            assert [key.kid for key in keys.retired] == step["retired"]


def test_a_doctor_signs_with_the_key_that_is_active(ssf_receiver: Any) -> None:
    signer, behind = made("kms-1", {"signs": "digest", "algorithm": "RS256"})
    own = SigningKey.generate("P-256")
    keys = KeySet(signer)
    keys.stage(own)
    emulator: ReceiverEmulator = ssf_receiver(issuer=ISSUER, keys=Jwks([behind.public_key, own.public_key]))
    for kid in ("kms-1", own.kid):
        emulator.clear()
        with Transmitter(ISSUER, keys) as transmitter:
            transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True)

        async def run() -> None:
            async with AsyncTransmitter(ISSUER, keys) as transmitter:
                await transmitter.doctor(EVENT, ADA, emulator.receiver(), send=True)

        asyncio.run(run())
        assert [request.header["kid"] for request in emulator.requests] == [kid] * 2
        if kid == "kms-1":
            keys.rotate(published=0)


def test_ed25519_signs_no_digest() -> None:
    with pytest.raises(SsfError, match="not a digest") as raised:
        Signer(sign_digest=bytes, algorithm="EdDSA")
    assert raised.value.code == "configuration_invalid"
