"""Report an event in the transaction of a program whose database is PostgreSQL, with psycopg.

The outbox is in the same database. Its statement is executed on the connection of the program: the event is accepted
if, and only if, the transaction commits. Workers, on any machine, take it from there.
"""

from __future__ import annotations

import os

import psycopg

from ssf_transmitter import Email
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox

DATABASE = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1/postgres")


class Refused(Exception):
    """The device may not be changed."""


def report_lost(database: psycopg.Connection, outbox: Outbox, device: str, user: str) -> None:
    """Note that a device is lost, and that the receiver is to know."""
    with database.transaction():
        event = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
        statement = outbox.statement(event, Email(user), to="acme")
        database.execute(statement.sql.encode(), statement.parameters)
        changed = database.execute("UPDATE pg_temp.devices SET state = 'lost' WHERE name = %s", (device,))
        if changed.rowcount != 1:
            raise Refused(device)


def main() -> None:
    """Report an event, and another one that is rolled back."""
    with Outbox(DATABASE, schema="example_transaction", migrate=True) as outbox, psycopg.connect(DATABASE) as database:
        outbox.counts()  # makes the tables
        database.execute("CREATE TEMPORARY TABLE devices AS SELECT 'laptop-7' AS name, 'healthy' AS state")
        database.commit()
        report_lost(database, outbox, "laptop-7", "ada@example.com")
        try:
            report_lost(database, outbox, "laptop-8", "bob@example.com")
        except Refused:
            database.rollback()
        (waiting,) = database.execute("SELECT count(*) FROM example_transaction.inbox").fetchone() or (0,)
        database.execute("DROP SCHEMA example_transaction CASCADE")
        print(f"{waiting} for the workers")


if __name__ == "__main__":
    main()
