"""Servers that load the application once and fork workers from it, as they are deployed."""

from __future__ import annotations

import concurrent.futures
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssf_transmitter import SigningKey

AUDIENCE = "https://receiver.example.com"

# The master sends when it loads the application, and goes on while it forks workers. Those are replaced often.
APPLICATION = """
import os, threading
from ssf_transmitter import Email, Receiver, SigningKey, Transmitter
from ssf_transmitter.events import caep

transmitter = Transmitter("https://edr.example.com", SigningKey.from_pem(os.environ["SSF_KEY"]))
receiver = Receiver(os.environ["SSF_RECEIVER"], "https://receiver.example.com", allow_loopback=True)


def emit():
    return transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), receiver)


def keep_sending():
    while True:
        emit()


emit()
threading.Thread(target=keep_sending, daemon=True).start()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {emit().jti}".encode()]
"""

PROGRAMS = Path(sys.executable).parent
SERVERS: dict[str, list[Any]] = {
    "gunicorn": [
        PROGRAMS / "gunicorn", "--preload", "--workers=2", "--max-requests=10", "--timeout=600", "--bind=127.0.0.1:0",
        "application",
    ],
    "uwsgi": [
        PROGRAMS / "uwsgi", "--master", "--enable-threads", "--py-call-uwsgi-fork-hooks", "--processes=2",
        "--max-requests=10", "--min-worker-lifetime=0", "--die-on-term", "--need-app", "--virtualenv", sys.prefix,
        "--http-socket=127.0.0.1:0", "--module=application",
    ],
}  # fmt: skip
LISTENS = re.compile(r"(?:Listening at: http://|bound to TCP address )(127\.0\.0\.1:\d+)")


@pytest.fixture(params=SERVERS)
def server(request: Any, key: SigningKey, ssf_receiver: Any, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    (tmp_path / "application.py").write_text(APPLICATION)
    emulator = ssf_receiver(issuer=ISSUER, keys=key, audience=AUDIENCE)
    environment = {**os.environ, "SSF_KEY": key.export_private_pem(), "SSF_RECEIVER": emulator.url}
    said: list[str] = []
    addresses: queue.Queue[str | None] = queue.Queue()

    def read(lines: Any) -> None:
        for line in lines:
            said.append(line)
            if found := LISTENS.search(line):
                addresses.put(found[1])
        addresses.put(None)

    with subprocess.Popen(
        SERVERS[request.param],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as program:
        reader = threading.Thread(target=read, args=(program.stdout,), daemon=True)
        reader.start()
        try:
            address = addresses.get(timeout=600)
            assert address is not None, "".join(said)
            yield f"http://{address}/", emulator
        finally:
            # uWSGI may wait for ever for a worker that it forks while it is told to end.
            os.killpg(program.pid, signal.SIGKILL)
            reader.join()


def test_workers_send_with_the_transmitter_that_the_master_has_made_and_uses(server: tuple[str, Any]) -> None:
    url, emulator = server

    def ask(_: int) -> tuple[str, str]:
        with urllib.request.urlopen(url, timeout=600) as answer:
            process, jti = answer.read().decode().split()
        return process, jti

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(100)))
    assert {jti for _, jti in answers} <= set(emulator.accepted)
    # Two workers at a time, each for ten requests.
    assert len({process for process, _ in answers}) >= 5
