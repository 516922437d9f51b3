"""The outbox in a PostgreSQL database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from conftest import ISSUER, in_child, working
from ssf_transmitter import AsyncTransmitter, Config, ConfigError, Email, OutboxError, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox, AsyncWorker, Drained, Entry, Outbox, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked()
ADA = Email("ada@example.com")
KEY = SigningKey.generate("P-256")
SCHEMAS = count()


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def schema() -> str:
    return f"python_{os.getpid()}_{next(SCHEMAS)}"


@pytest.fixture
def accepts(ssf_receiver: Callable[..., ReceiverEmulator]) -> ReceiverEmulator:
    return ssf_receiver(issuer=ISSUER, keys=KEY)


def test_one_process_accepts_and_another_one_sends(url: str, schema: str, accepts: ReceiverEmulator) -> None:
    with Outbox(url, schema=schema, migrate=True) as outbox:
        (jti,) = outbox.enqueue(EVENT, ADA, to="acme", idempotency_key="one").jtis
        assert outbox.enqueue(EVENT, ADA, to="acme", idempotency_key="one").repeated
        outbox.enqueue_many([Entry(EVENT, ADA, to=["acme", "globex"])])
        outbox.hold("globex")
        assert outbox.health().oldest_waiting is not None
    with Outbox(url, schema=schema, connections=2) as outbox:
        worker = Worker(outbox, Transmitter(ISSUER, KEY), {"acme": accepts.receiver()})
        assert worker.drain() == Drained(2, 0)
        counts = outbox.counts()
        assert (counts.enqueued, counts.delivered, counts.waiting) == (3, 2, 1)
        history = outbox.history(jti)
        assert history is not None
        assert [attempt.status for attempt in history.attempts] == [202]
        assert {claims["jti"] for claims in accepts.received} >= {jti}
        assert [receiver.status for receiver in outbox.receivers()] == ["active", "held"]
        outbox.release("globex")
        assert outbox.discard(receiver="globex") == 1
        assert outbox.prune(delivered=0, discarded=0) == 3


def test_the_database_of_a_file_of_settings(url: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSF_TEST_DATABASE", url)
    config = Config.from_toml(f"[outbox]\ndatabase = 'env:SSF_TEST_DATABASE'\nschema = '{schema}'")
    with Outbox.from_config(config, migrate=True, connections=2) as outbox:
        (jti,) = outbox.enqueue(EVENT, ADA, to="acme").jtis
    with Outbox(url, schema=schema) as other:
        assert [delivery.jti for delivery in other.list()] == [jti]


def test_a_worker_hears_of_what_another_outbox_accepts(url: str, schema: str, accepts: ReceiverEmulator) -> None:
    with Outbox(url, schema=schema, migrate=True) as theirs, Outbox(url, schema=schema) as ours:
        worker = Worker(theirs, Transmitter(ISSUER, KEY), {"acme": accepts.receiver()}, poll=3600)
        assert theirs.counts().enqueued == 0
        with working(worker) as until:
            for number in range(1, 4):
                ours.enqueue(EVENT, ADA, to="acme")
                # Only a hint comes before the next look.
                until(lambda delivered=number: ours.counts().delivered == delivered)


def test_asyncio(url: str, schema: str, accepts: ReceiverEmulator) -> None:
    async def main() -> None:
        async with AsyncOutbox(url, schema=schema, migrate=True) as outbox:
            await asyncio.gather(*(outbox.enqueue(EVENT, ADA, to="acme") for _ in range(20)))
            worker = AsyncWorker(outbox, AsyncTransmitter(ISSUER, KEY), {"acme": accepts.receiver()})
            assert await worker.drain() == Drained(20, 0)
            assert (await outbox.counts()).delivered == 20
            with pytest.raises(ConfigError, match="back up the database"):
                await outbox.backup("backup.db")

    asyncio.run(main())


def test_a_child_makes_connections_of_its_own(url: str, schema: str) -> None:
    with Outbox(url, schema=schema, migrate=True) as outbox:
        outbox.enqueue(EVENT, ADA, to="acme")

        def child() -> None:
            outbox.enqueue(EVENT, ADA, to="acme")
            assert outbox.counts().waiting == 2

        in_child(child)
        assert outbox.counts().waiting == 2
        outbox.enqueue(EVENT, ADA, to="acme")
        assert outbox.counts().waiting == 3


def test_tables_are_created_only_when_asked_for(url: str, schema: str) -> None:
    outbox = Outbox(url, schema=schema)
    with pytest.raises(OutboxError, match="migrate") as missing:
        outbox.counts()
    assert missing.value.code == "outbox_unavailable"
    assert Outbox(url, schema=schema, migrate=True).counts().enqueued == 0
    assert outbox.counts().enqueued == 0


def test_what_needs_a_file_or_a_database_says_so(url: str, schema: str) -> None:
    outbox = Outbox(url, schema=schema, migrate=True)
    for call in (outbox.check, lambda: outbox.backup("backup.db"), lambda: Outbox.salvage(url)):
        with pytest.raises(ConfigError, match="has no file"):
            call()
    with pytest.raises(ConfigError, match="are for an outbox in a database"):
        Outbox("outbox.db", schema=schema)
    for wrong in ("postgresql+psycopg://db/app", "sqlite:///outbox.db", "mysql://db/app"):
        with pytest.raises(ConfigError, match="begins with `postgresql://`"):
            Outbox(wrong)
    with pytest.raises(ConfigError, match="lower-case"):
        Outbox(url, schema="Upper")


def test_secrets_are_never_shown() -> None:
    url = "postgresql://ada:hunter2@127.0.0.1:1/app"
    outbox = Outbox(url, password="hunter2")
    assert repr(outbox) == "<Outbox postgresql, schema ssf_outbox>"
    with pytest.raises(OutboxError) as refused:
        outbox.counts()
    assert refused.value.code == "outbox_unavailable"
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigError) as invalid:
        Outbox("postgresql://ada:hunter2@127.0.0.1/app?sslmode=prefer")
    assert "hunter2" not in str(invalid.value)


def test_workers_are_told_of_a_transaction(url: str, schema: str, accepts: ReceiverEmulator) -> None:
    with Outbox(url, schema=schema, migrate=True) as theirs, Outbox(url, schema=schema) as ours:
        worker = Worker(theirs, Transmitter(ISSUER, KEY), {"acme": accepts.receiver()}, poll=3600)
        assert theirs.counts().enqueued == 0
        with working(worker) as until:
            # The worker has looked, and will not look again by itself.
            ours.enqueue(EVENT, ADA, to="acme")
            until(lambda: ours.counts().delivered == 1)
            statement = ours.statement(EVENT, ADA, to="acme")
            with psycopg.connect(url) as host:
                host.execute(statement.sql, statement.parameters)
            ours.wake()
            until(lambda: ours.counts().delivered == 2)
    Outbox.in_memory().wake()


def test_a_transaction_that_stays_open_is_shown(url: str, schema: str) -> None:
    with Outbox(url, schema=schema, migrate=True) as outbox, psycopg.connect(url) as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = holder.execute("SELECT now()").fetchone()
        assert row is not None
        oldest = outbox.health().oldest_snapshot
        assert oldest is not None
        assert oldest <= row[0]


class Role:
    """A role of the server that needs a password."""

    def __init__(self, url: str) -> None:
        self.name = f"python_{os.getpid()}_{next(SCHEMAS)}"
        self.url = url.replace("postgres@", f"{self.name}@")
        self.admin = psycopg.connect(url, autocommit=True)
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            # The server asks its members for a password.
            self.admin.execute("CREATE ROLE checked")
        self.admin.execute(f"CREATE ROLE {self.name} LOGIN IN ROLE checked")
        self.admin.execute(f"GRANT CREATE ON DATABASE postgres TO {self.name}")
        self.current = ""
        self.asked: list[str] = []
        self.change("first")
        self.current = "first"

    def change(self, password: str) -> None:
        """Change the password, and end the connections that were made with the last one."""
        self.admin.execute(f"ALTER ROLE {self.name} PASSWORD '{password}'")
        self.admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.name}'")

    def password(self) -> str:
        """Return the password that the program has."""
        self.asked.append(threading.current_thread().name)
        return self.current

    async def password_async(self) -> str:
        """Return it, after a while."""
        await asyncio.sleep(0)
        return self.password()


@pytest.fixture
def role(url: str) -> Iterator[Role]:
    role = Role(url)
    yield role
    role.admin.close()


def test_each_connection_asks_for_the_password_of_the_moment(role: Role, schema: str) -> None:
    with Outbox(role.url, schema=schema, connections=1, migrate=True, password=role.password) as outbox:
        outbox.enqueue(EVENT, ADA, to="acme")
        assert role.asked == ["ssf-transmitter-password"]
        role.change("second")
        with pytest.raises(OutboxError, match="rejects the user or the password"):
            outbox.counts()
        role.current = "second"
        assert outbox.counts().waiting == 1
        worker = Worker(outbox, Transmitter(ISSUER, KEY), {})
        role.change("third")
        role.current = "third"
        assert worker.drain() == Drained(0, 1)


def test_an_async_function_runs_in_the_loop_of_the_outbox(role: Role, schema: str) -> None:
    async def main() -> None:
        settings: dict[str, Any] = {"schema": schema, "connections": 1, "migrate": True}
        async with AsyncOutbox(role.url, **settings, password=role.password_async) as outbox:
            await outbox.enqueue(EVENT, ADA, to="acme")
            role.change("second")
            role.current = "second"
            assert (await outbox.counts()).waiting == 1
        # A worker alone, and a function that does not wait.
        async with AsyncOutbox(role.url, **settings, password=role.password_async) as outbox:
            await AsyncWorker(outbox, AsyncTransmitter(ISSUER, KEY), {}).drain()
        async with AsyncOutbox(role.url, **settings, password=role.password) as outbox:
            await outbox.counts()

    asyncio.run(main())
    assert {"MainThread", "ssf-transmitter-password"} == set(role.asked)


def test_a_function_that_fails_is_named_and_its_words_are_only_logged(
    role: Role, schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    def raises() -> str:
        raise RuntimeError("hunter2")

    with Outbox(role.url, schema=schema, password=raises) as outbox:
        with pytest.raises(OutboxError, match="password failed: RuntimeError") as caught:
            outbox.counts()
        assert "hunter2" not in str(caught.value)
        assert caught.value.code == "outbox_unavailable"
    assert "hunter2" in caplog.text
    wrong = Outbox(role.url, schema=schema, password=lambda: 7)  # type: ignore[arg-type, return-value]
    with pytest.raises(OutboxError, match="password failed: TypeError"):
        wrong.counts()
    wrong = Outbox(role.url, schema=schema, password=lambda: role.password_async())
    with pytest.raises(OutboxError, match="password failed: TypeError"):
        wrong.counts()
    with pytest.raises(TypeError, match="requires an AsyncOutbox"):
        Outbox(role.url, password=role.password_async)
    with pytest.raises(TypeError, match="password: expected str"):
        Outbox(role.url, password=7)  # type: ignore[arg-type]
