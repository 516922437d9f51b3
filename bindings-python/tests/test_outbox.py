"""The outbox: events are accepted, and workers send them, in threads, processes and event loops."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from conftest import AUDIENCE, ISSUER, in_child, working
from ssf_transmitter import (
    AsyncTransmitter,
    ConfigError,
    Email,
    OutboxError,
    Receiver,
    SigningKey,
    Transmitter,
    ValidationError,
)
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import (
    AsyncOutbox,
    AsyncWorker,
    Drained,
    Enqueued,
    Entry,
    Failure,
    Health,
    Outbox,
    Seal,
    Worker,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")
KEY = SigningKey.generate("P-256")
#: Only a hang takes so long.
GUARD = 600


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    """An outbox on the disk, which is closed at the end: a fork must not inherit it."""
    with Outbox(path) as outbox:
        yield outbox


def start(ssf_receiver: Callable[..., ReceiverEmulator], *faults: dict[str, object]) -> ReceiverEmulator:
    """A receiver whose first answers are these, and which accepts what comes after them."""
    rules = [{"nth": nth, "fault": fault} for nth, fault in enumerate(faults, 1)]
    return ssf_receiver(issuer=ISSUER, keys=KEY, script=rules or None)


def status(status: int, **members: object) -> dict[str, object]:
    return {"status": {"status": status, **members}}


def test_an_event_is_delivered_as_it_was_accepted(path: Path, ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    acme, globex = start(ssf_receiver), start(ssf_receiver)
    with Outbox(path) as outbox:
        enqueued = outbox.enqueue(EVENT, ADA, to=["acme", "globex"], txn="incident-4711")
    # Another process would open it like this.
    with Outbox(path) as outbox:
        receivers = {"acme": acme.receiver(), "globex": globex.receiver()}
        assert Worker(outbox, Transmitter(ISSUER, KEY), receivers).drain() == Drained(2, 0)
        counts = outbox.counts()
        assert (counts.enqueued, counts.delivered, counts.waiting) == (2, 2, 0)
        for emulator, jti in ((acme, enqueued.jtis[0]), (globex, enqueued.jtis[1])):
            (claims,) = emulator.received
            history = outbox.history(jti)
            assert history is not None
            assert (claims["jti"], claims["txn"]) == (jti, "incident-4711")
            assert claims["iat"] == int(history.delivery.enqueued_at.timestamp())
            assert history.delivery.state == "delivered"
            (attempt,) = history.attempts
            assert (attempt.status, attempt.failure, attempt.kid) == (202, None, KEY.kid)
            assert attempt.duration > timedelta(0)
        assert outbox.history("unknown") is None


def test_an_event_that_is_rejected_is_dead_and_can_be_replayed(ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    emulator = start(ssf_receiver, status(400, err="invalid_request", description="reason_admin is missing"))
    outbox = Outbox.in_memory()
    (jti,) = outbox.enqueue(EVENT, ADA, to="acme").jtis
    worker = Worker(outbox, Transmitter(ISSUER, KEY), {"acme": emulator.receiver()})
    assert worker.drain() == Drained(0, 1)
    assert worker.health.failed == 1
    (dead,) = outbox.list(state="dead")
    assert (dead.jti, dead.receiver, dead.event, dead.attempts) == (jti, "acme", "caep.session-revoked", 1)
    assert dead.ended_at is not None
    failure = dead.failure
    assert failure is not None
    assert (failure.code, failure.status, failure.receiver_error) == ("receiver_rejected", 400, "invalid_request")
    assert failure.receiver_description == "reason_admin is missing"
    assert failure.remedy

    assert outbox.replay(code="receiver_rejected", dry_run=True) == 1
    assert outbox.replay(receiver="globex") == 0
    assert outbox.replay(jti=jti) == 1
    assert Worker(outbox, Transmitter(ISSUER, KEY), {"acme": emulator.receiver()}).drain() == Drained(1, 0)
    assert outbox.replay(state="delivered", fresh_jti=True) == 1
    assert outbox.discard(subject=ADA, dry_run=True) == 1
    assert outbox.discard(subject=Email("bob@example.com")) == 0
    assert outbox.discard(subject=ADA) == 1
    (removed,) = outbox.list(state="discarded")
    assert (removed.discard, removed.superseded_by) == ("removed", None)
    assert outbox.prune(delivered=0, discarded=0) == 2


def test_a_receiver_that_rejects_the_sender_is_paused_with_one_alert(
    ssf_receiver: Callable[..., ReceiverEmulator],
) -> None:
    broken = ssf_receiver(issuer=ISSUER, keys=KEY, script=[{"fault": status(403)}])
    repaired = start(ssf_receiver)
    outbox = Outbox.in_memory()
    for _ in range(3):
        outbox.enqueue(EVENT, ADA, to="acme")
    alerts: list[tuple[str, str | None]] = []

    def on_alert(receiver: str, failure: Failure | None) -> None:
        alerts.append((receiver, failure and failure.code))

    def work(emulator: ReceiverEmulator) -> Drained:
        receivers = {"acme": emulator.receiver()}
        return Worker(outbox, Transmitter(ISSUER, KEY), receivers, on_alert=on_alert).drain()

    assert work(broken) == Drained(0, 3)
    assert alerts == [("acme", "receiver_unauthorized")]
    (acme,) = outbox.receivers()
    assert (acme.name, acme.status, acme.waiting, acme.dead) == ("acme", "paused", 3, 0)
    assert acme.resume_at is not None
    assert acme.failure is not None
    outbox.release("acme")
    assert work(repaired) == Drained(3, 0)

    outbox.hold("acme")
    outbox.enqueue(EVENT, ADA, to="acme")
    assert work(repaired) == Drained(0, 0)
    assert outbox.receivers()[0].status == "held"
    assert outbox.receivers(after="acme") == []


def test_options_of_an_entry(outbox: Outbox) -> None:
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    first = outbox.enqueue(EVENT, ADA, to="acme", idempotency_key="1", jti="mine")
    assert outbox.enqueue(EVENT, ADA, to="acme", idempotency_key="1", jti="mine") == Enqueued(first.jtis, True)
    with pytest.raises(OutboxError) as caught:
        outbox.enqueue(EVENT, Email("bob@example.com"), to="acme", idempotency_key="1")
    assert caught.value.code == "outbox_conflict"

    entries = [
        Entry(EVENT, ADA, to="acme", supersedes="risk", priority="low"),
        Entry(EVENT, ADA, to="acme", supersedes="risk", priority="high", not_before=soon, max_age=timedelta(days=2)),
        Entry(EVENT, ADA, to="acme", ordered=True, toe=soon),
    ]
    older, newer, _ = outbox.enqueue_many(entries)
    (superseded,) = outbox.list(state="discarded")
    assert (superseded.jti, superseded.discard) == (older.jtis[0], "superseded")
    assert superseded.superseded_by == newer.jtis[0]
    (waiting,) = outbox.list(jti=newer.jtis)
    assert waiting.priority == "high"
    assert waiting.due_at is not None
    assert abs(waiting.due_at - soon) < timedelta(milliseconds=1)
    assert waiting.expires_at - waiting.due_at == timedelta(days=2)
    page = outbox.list(limit=1)
    assert [*page, *outbox.list(after=page[0])] == outbox.list()


def test_what_is_wrong_with_an_entry_is_said_and_nothing_is_stored() -> None:
    outbox = Outbox.in_memory()
    good = Entry(EVENT, ADA, to="acme")
    with pytest.raises(ValidationError) as caught:
        outbox.enqueue_many([good, Entry(EVENT, {"format": "email", "email": "nobody"}, to="acme")])
    assert caught.value.pointer == "/1/sub_id/email"
    for options in ({"to": []}, {"to": ["a", "a"]}, {"to": "acme", "max_age": timedelta(days=15)}):
        with pytest.raises(OutboxError) as refused:
            outbox.enqueue(EVENT, ADA, **options)  # type: ignore[arg-type]
        assert refused.value.code == "outbox_entry_invalid"
    with pytest.raises(ConfigError):
        Entry(EVENT, ADA, to="acme", priority="urgent")  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        outbox.list(state="lost")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="did you mean 'idempotency_key'"):
        outbox.enqueue(EVENT, ADA, to="acme", idempotencykey="1")  # type: ignore[call-arg]
    assert outbox.counts().enqueued == 0


def test_a_full_outbox_in_memory_refuses_or_waits(ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    full = Outbox.in_memory(capacity=1)
    full.enqueue(EVENT, ADA, to="acme")
    with pytest.raises(OutboxError) as caught:
        full.enqueue(EVENT, ADA, to="acme")
    assert caught.value.code == "outbox_full"

    waiting = Outbox.in_memory(capacity=1, wait_when_full=True)
    waiting.enqueue(EVENT, ADA, to="acme")
    second = threading.Thread(target=waiting.enqueue, daemon=True, args=(EVENT, ADA), kwargs={"to": "acme"})
    second.start()
    receivers = {"acme": start(ssf_receiver).receiver()}
    with working(Worker(waiting, Transmitter(ISSUER, KEY), receivers)) as until:
        until(lambda: waiting.counts().delivered == 2)
    second.join(GUARD)
    assert not second.is_alive()


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "outbox.db", tmp_path):
        with pytest.raises(OutboxError) as caught:
            Outbox(path).counts()
        assert caught.value.code == "outbox_place_invalid"


def test_a_sealed_outbox_shows_nothing(path: Path, ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    index, old, new = (bytes([number]) * 32 for number in (1, 2, 3))
    with Outbox(path, seal=Seal(index_key=index, keys={"2026-10": old})) as outbox:
        outbox.enqueue(EVENT, ADA, to="acme", txn="incident-4711")
    files = b"".join(file.read_bytes() for file in path.parent.glob("outbox.db*"))
    assert b"ada@example.com" not in files
    assert b"incident-4711" not in files
    emulator = start(ssf_receiver)
    with Outbox(path, seal=Seal(index_key=index, keys={"2026-11": new, "2026-10": old})) as outbox:
        assert len(outbox.list(subject=ADA)) == 1
        assert Worker(outbox, Transmitter(ISSUER, KEY), {"acme": emulator.receiver()}).drain() == Drained(1, 0)
    assert emulator.received[0]["sub_id"]["email"] == "ada@example.com"
    with pytest.raises(ConfigError):
        Seal(index_key=b"short", keys={"1": old})


def test_a_worker_runs_in_a_thread_until_it_is_stopped(
    outbox: Outbox, ssf_receiver: Callable[..., ReceiverEmulator]
) -> None:
    emulator, asked = start(ssf_receiver), []

    def find(name: str) -> Receiver | None:
        asked.append(name)
        return emulator.receiver()

    worker = Worker(outbox, Transmitter(ISSUER, KEY), find)
    assert worker.health == Health()
    with working(worker) as until:
        for _ in range(5):
            outbox.enqueue(EVENT, ADA, to="acme")
        until(lambda: outbox.counts().delivered == 5)
        assert asked == ["acme"]
    assert worker.health == Health(delivered=5)


def test_a_function_that_raises_pauses_the_receiver(caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox.in_memory()
    outbox.enqueue(EVENT, ADA, to="acme")

    def find(_: str) -> None:
        raise LookupError("the database is away")

    Worker(outbox, Transmitter(ISSUER, KEY), find).drain()
    (acme,) = outbox.receivers()
    assert acme.failure is not None
    assert (acme.status, acme.failure.code) == ("paused", "receiver_unknown")
    assert "the database is away" in caplog.text


def test_a_closed_transmitter_ends_the_worker_and_keeps_what_waits() -> None:
    outbox = Outbox.in_memory()
    outbox.enqueue(EVENT, ADA, to="acme")
    transmitter = Transmitter(ISSUER, KEY)
    transmitter.close()
    receiver = Receiver("https://receiver.example.net/events", AUDIENCE)
    with pytest.raises(ConfigError) as caught:
        Worker(outbox, transmitter, {"acme": receiver}).run()
    assert caught.value.code == "transmitter_closed"
    assert outbox.counts().waiting == 1


def test_wrong_arguments_are_named() -> None:
    outbox, transmitter = Outbox.in_memory(), Transmitter(ISSUER, KEY)
    with pytest.raises(TypeError, match="receivers: expected Mapping"):
        Worker(outbox, transmitter, [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="on_alert: expected Callable"):
        Worker(outbox, transmitter, {}, on_alert=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="did you mean 'concurrency'"):
        Worker(outbox, transmitter, {}, concurency=1)  # type: ignore[call-arg]
    with pytest.raises(ConfigError):
        Worker(outbox, transmitter, {}, concurrency=0).run()


def test_workers_of_a_server_that_forks_share_a_file(
    outbox: Outbox, ssf_receiver: Callable[..., ReceiverEmulator]
) -> None:
    emulator = start(ssf_receiver)

    def child() -> None:
        for _ in range(3):
            outbox.enqueue(EVENT, ADA, to="acme")

    for _ in range(3):
        in_child(child)
    worker = Worker(outbox, Transmitter(ISSUER, KEY), {"acme": emulator.receiver()})
    assert worker.drain() == Drained(9, 0)


def test_a_child_leaves_the_open_file_of_its_parent_alone(
    outbox: Outbox, ssf_receiver: Callable[..., ReceiverEmulator]
) -> None:
    emulator = start(ssf_receiver)
    outbox.enqueue(EVENT, ADA, to="acme")
    worker = Worker(outbox, Transmitter(ISSUER, KEY), {"acme": emulator.receiver()})

    def child() -> None:
        with pytest.raises(OutboxError) as caught:
            outbox.enqueue(EVENT, ADA, to="acme")
        assert caught.value.code == "outbox_unavailable"
        outbox.close()

    with working(worker) as until:
        for _ in range(5):
            in_child(child)
            outbox.enqueue(EVENT, ADA, to="acme")
        until(lambda: outbox.counts().delivered == 6)
    assert len(emulator.received) == 6


ENQUEUE = """
import sys
from ssf_transmitter import Email
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox

outbox = Outbox(sys.argv[1])
while True:
    print(outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme").jtis[0], flush=True)
"""


def test_what_a_killed_process_was_told_is_there(path: Path) -> None:
    command = [sys.executable, "-c", ENQUEUE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
        told += process.stdout.read().split("\n")[:-1]
    with Outbox(path) as outbox:
        kept = {delivery.jti for delivery in outbox.list(limit=100_000)}
    assert {jti for jti in told if jti} <= kept


async def _work_async(path: Path, emulator: ReceiverEmulator) -> None:
    async with AsyncOutbox(path) as outbox:
        enqueued = await outbox.enqueue(EVENT, ADA, to="acme", txn="incident-4711")
        many = await outbox.enqueue_many([Entry(EVENT, ADA, to="acme") for _ in range(10)])
        assert len(many) == 10

        async def find(name: str) -> Receiver | None:
            await asyncio.sleep(0)
            return emulator.receiver() if name == "acme" else None

        alerts = []

        async def on_alert(receiver: str, _: Failure | None) -> None:
            await asyncio.sleep(0)
            alerts.append(receiver)

        worker = AsyncWorker(outbox, AsyncTransmitter(ISSUER, KEY), find, on_alert=on_alert)
        running = asyncio.ensure_future(worker.run())
        while (await outbox.counts()).delivered < 11:
            await asyncio.sleep(0.01)
        await outbox.enqueue(EVENT, ADA, to="globex")
        while not alerts:
            await asyncio.sleep(0.01)
        assert alerts == ["globex"]
        worker.stop()
        await asyncio.wait_for(running, GUARD)
        assert worker.health.delivered == 11

        history = await outbox.history(enqueued.jtis[0])
        assert history is not None
        assert history.attempts[0].status == 202
        assert [receiver.name for receiver in await outbox.receivers()] == ["acme", "globex"]
        assert await outbox.replay(state="delivered", jti=enqueued.jtis, dry_run=True) == 1
        await outbox.hold("globex")
        await outbox.release("globex")
        assert await outbox.discard(receiver="globex") == 1
        assert await outbox.prune(discarded=0) == 1
        assert len(await outbox.list(state=["delivered", "dead"])) == 11


def test_asyncio(path: Path, ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    asyncio.run(_work_async(path, start(ssf_receiver)))


def test_a_cancelled_worker_ends_gracefully(ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    receiver = start(ssf_receiver, {"slow_headers": {"ms": 200}}).receiver()

    async def main() -> int:
        outbox = AsyncOutbox.in_memory()
        await outbox.enqueue(EVENT, ADA, to="acme")
        worker = AsyncWorker(outbox, AsyncTransmitter(ISSUER, KEY), {"acme": receiver})
        running = asyncio.ensure_future(worker.run())
        while worker.health.in_flight == 0:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return (await outbox.counts()).delivered

    assert asyncio.run(main()) == 1


def test_entries_of_a_table_are_accepted_once(path: Path) -> None:
    texts = [Entry(EVENT, Email(f"{name}@example.com"), to=["acme", "globex"]).to_json() for name in ("ada", "bob")]
    with Outbox(path) as outbox:
        first = outbox.enqueue_json(texts)
        # The relay crashed before it deleted the rows.
        again = outbox.enqueue_json(iter(texts))
        assert [one.jtis for one in again] == [one.jtis for one in first]
        assert [one.repeated for one in first + again] == [False, False, True, True]
        with pytest.raises(OutboxError) as caught:
            outbox.enqueue_json([texts[0], "{}"])
        assert (caught.value.code, caught.value.pointer) == ("outbox_entry_invalid", "/1")
        assert outbox.counts().enqueued == 4


async def test_entries_of_a_table_are_accepted_by_asyncio(path: Path) -> None:
    async with AsyncOutbox(path) as outbox:
        assert len(await outbox.enqueue_json([Entry(EVENT, ADA, to="acme").to_json()])) == 1


async def test_the_health_is_told(path: Path) -> None:
    with Outbox(path) as outbox:
        assert outbox.health().oldest_waiting is None
        outbox.enqueue(EVENT, ADA, to="acme")
        health = outbox.health()
        assert health.oldest_waiting is not None
        assert datetime.now(timezone.utc) - health.oldest_waiting < timedelta(seconds=GUARD)
        assert (health.delivered_in_last_minute, health.paused) == (0, 0)
        assert health.file_bytes
        assert health.log_bytes is not None
    async with AsyncOutbox.in_memory() as memory:
        assert (await memory.health()).file_bytes is None


FULL = """
import signal, threading
from ssf_transmitter import Email
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox

signal.signal(signal.SIGINT, signal.default_int_handler)
outbox = Outbox.in_memory(capacity=1, wait_when_full=True)
outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme")
threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
try:
    outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme")
except KeyboardInterrupt:
    print("interrupted", outbox.counts().enqueued)
"""


def test_ctrl_c_ends_the_wait_for_room() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, timeout=GUARD, check=True)
    assert done.stdout == "interrupted 1\n"


def open_and_close(path: Path) -> None:
    """What another copy of SQLite does in this process."""
    copy = sqlite3.connect(path)
    # Nobody promises what it reads.
    with suppress(sqlite3.Error):
        copy.execute("SELECT count(*) FROM deliveries").fetchone()
    copy.close()


def test_another_copy_of_sqlite_that_reads_the_file_loses_nothing(path: Path) -> None:
    accepted = 1
    with Outbox(path) as outbox:
        outbox.enqueue(EVENT, ADA, to="acme")
        if sys.platform == "linux":
            # Only Linux has locks that the other copy does not drop.
            done = threading.Event()
            reader = threading.Thread(
                target=lambda: [open_and_close(path) for _ in iter(done.is_set, True)], daemon=True
            )
            reader.start()
            try:
                for _ in range(100):
                    accepted += len(outbox.enqueue_many([Entry(EVENT, ADA, to="acme")] * 5))
            finally:
                done.set()
                reader.join()
        else:
            open_and_close(path)
            with pytest.raises(OutboxError) as caught:
                outbox.enqueue(EVENT, ADA, to="acme")
            assert caught.value.code == "outbox_replaced"
    count = "import sqlite3, sys; copy = sqlite3.connect(sys.argv[1])\n"
    count += "for q in 'PRAGMA integrity_check', 'SELECT count(*) FROM deliveries': print(*copy.execute(q).fetchone())"
    told = subprocess.run(
        [sys.executable, "-c", count, path], capture_output=True, text=True, timeout=GUARD, check=True
    )
    assert told.stdout.split() == ["ok", str(accepted)]


async def test_a_file_is_checked_backed_up_and_salvaged(path: Path, tmp_path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.enqueue(EVENT, ADA, to="acme")
        assert outbox.check() == ()
        outbox.backup(tmp_path / "copy.db")
        with pytest.raises(OutboxError) as caught:
            outbox.backup(tmp_path / "copy.db")
        assert caught.value.code == "outbox_place_invalid"
        with pytest.raises(OutboxError):
            Outbox.salvage(path)
    async with AsyncOutbox(tmp_path / "copy.db") as copy:
        assert (await copy.counts()).waiting == 1
        assert await copy.check() == ()
        await copy.backup(tmp_path / "second.db")
    saved = Outbox.salvage(path)
    assert (saved.kept, saved.lost, saved.moved_to.exists()) == (1, 0, True)
    with Outbox.in_memory() as memory:
        assert memory.check() == ()
        with pytest.raises(ConfigError, match="in memory"):
            memory.backup(tmp_path / "none.db")
