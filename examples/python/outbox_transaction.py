"""Report an event in the transaction of a program that has a database of its own.

The program writes the entry into a table beside its data: both are committed, or none. A relay moves entries from there
into the outbox. It may crash at any point: an entry that is enqueued twice is delivered once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from ssf_transmitter import Email
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Entry, Outbox

TABLES = """
CREATE TABLE devices (name TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE staged_events (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);
INSERT INTO devices VALUES ('laptop-7', 'healthy');
"""


def report_lost(database: sqlite3.Connection, device: str, user: str) -> None:
    """Note that a device is lost, and that the receiver is to know."""
    entry = Entry(caep.SessionRevoked(reason_admin={"en": "Laptop lost"}), Email(user), to="acme")
    with database:  # one transaction
        database.execute("UPDATE devices SET state = 'lost' WHERE name = ?", (device,))
        database.execute("INSERT INTO staged_events (entry) VALUES (?)", (entry.to_json(),))


def relay(database: sqlite3.Connection, outbox: Outbox) -> int:
    """Move entries into the outbox, and return how many."""
    rows = database.execute("SELECT id, entry FROM staged_events ORDER BY id LIMIT 500").fetchall()
    outbox.enqueue_json(entry for _, entry in rows)
    with database:
        database.executemany("DELETE FROM staged_events WHERE id = ?", [(id_,) for id_, _ in rows])
    return len(rows)


def main() -> None:
    """Report an event, and move it into the outbox."""
    with (
        TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "product.db")) as database,
        Outbox(Path(folder) / "outbox.db") as outbox,
    ):
        database.executescript(TABLES)
        report_lost(database, "laptop-7", "ada@example.com")
        print(f"{relay(database, outbox)} moved, {outbox.counts().waiting} waiting, {relay(database, outbox)} left")


if __name__ == "__main__":
    main()
