"""The package beside what people use instead, in one run: figures are ratios of medians over rounds in turns.

`cargo xtask bench python` runs this against the wheel that is released.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import jwt
import requests
import sink
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt as jose_jwt
from joserfc.jwk import RSAKey
from promises import import_time

from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, SigningKey, Transmitter, prepare_set
from ssf_transmitter.events import caep

ROUNDS = 7
ISSUER, AUDIENCE = "https://edr.example.com", "https://receiver.example.net"
WHEN = datetime(2026, 1, 1, tzinfo=timezone.utc)
HEADERS = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}

KEY = SigningKey.generate("RSA-2048")
PEM = KEY.export_private_pem()
RAW: Any = load_pem_private_key(PEM.encode(), None)
JOSE = RSAKey.import_key(PEM)
# An RS256 signature takes most of the time of all contenders; beside ES256 one sees the rest.
SHORT = SigningKey.generate("P-256")
KEYS: dict[str, tuple[SigningKey, Any]] = {
    "RS256": (KEY, RAW),
    "ES256": (SHORT, load_pem_private_key(SHORT.export_private_pem().encode(), None)),
}


def claims() -> dict[str, Any]:
    """The claims of the SET, as they are put together by hand."""
    return {
        "iss": ISSUER,
        "jti": "24c63fb56e5a2d77a6b512616ca9fa24",
        "iat": int(time.time()),
        "aud": AUDIENCE,
        "txn": "incident-4711",
        "sub_id": {"format": "email", "email": "ada@example.com"},
        "events": {
            caep.SessionRevoked.uri: {
                "event_timestamp": int(WHEN.timestamp()),
                "initiating_entity": "policy",
                "reason_admin": {"en": "Landspeed Policy Violation: C076E82F"},
                "reason_user": {"en": "Access attempt from multiple regions."},
            }
        },
    }


def event() -> caep.SessionRevoked:
    """The same as a typed event."""
    return caep.SessionRevoked(
        event_timestamp=WHEN,
        initiating_entity="policy",
        reason_admin={"en": "Landspeed Policy Violation: C076E82F"},
        reason_user={"en": "Access attempt from multiple regions."},
    )


def by_us() -> str:
    """Build and sign with this package."""
    unsigned = prepare_set(
        event(), issuer=ISSUER, audience=AUDIENCE, subject=Email("ada@example.com"), txn="incident-4711",
        algorithm="RS256", kid=KEY.kid,
    )  # fmt: skip
    return str(unsigned.sign(KEY))


def by_pyjwt(algorithm: str = "RS256") -> str:
    """Build and sign with PyJWT."""
    key, private = KEYS[algorithm]
    return jwt.encode(claims(), private, algorithm, {"typ": "secevent+jwt", "kid": key.kid})


def by_joserfc() -> str:
    """Build and sign with joserfc."""
    return jose_jwt.encode({"alg": "RS256", "typ": "secevent+jwt", "kid": KEY.kid}, claims(), JOSE)


def per_second(work: Callable[[], object], count: int) -> float:
    """How often a second, once warm."""
    began = time.perf_counter()
    for _ in range(count):
        work()
    return count / (time.perf_counter() - began)


def in_turns(contenders: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median rate of each; they take turns, so that a noisy moment hits all."""
    for contender in contenders.values():
        contender()
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            rates[name].append(contender())
    return {name: statistics.median(measured) for name, measured in rates.items()}


def sign() -> None:
    """Sign: in one thread, and in two."""
    # They differ by a twentieth, and the clock of a processor does too: more rounds than elsewhere.
    rates = in_turns(
        {
            "raw": lambda: per_second(lambda: RAW.sign(b"x" * 700, padding.PKCS1v15(), SHA256()), 300),
            "ssf-transmitter": lambda: per_second(by_us, 300),
            "PyJWT": lambda: per_second(by_pyjwt, 300),
            "joserfc": lambda: per_second(by_joserfc, 300),
        },
        rounds=3 * ROUNDS,
    )
    print("\nbuild and sign, RS256     us    rate, raw OpenSSL signature = 1")
    for name, rate in rates.items():
        print(f"{name:<22} {1e6 / rate:>6.0f}    {rate / rates['raw']:.3f}")

    def threads(number: int) -> float:
        workers = [threading.Thread(target=per_second, args=(by_us, 300)) for _ in range(number)]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return 300 * number / (time.perf_counter() - began)

    rates = in_turns({"one": lambda: threads(1), "two": lambda: threads(2)})
    print(f"two threads sign at {rates['two'] / rates['one']:.2f} times the rate of one")


def floor(algorithm: str, url: str, ca_file: str) -> Callable[[], object]:
    """What nobody is faster than: OpenSSL's signature, and a request that was written beforehand over a bare socket."""
    private, where = KEYS[algorithm][1], urlsplit(url)
    method = (padding.PKCS1v15(), SHA256()) if algorithm == "RS256" else (ECDSA(SHA256()),)
    body = by_pyjwt(algorithm)
    lines = [f"POST {where.path} HTTP/1.1", f"Host: {where.netloc}", *(f"{name}: {HEADERS[name]}" for name in HEADERS)]
    request = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
    plain = socket.create_connection((where.hostname, where.port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = ssl.create_default_context(cafile=ca_file).wrap_socket(plain, server_hostname=where.hostname)

    def once() -> None:
        private.sign(b"x" * 700, *method)
        connection.sendall(request)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 202 ")

    return once


def emit(algorithm: str, url: str, ca: str, ca_file: str) -> None:
    """Emit over loopback TLS from one thread: one after the other, and as `emit_all` does it."""
    bare = floor(algorithm, url, ca_file)
    receiver = Receiver(url, AUDIENCE, allow_loopback=True, concurrency=64)
    transmitter = Transmitter(ISSUER, KEYS[algorithm][0], ca_bundle=ca)
    session, client = requests.Session(), httpx.Client(verify=ssl.create_default_context(cafile=ca_file))
    session.verify, session.trust_env = ca_file, False

    rates = in_turns(
        {
            "ssf-transmitter": lambda: per_second(
                lambda: transmitter.emit(event(), Email("ada@example.com"), receiver, txn="incident-4711"), 200
            ),
            "PyJWT + requests": lambda: per_second(
                lambda: session.post(url, data=by_pyjwt(algorithm), headers=HEADERS), 100
            ),
            "PyJWT + httpx": lambda: per_second(
                lambda: client.post(url, content=by_pyjwt(algorithm), headers=HEADERS), 100
            ),
            "signature, bare socket": lambda: per_second(bare, 200),
        }
    )
    ours = rates["ssf-transmitter"]
    print(f"\nemit one by one, {algorithm}    us    we are times as fast")
    for name, rate in rates.items():
        print(f"{name:<22} {1e6 / rate:>6.0f}    {ours / rate:.2f}")

    def at_once() -> float:
        emissions = (Emission(event(), Email("ada@example.com"), receiver, txn="incident-4711") for _ in range(400))
        began = time.perf_counter()
        for emitted in transmitter.emit_all(emissions):
            emitted.result()
        return 400 / (time.perf_counter() - began)

    many = in_turns({"emit_all": at_once})["emit_all"]
    others = ", ".join(f"{many / rate:.2f} times {name}" for name, rate in rates.items() if "PyJWT" in name)
    print(f"emit_all, from one thread: {1e6 / many:.0f} us, {others}")


def emit_async(algorithm: str, url: str, ca: str, ca_file: str) -> None:
    """Emit from asyncio, 32 at once; and what an await costs the loop."""
    receiver = Receiver(url, AUDIENCE, allow_loopback=True, concurrency=64)
    context = ssl.create_default_context(cafile=ca_file)
    key, (count, at_once) = KEYS[algorithm][0], (640, 32)

    async def many(one: Callable[[], Any]) -> float:
        async def some() -> None:
            for _ in range(count // at_once):
                await one()

        await some()
        began = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(at_once)))
        return count / (time.perf_counter() - began)

    async def ours() -> float:
        async with AsyncTransmitter(ISSUER, key, ca_bundle=ca) as transmitter:
            return await many(
                lambda: transmitter.emit(event(), Email("ada@example.com"), receiver, txn="incident-4711")
            )

    async def theirs() -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=at_once)) as session:

            async def one() -> None:
                async with session.post(url, data=by_pyjwt(algorithm), headers=HEADERS) as answer:
                    await answer.read()

            return await many(one)

    rates = in_turns({"ssf-transmitter": lambda: asyncio.run(ours()), "PyJWT + aiohttp": lambda: asyncio.run(theirs())})
    print(f"\nemit {at_once} at once, {algorithm}   us    we are times as fast")
    for name, rate in rates.items():
        print(f"{name:<22} {1e6 / rate:>6.0f}    {rates['ssf-transmitter'] / rate:.2f}")

    async def loop_time() -> float:
        async with AsyncTransmitter(ISSUER, key, ca_bundle=ca) as transmitter:
            signed = transmitter.prepare(event(), Email("ada@example.com"), receiver).sign(key)
            await transmitter.deliver(signed, receiver)
            began = time.thread_time()
            for _ in range(20):
                await asyncio.gather(*(transmitter.deliver(signed, receiver) for _ in range(at_once)))
            return (time.thread_time() - began) / (20 * at_once)

    times = [asyncio.run(loop_time()) for _ in range(ROUNDS)]
    print(f"an await takes {statistics.median(times) * 1e6:.0f} us of the event loop's time")


def main() -> None:
    """Measure everything."""
    print(f"Python {sys.version.split()[0]}, PyJWT {jwt.__version__}")
    print(f"import: {import_time() * 1e3:.0f} ms")
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    receiver = context.Process(target=sink.serve, args=(there,), daemon=True)
    receiver.start()
    url, ca = here.recv()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as ca_file:
        ca_file.write(ca)
        ca_file.flush()
        sign()
        for algorithm in KEYS:
            emit(algorithm, url, ca, ca_file.name)
            emit_async(algorithm, url, ca, ca_file.name)
    receiver.terminate()


if __name__ == "__main__":
    main()
