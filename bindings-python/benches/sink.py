"""A receiver over TLS that answers 202 to everything and looks at nothing, in a process of its own."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport
    rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            length = int(self.rest[:end].lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length :]
            self.transport.write(ANSWER)


def serve(ready: Any) -> None:
    """Sends the URL and the CA certificate through the pipe, and serves until the process is ended."""
    ca, chain = certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "chain.pem")
        file.write_bytes(chain)
        context.load_cert_chain(file)

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, ssl=context)
        ready.send((f"https://localhost:{server.sockets[0].getsockname()[1]}/events", ca.decode()))
        await server.serve_forever()

    asyncio.run(run())


def certificates() -> tuple[bytes, bytes]:
    """The certificate of a CA, and key and certificate of the server."""
    name = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("bench CA", "localhost")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in name]
    now = datetime.now(timezone.utc)

    def certificate(number: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(name[0], name[number], keys[number].public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[number].public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False)
        )

    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= dict.fromkeys(("encipher_only", "decipher_only", "digital_signature"), False)
    signs = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage)
    ca = certificate(0).add_extension(signs, critical=True).sign(keys[0], SHA256())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    server = certificate(1).add_extension(names, critical=False).sign(keys[0], SHA256())
    key = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ca.public_bytes(Encoding.PEM), key + server.public_bytes(Encoding.PEM)
