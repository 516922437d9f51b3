"""Forks, threads, Ctrl-C, and what a process leaves behind."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from conftest import ISSUER, QUICK, Held, in_child
from ssf_transmitter import AsyncTransmitter, Email, Emission, Receiver, SigningKey, SsfError, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def test_a_transmitter_works_on_in_a_child(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    receiver = emulator.receiver()
    transmitter.emit(EVENT, ADA, receiver, jti="parent-1")

    def work() -> None:
        transmitter.emit(EVENT, ADA, receiver, jti="child")
        assert [result.index for result in transmitter.emit_all([Emission(EVENT, ADA, receiver, jti="many")])] == [0]
        assert transmitter.counters.delivered == 2
        with pytest.raises(RuntimeError, match="another process"):
            emulator.received  # noqa: B018
        in_child(lambda: transmitter.emit(EVENT, ADA, receiver, jti="grandchild") and None)

    in_child(work)
    transmitter.emit(EVENT, ADA, receiver, jti="parent-2")
    assert set(emulator.accepted) == {"parent-1", "child", "many", "grandchild", "parent-2"}


def test_a_child_can_be_forked_while_other_threads_send(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    receiver = emulator.receiver()
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            transmitter.emit(EVENT, ADA, receiver)

    threads = [threading.Thread(target=send, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            in_child(lambda number=number: transmitter.emit(EVENT, ADA, receiver, jti=f"child-{number}") and None)  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {f"child-{number}" for number in range(5)} <= set(emulator.accepted)


def test_asyncio_works_in_a_child(async_transmitter: AsyncTransmitter, emulator: ReceiverEmulator) -> None:
    import asyncio

    receiver = emulator.receiver()

    async def send(jti: str) -> None:
        await async_transmitter.emit(EVENT, ADA, receiver, jti=jti)

    asyncio.run(send("parent"))
    in_child(lambda: asyncio.run(send("child")))
    assert set(emulator.accepted) == {"parent", "child"}


def test_providers_of_okta_can_be_managed_in_a_child(ssf_receiver: Any) -> None:
    import asyncio

    from ssf_transmitter.okta import AsyncOktaProviders, OktaProviders

    key = SigningKey.generate("P-256")
    org = ssf_receiver(issuer=ISSUER, keys=key, like="okta", api_token="00t0ken")
    settings: dict[str, Any] = {"ssws": "00t0ken", "allow_loopback": True}
    providers, others = OktaProviders(org.base_url, **settings), AsyncOktaProviders(org.base_url, **settings)

    async def listed() -> int:
        return len(await others.list())

    def work() -> None:
        assert len(providers.list()) == before
        assert asyncio.run(listed()) == before

    before = len(providers.list())
    assert asyncio.run(listed()) == before
    in_child(work)
    work()


def test_a_token_is_fetched_anew_in_a_child(ssf_receiver: Any) -> None:
    from ssf_transmitter.events import risc

    key = SigningKey.generate()
    emulator = ssf_receiver(issuer=ISSUER, keys=key, like="govuk-one-login")
    receiver = emulator.receiver()
    subject = {"format": "uri", "uri": "urn:fdc:gov.uk:2022:1"}
    with Transmitter(ISSUER, key) as transmitter:
        transmitter.emit(risc.AccountPurged(), subject, receiver)
        in_child(lambda: transmitter.emit(risc.AccountPurged(), subject, receiver) and None)
    assert emulator.token_url is not None
    token_path = emulator.token_url.removeprefix(emulator.base_url)
    assert [request.path for request in emulator.requests].count(token_path) == 2


PRELOADED: dict[str, Any] = {}


def in_pool(jti: str) -> str:
    receipt = PRELOADED["transmitter"].emit(EVENT, ADA, PRELOADED["receiver"], jti=jti)
    return str(receipt.jti)


def test_a_pool_of_processes_inherits_it(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    # As gunicorn does with --preload, and Celery with its workers.
    PRELOADED.update(transmitter=transmitter, receiver=emulator.receiver())
    transmitter.emit(EVENT, ADA, emulator.receiver(), jti="parent")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert sorted(pool.map(in_pool, [f"worker-{number}" for number in range(8)])) == [
            f"worker-{number}" for number in range(8)
        ]
    assert len(emulator.accepted) == 9


def failing_in_pool(_: int) -> None:
    PRELOADED["transmitter"].emit(EVENT, Email("nobody"), PRELOADED["receiver"])


def test_an_error_comes_out_of_a_pool_of_processes(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    PRELOADED.update(transmitter=transmitter, receiver=emulator.receiver())
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool, pytest.raises(SsfError) as raised:
        pool.submit(failing_in_pool, 1).result()
    assert (raised.value.code, raised.value.pointer) == ("subject_member_value", "/sub_id/email")


def test_many_threads_share_a_transmitter(transmitter: Transmitter, emulator: ReceiverEmulator) -> None:
    receiver = emulator.receiver()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: transmitter.emit(EVENT, ADA, receiver), range(200)))
    assert {receipt.jti for receipt in receipts} == set(emulator.accepted)
    assert transmitter.counters.delivered == 200


def test_other_threads_run_while_one_waits(key: SigningKey, held: Held) -> None:
    with Transmitter(ISSUER, key) as transmitter, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(transmitter.emit, EVENT, ADA, held.receiver)
        # This thread lets the answer out, and runs while the other waits for it.
        held.asked.acquire()
        held.answers.set()
        assert sent.result().status == 202


CTRL_C = """
import signal, sys, time
from ssf_transmitter import Email, Emission, Receiver, SigningKey, Transmitter
from ssf_transmitter.events import caep

# A shell has jobs in the background ignore it, and a program inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
transmitter = Transmitter("https://edr.example.com", SigningKey.generate("P-256"))
receiver = Receiver(sys.argv[2], "https://receiver.example.com", allow_loopback=True)
arguments = (caep.SessionRevoked(), Email("ada@example.com"), receiver)
try:
    if sys.argv[1] == "emit":
        transmitter.emit(*arguments)
    else:
        list(transmitter.emit_all([Emission(*arguments)]))
except KeyboardInterrupt:
    while transmitter.counters.in_flight:
        time.sleep(0.001)
    print("interrupted", transmitter.counters.failures, flush=True)
"""


@pytest.mark.parametrize("call", ["emit", "emit_all"])
def test_ctrl_c_ends_a_call_and_its_work(call: str, held: Held) -> None:
    with subprocess.Popen([sys.executable, "-c", CTRL_C, call, held.url], stdout=subprocess.PIPE, text=True) as program:
        held.asked.acquire()
        program.send_signal(signal.SIGINT)
        # It would end by its deadline, too, but with another error.
        assert program.communicate(timeout=600)[0] == "interrupted {'abandoned': 1}\n"
    assert program.returncode == 0


AT_THE_END = """
import asyncio, threading
from ssf_transmitter import AsyncTransmitter, Email, SigningKey, Transmitter, enable_logging
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator

enable_logging()
issuer, key = "https://edr.example.com", SigningKey.generate("P-256")
emulator = ReceiverEmulator(issuer=issuer, keys=key, script=[{"from": 2, "fault": {"slow_headers": {"ms": 200}}}])
transmitter = Transmitter(issuer, key)
arguments = (caep.SessionRevoked(), Email("ada@example.com"), emulator.receiver())
transmitter.emit(*arguments)
threading.Thread(target=transmitter.emit, args=arguments, daemon=True).start()
loop = asyncio.new_event_loop()
task = loop.create_task(AsyncTransmitter(issuer, key).emit(*arguments))
loop.run_until_complete(asyncio.sleep(0.05))
print("ends", flush=True)
"""


@pytest.mark.parametrize("run", range(5))
def test_a_program_ends_with_work_under_way(run: int) -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (0, "ends\n"), done.stderr
    assert "Fatal" not in done.stderr
    assert "panic" not in done.stderr


def test_nothing_is_started_by_an_import() -> None:
    # Without threads of ours a fork before the first use is as cheap as any.
    program = (
        "import ssf_transmitter, os; print(len(os.listdir('/proc/self/task')), 'asyncio' in __import__('sys').modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"


def test_what_a_wheel_needs_of_the_machine_is_no_openssl() -> None:
    import ssf_transmitter._native as native

    libraries = subprocess.run(["ldd", native.__file__], capture_output=True, text=True, check=True).stdout
    assert "libc.so" in libraries
    assert "ssl" not in libraries
    assert "crypto" not in libraries


def test_receivers_of_a_name_that_nobody_has_fail_without_a_network(key: SigningKey) -> None:
    with Transmitter(ISSUER, key, retry=QUICK, deadline=5) as transmitter, pytest.raises(SsfError) as raised:
        transmitter.emit(EVENT, ADA, Receiver("https://receiver.invalid/events", "x"))
    assert raised.value.code in ("dns_failed", "name_unresolved", "host_unresolved") or raised.value.retryable
