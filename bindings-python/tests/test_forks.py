"""Forks in the middle of something, and what a child does with what it inherits."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import AUDIENCE, ISSUER, Held, in_child
from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, Signer, SigningKey, Transmitter
from ssf_transmitter.events import caep

if TYPE_CHECKING:
    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def test_no_child_hangs_however_threads_send_sign_and_generate_keys() -> None:
    # For longer: `cargo xtask stress fork`.
    program = Path(__file__).with_name("fork_stress.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program, "--seconds", "60"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 hangs, 0 failures" in done.stdout


def test_a_child_may_be_forked_while_a_long_key_is_generated() -> None:
    stop = threading.Event()

    def generate() -> None:
        while not stop.is_set():
            SigningKey.generate("RSA-2048")

    thread = threading.Thread(target=generate, daemon=True)
    thread.start()
    try:
        for _ in range(20):
            in_child(lambda: SigningKey.generate("P-256") and None)
    finally:
        stop.set()
        thread.join()


def test_a_child_leaves_the_rest_of_emit_all_to_its_parent(
    transmitter: Transmitter, emulator: ReceiverEmulator
) -> None:
    receiver = emulator.receiver()
    results = transmitter.emit_all([Emission(EVENT, ADA, receiver, jti=f"of-many-{number}") for number in range(50)])
    first = next(results)

    def work() -> None:
        nonlocal results
        with pytest.raises(RuntimeError, match="forked during this call"):
            next(results)
        del results
        gc.collect()
        transmitter.emit(EVENT, ADA, receiver, jti="child")

    in_child(work)
    assert {first.index, *(result.index for result in results)} == set(range(50))
    assert set(emulator.accepted) == {"child", *(f"of-many-{number}" for number in range(50))}


@pytest.mark.parametrize("call", ["emit", "emit_all"])
def test_a_call_goes_on_in_the_parent_alone_when_a_handler_of_a_signal_forks(
    call: str, key: SigningKey, held: Held
) -> None:
    children: list[int] = []
    forked = threading.Event()

    def fork(*_: object) -> None:
        children.append(os.fork())
        forked.set()
        # In both processes it returns into the call.

    def interrupt() -> None:
        held.asked.acquire()
        os.kill(os.getpid(), signal.SIGUSR1)
        forked.wait()
        held.answers.set()

    before = signal.signal(signal.SIGUSR1, fork)
    try:
        with Transmitter(ISSUER, key) as transmitter:
            threading.Thread(target=interrupt, daemon=True).start()
            try:
                if call == "emit":
                    status = transmitter.emit(EVENT, ADA, held.receiver).status
                else:
                    [emitted] = transmitter.emit_all([Emission(EVENT, ADA, held.receiver)])
                    assert emitted.receipt is not None
                    status = emitted.receipt.status
            except RuntimeError as error:
                os._exit(0 if "forked during this call" in str(error) and children == [0] else 1)
            if children == [0]:
                os._exit(2)
            assert status == 202
    finally:
        signal.signal(signal.SIGUSR1, before)
    [child] = children
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert held.connections == 1


def test_a_call_goes_on_in_the_parent_alone_when_its_signer_forks(held: Held) -> None:
    held.answers.set()
    children: list[int] = []

    def sign(_: bytes) -> bytes:
        children.append(os.fork())
        # The receiver looks at no signature.
        return bytes(64)

    with Transmitter(ISSUER, Signer(sign, algorithm="ES256")) as transmitter:
        try:
            status = transmitter.emit(EVENT, ADA, held.receiver).status
        except RuntimeError as error:
            os._exit(0 if "forked during this call" in str(error) and children == [0] else 1)
        if children == [0]:
            os._exit(2)
        assert status == 202
    [child] = children
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_of_a_running_event_loop_neither_stops_nor_finishes_its_work(key: SigningKey, held: Held) -> None:
    transmitter = AsyncTransmitter(ISSUER, key)

    async def main() -> int:
        task = asyncio.ensure_future(transmitter.emit(EVENT, ADA, held.receiver))
        await asyncio.get_running_loop().run_in_executor(None, held.asked.acquire)

        def work() -> None:
            nonlocal task
            task.cancel()
            del task
            gc.collect()
            # It does not run in the child, which has a loop of its own.
            asyncio._set_running_loop(None)
            held.answers.set()
            assert Transmitter(ISSUER, key).prepare(EVENT, ADA, held.receiver).sign(key).jti

        in_child(work)
        held.answers.set()
        receipt = await task
        return receipt.status

    assert asyncio.run(main()) == 202


def test_a_child_that_ends_leaves_the_connections_of_its_parent_open(key: SigningKey, held: Held) -> None:
    held.answers.set()
    transmitter: Transmitter | None = Transmitter(ISSUER, key)
    assert transmitter is not None
    transmitter.emit(EVENT, ADA, held.receiver)

    def work() -> None:
        nonlocal transmitter
        transmitter = None
        gc.collect()

    in_child(work)
    transmitter.emit(EVENT, ADA, held.receiver)
    assert held.connections == 1


def sent_from(url: str, pem: str) -> tuple[int, int]:
    receipt = Transmitter(ISSUER, SigningKey.from_pem(pem)).emit(
        EVENT, ADA, Receiver(url, AUDIENCE, allow_loopback=True)
    )
    return os.getpid(), receipt.status


def test_children_of_a_fork_server_send(key: SigningKey, held: Held) -> None:
    held.answers.set()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ssf_transmitter", "ssf_transmitter.testing"])
    with context.Pool(2) as pool:
        arguments: list[Any] = [(held.url, key.export_private_pem())] * 8
        results = pool.starmap(sent_from, arguments)
    assert {status for _, status in results} == {202}
    assert os.getpid() not in {process for process, _ in results}
