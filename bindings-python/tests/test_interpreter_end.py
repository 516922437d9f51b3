"""Threads that are in a call when the interpreter ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

# CPython up to 3.13 ends a daemon thread that comes back to an interpreter that has ended, wherever the thread is, by
# `pthread_exit`. That unwinds our frames, which takes a library that is linked with the unwinder of glibc.
IN_A_CALL = """
import asyncio, socket, sys, threading, time
from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, SigningKey, Transmitter
from ssf_transmitter.events import caep

issuer, key = "https://edr.example.com", SigningKey.generate("P-256")
server = socket.create_server(("127.0.0.1", 0))
receiver = Receiver(f"http://127.0.0.1:{server.getsockname()[1]}/", "https://receiver.example.com", allow_loopback=True)
arguments = (caep.SessionRevoked(), Email("ada@example.com"), receiver)
transmitter = Transmitter(issuer, key)


async def emit_async():
    await AsyncTransmitter(issuer, key).emit(*arguments)


calls = {
    "emit": lambda: transmitter.emit(*arguments),
    "emit_all": lambda: list(transmitter.emit_all([Emission(*arguments)])),
    "deliver": lambda: transmitter.deliver(transmitter.prepare(*arguments).sign(key), receiver),
    "asyncio": lambda: asyncio.run(emit_async()),
}
for _ in range(4):
    threading.Thread(target=calls[sys.argv[1]], daemon=True).start()
# Each has sent its request, and waits for an answer that does not come.
connections = [server.accept()[0] for _ in range(4)]
for connection in connections:
    assert connection.recv(1) == b"P"


class Last:
    # Threads come back to the interpreter every 50 ms: it is kept until all of them have been there.
    def __del__(self, sleep=time.sleep):
        sleep(0.3)


sys.modules["last"] = Last()
print("ends", flush=True)
"""


@pytest.mark.parametrize("run", range(2))
@pytest.mark.parametrize("call", ["emit", "emit_all", "deliver", "asyncio"])
def test_the_interpreter_ends_while_daemon_threads_are_in_a_call(call: str, run: int) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", IN_A_CALL, call],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")
