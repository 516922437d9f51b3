"""Forks while threads send, sign and generate keys, and reports how many children hang. A program: see `--help`.

Each round makes a transmitter, has threads use it, forks after 0 to 20 ms, and has the child send with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER = "https://edr.example.com"
AUDIENCE = "https://receiver.example.com"
EVENT, ADA = caep.SessionRevoked(), Email("ada@example.com")

# A child that has not sent its SET after so many seconds hangs, however busy the machine is.
HANGS = 120.0
# Maximum number of concurrent children.
CHILDREN = 16


def serve() -> None:
    """Run a receiver until the parent goes away."""
    key = SigningKey.from_pem(sys.stdin.readline().replace("|", "\n"))
    with ReceiverEmulator(issuer=ISSUER, keys=key, audience=AUDIENCE) as emulator:
        print(emulator.url, flush=True)
        for _ in sys.stdin:
            emulator.clear()


class Stress:
    """The rounds, and their results."""

    def __init__(self, key: SigningKey, receiver: Receiver) -> None:
        self.key, self.receiver = key, receiver
        self.rounds = self.hangs = self.failures = 0
        self.children: dict[int, float] = {}
        self.raised: list[Exception] = []

    def round(self) -> None:
        """Fork once."""
        transmitter, waits = Transmitter(ISSUER, self.key), AsyncTransmitter(ISSUER, self.key)
        calls = self.calls(transmitter, waits)
        threads = [threading.Thread(target=self.use, args=(call,)) for call in random.choices(calls, k=3)]
        for thread in threads:
            thread.start()
        # Where in their work the threads are is what differs between the rounds.
        time.sleep(random.uniform(0, 0.02))
        call = random.choice(calls[:3])
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                call()
                os._exit(0)
            os._exit(1)
        self.children[child] = time.monotonic()
        self.rounds += 1
        for thread in threads:
            thread.join()
        self.reap(CHILDREN - 1)

    def calls(self, transmitter: Transmitter, waits: AsyncTransmitter) -> list[Callable[[], object]]:
        """The work of threads and, except for the last two, of children."""
        arguments = (EVENT, ADA, self.receiver)

        async def both() -> None:
            await asyncio.gather(waits.emit(*arguments), waits.emit(*arguments))

        return [
            lambda: transmitter.emit(*arguments),
            lambda: [emitted.result() for emitted in transmitter.emit_all([Emission(*arguments)] * 4)],
            lambda: asyncio.run(both()),
            lambda: transmitter.prepare(*arguments).sign(self.key),
            lambda: SigningKey.generate("P-256").export_private_pem(),
        ]

    def use(self, call: Callable[[], object]) -> None:
        """Do something twice, the first time with everything new."""
        try:
            for _ in range(2):
                call()
        except Exception as error:  # noqa: BLE001  # counted, and told
            self.raised.append(error)
            print(f"in a thread of the parent: {error!r}", file=sys.stderr, flush=True)

    def reap(self, left: int) -> None:
        """Wait until at most so many children are running."""
        while self.children:
            for child, began in list(self.children.items()):
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    self.failures += status != 0
                elif time.monotonic() - began > HANGS:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    self.hangs += 1
                else:
                    continue
                del self.children[child]
            if len(self.children) <= left:
                return
            time.sleep(0.002)


def main() -> None:
    """Run the rounds, and exit with 1 if a child hung or failed."""
    parser = argparse.ArgumentParser(description="Fork while threads send, and count the children that hang.")
    parser.add_argument("--rounds", type=int, default=sys.maxsize, help="end after so many rounds")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many seconds")
    given = parser.parse_args()
    key = SigningKey.generate("P-256")
    server = [sys.executable, "-c", "import fork_stress; fork_stress.serve()"]
    with subprocess.Popen(
        server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(os.path.abspath(__file__))
    ) as receiver:
        assert receiver.stdin is not None
        assert receiver.stdout is not None
        receiver.stdin.write(key.export_private_pem().replace("\n", "|") + "\n")
        receiver.stdin.flush()
        url = receiver.stdout.readline().strip()
        stress = Stress(key, Receiver(url, AUDIENCE, allow_loopback=True))
        ends = time.monotonic() + given.seconds
        while stress.rounds < given.rounds and time.monotonic() < ends:
            stress.round()
            if stress.rounds % 1000 == 0:
                # It is not to keep all that it saw.
                receiver.stdin.write("\n")
                receiver.stdin.flush()
                print(f"{stress.rounds} rounds, {stress.hangs} hangs, {stress.failures} failures", flush=True)
        stress.reap(0)
        receiver.stdin.close()
    print(
        f"{stress.rounds} rounds, {stress.hangs} hangs, {stress.failures} failures, {len(stress.raised)} in the parent",
        flush=True,
    )
    sys.exit(1 if stress.hangs or stress.failures or stress.raised else 0)


if __name__ == "__main__":
    main()
