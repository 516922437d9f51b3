"""What tests share: a key, a transmitter, and a receiver that judges."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ssf_transmitter import AsyncTransmitter, PublicKey, Receiver, RetryPolicy, Signature, SigningKey, Transmitter
from ssf_transmitter.testing import ReceiverEmulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssf_transmitter.outbox import Worker

ISSUER = "https://edr.example.com"
AUDIENCE = "https://receiver.example.com"
#: Retries without long waits.
QUICK = RetryPolicy(base=0.001, max_backoff=0.02, attempt_timeout=60)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A server that `cargo xtask test python` has started."""
    url = os.environ.get("SSF_TEST_POSTGRES")
    if url is None:
        pytest.fail(
            "SSF_TEST_POSTGRES is not set: run `cargo run -p ssf-transmitter-postgres --example server` beside the "
            "tests, and set it to the URL that this prints"
        )
    return url


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate("P-256")


@pytest.fixture
def emulator(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> ReceiverEmulator:
    return ssf_receiver(issuer=ISSUER, keys=key, tls=True)


@pytest.fixture
def transmitter(key: SigningKey, emulator: ReceiverEmulator) -> Iterator[Transmitter]:
    with Transmitter(ISSUER, key, ca_bundle=emulator.ca_pem, retry=QUICK) as transmitter:
        yield transmitter


@pytest.fixture
def async_transmitter(key: SigningKey, emulator: ReceiverEmulator) -> AsyncTransmitter:
    return AsyncTransmitter(ISSUER, key, ca_bundle=emulator.ca_pem, retry=QUICK)


class Kms:
    """A service that signs with a key that it does not give out."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public = PublicKey.from_pem(pem).with_kid("kms-1")
        self.calls = 0
        self.threads: set[int] = set()

    def sign(self, signing_input: bytes) -> Signature:
        self.calls += 1
        self.threads.add(threading.get_ident())
        return Signature.der(self.key.sign(signing_input, ec.ECDSA(SHA256())))

    async def sign_async(self, signing_input: bytes) -> Signature:
        await asyncio.sleep(0)
        return self.sign(signing_input)


def in_child(work: Callable[[], None]) -> None:
    """Runs something in a child that was forked, and fails if that fails or hangs."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            os.write(2, f"in the child: {error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


@contextlib.contextmanager
def working(worker: Worker) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Runs a worker in a thread, and stops it in any case: a test that fails must not leave it running.

    Yields a function that waits until something is so, and fails if the worker ends before.
    """
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()

    def until(is_so: Callable[[], bool]) -> None:
        while not is_so():
            thread.join(0.005)
            assert thread.is_alive()

    try:
        yield until
    finally:
        worker.stop()
        thread.join(600)
        assert not thread.is_alive()


class Held(http.server.ThreadingHTTPServer):
    """A receiver that answers when it may, and counts its connections."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HeldConnection)
        #: Released for each request.
        self.asked = threading.Semaphore(0)
        #: Set when requests may be answered.
        self.answers = threading.Event()
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.receiver = Receiver(self.url, AUDIENCE, allow_loopback=True)


class HeldConnection(http.server.BaseHTTPRequestHandler):
    """One of its connections."""

    protocol_version = "HTTP/1.1"
    server: Held

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.release()
        self.server.answers.wait()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def held() -> Iterator[Held]:
    with Held() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.answers.set()
        server.shutdown()
