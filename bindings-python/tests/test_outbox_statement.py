"""Events in transactions of other drivers: committed and rolled back with them."""

from __future__ import annotations

import asyncio
import os
from itertools import count
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from conftest import ISSUER
from ssf_transmitter import ConfigError, Email, OutboxError, Receiver, SigningKey, Transmitter, ValidationError
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox, Outbox, Refused, Seal, Statement, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssf_transmitter.testing import ReceiverEmulator

EVENT = caep.SessionRevoked(reason_admin={"en": '100 % sure: lost, "stolen" %s :entry $1'})
ADA = Email("ada@example.com")
SEAL = Seal(index_key=bytes(32), keys={"one": bytes(range(32))})
SCHEMAS = count()


class Rollback(Exception):
    """Ends a transaction."""


class Pair:
    """An outbox for statements, and what its statements have brought."""

    def __init__(self, url: str, emulator: ReceiverEmulator, key: SigningKey) -> None:
        self.url = url
        self.emulator = emulator
        self.settings: dict[str, Any] = {"schema": f"statement_{os.getpid()}_{next(SCHEMAS)}", "seal": SEAL}
        self.workers = Outbox(url, migrate=True, **self.settings)
        self.workers.counts()
        self.outbox = Outbox(url, **self.settings)
        self.worker = Worker(self.workers, Transmitter(ISSUER, key), {"acme": emulator.receiver()})

    def statement(self, style: str) -> Statement:
        statement = self.outbox.statement(EVENT, ADA, to="acme", paramstyle=style)
        assert "stolen" not in str(statement.parameters)
        return statement

    def delivered(self) -> set[str]:
        self.worker.drain()
        return {claims["jti"] for claims in self.emulator.received}


@pytest.fixture
def pair(ssf_receiver: Callable[..., ReceiverEmulator]) -> Pair:
    url = os.environ.get("SSF_TEST_POSTGRES")
    if url is None:
        pytest.fail("SSF_TEST_POSTGRES is not set: `cargo xtask test python` sets it")
    key = SigningKey.generate("P-256")
    return Pair(url, ssf_receiver(issuer=ISSUER, keys=key), key)


@pytest.mark.parametrize("style", ["format", "pyformat"])
def test_psycopg(pair: Pair, style: str) -> None:
    gone, kept = pair.statement(style), pair.statement(style)
    with psycopg.connect(pair.url) as connection:
        with pytest.raises(Rollback), connection.transaction():
            connection.execute(gone.sql, gone.parameters)
            raise Rollback
        with connection.transaction():
            connection.execute(kept.sql, kept.parameters)
            assert pair.delivered() == set()
    assert pair.delivered() == set(kept.jtis)
    assert pair.workers.health().refused == 0


def test_asyncpg(pair: Pair) -> None:
    gone, kept = pair.statement("numeric"), pair.statement("numeric")

    async def report() -> None:
        connection = await asyncpg.connect(pair.url)
        with pytest.raises(Rollback):
            async with connection.transaction():
                await connection.execute(gone.sql, *gone.parameters)
                raise Rollback
        async with connection.transaction():
            await connection.execute(kept.sql, *kept.parameters)
        await connection.close()

    asyncio.run(report())
    assert pair.delivered() == set(kept.jtis)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_sqlalchemy(pair: Pair, driver: str) -> None:
    gone, kept = pair.statement("named"), pair.statement("named")
    url = pair.url.replace("postgresql://", f"postgresql+{driver}://")

    async def report() -> None:
        engine = create_async_engine(url)
        with pytest.raises(Rollback):
            async with engine.begin() as connection:
                await connection.execute(sqlalchemy.text(gone.sql), gone.parameters)
                raise Rollback
        async with engine.begin() as connection:
            await connection.execute(sqlalchemy.text(kept.sql), kept.parameters)
        await engine.dispose()

    asyncio.run(report())
    assert pair.delivered() == set(kept.jtis)


def test_django(pair: Pair) -> None:
    import django
    from django.conf import settings
    from django.db import connection, transaction

    at = sqlalchemy.make_url(pair.url)
    if not settings.configured:
        database = {"NAME": at.database, "USER": at.username, "HOST": at.host, "PORT": at.port}
        settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **database}})
        django.setup()
    gone, kept = pair.statement("format"), pair.statement("format")
    with pytest.raises(Rollback), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(gone.sql, gone.parameters)
        raise Rollback
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(kept.sql, kept.parameters)
    connection.close()
    assert pair.delivered() == set(kept.jtis)


def test_what_cannot_be_taken_over_is_listed(pair: Pair) -> None:
    with psycopg.connect(pair.url, autocommit=True) as connection:
        for user in (ADA, Email("bob@example.com")):
            statement = pair.outbox.statement(EVENT, user, to=["acme", "globex"], idempotency_key="one")
            connection.execute(statement.sql, statement.parameters)
        connection.execute(statement.sql, ["{}"])
    assert pair.workers.refused() == []
    pair.worker.drain()
    conflict, invalid = pair.workers.refused()
    assert (conflict.code, conflict.event) == ("outbox_conflict", "caep.session-revoked")
    assert (conflict.jtis, conflict.receivers) == (statement.jtis, ("acme", "globex"))
    assert conflict.enqueued_at <= conflict.refused_at == invalid.refused_at
    assert (invalid.code, invalid.event) == ("outbox_entry_invalid", None)
    assert (invalid.jtis, invalid.receivers) == ((), ())
    assert repr(conflict) == f"<Refused {conflict.id} outbox_conflict>"
    assert pair.workers.health().refused == 2

    async def pages() -> list[list[Refused]]:
        async with AsyncOutbox(pair.url, **pair.settings) as outbox:
            return [await outbox.refused(limit=1), await outbox.refused(after=conflict.id)]

    assert asyncio.run(pages()) == [[conflict], [invalid]]
    assert Outbox.in_memory().refused() == []


def test_a_statement_is_checked_and_needs_no_connection() -> None:
    here = "postgresql://127.0.0.1:1/nothing"
    receivers = {"acme": Receiver("https://acme.example.com/events", "https://acme.example.com")}
    outbox = AsyncOutbox(here, issuer=ISSUER, receivers=receivers)
    statement = outbox.statement(EVENT, ADA, to=["acme", "globex"])
    assert len(statement.jtis) == 2
    assert "ada" not in repr(statement)
    with pytest.raises(OutboxError) as invalid:
        outbox.statement(EVENT, ADA, to=[])
    assert invalid.value.code == "outbox_entry_invalid"
    with pytest.raises(ValidationError):
        outbox.statement(EVENT, {"format": "email"}, to="acme")
    with pytest.raises(ConfigError, match="parameter style"):
        outbox.statement(EVENT, ADA, to="acme", paramstyle="qmark")
    with pytest.raises(ConfigError, match="in a database"):
        Outbox.in_memory().statement(EVENT, ADA, to="acme")
