"""The outbox beside its Rust core and beside queues that people use instead, all durable, in one run.

`cargo xtask bench python` runs this against the wheel that is released: `outbox.py ENQUEUE`, where the argument is the
example `enqueue` of the store. Figures are medians over rounds in turns; an entry has 1 KiB.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from huey.storage import SqliteStorage
from litequeue import LiteQueue

from ssf_transmitter import Email
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox, Entry, Outbox

ROUNDS = 5
ONE_BY_ONE, BATCH = 300, 5000
#: As long as what an outbox keeps of an entry.
MESSAGE = "x" * 1024


def entry(number: int) -> Entry:
    """What the example in Rust enqueues."""
    event = caep.SessionRevoked(reason_admin={"en": "x" * 800})
    return Entry(event, Email(f"user-{number}@example.com"), to=f"receiver-{number % 100}")


def per_second(work: Callable[[], object], count: int) -> float:
    """How often a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def ours(folder: Path) -> dict[str, float]:
    """This package."""
    entries = [entry(number) for number in range(100 + ONE_BY_ONE + BATCH)]
    first, alone, batch = entries[:100], entries[100:-BATCH], entries[-BATCH:]
    with Outbox(folder / "ours.db") as outbox:
        # Receivers are known from here on.
        outbox.enqueue_many(first)
        return {
            "one by one": per_second(lambda: [outbox.enqueue_many([one]) for one in alone], ONE_BY_ONE),
            "batch": per_second(lambda: outbox.enqueue_many(batch), BATCH),
        }


def rust(folder: Path, program: str) -> dict[str, float]:
    """The same in Rust."""
    command = [program, str(folder), str(ONE_BY_ONE), str(BATCH)]
    told = json.loads(subprocess.check_output(command))  # the program of this run
    return {"one by one": told["one_by_one"], "batch": told["batch"]}


def huey(folder: Path) -> dict[str, float]:
    """The SQLite storage of huey, which commits each message."""
    storage = SqliteStorage(filename=str(folder / "huey.db"), fsync=True)
    data = MESSAGE.encode()
    storage.enqueue(data)
    return {"one by one": per_second(lambda: [storage.enqueue(data) for _ in range(ONE_BY_ONE)], ONE_BY_ONE)}


def litequeue(folder: Path) -> dict[str, float]:
    """The queue litequeue, which commits each message."""
    queue = LiteQueue(str(folder / "lite.db"))
    queue.conn.execute("PRAGMA synchronous = FULL")
    queue.put(MESSAGE)
    return {"one by one": per_second(lambda: [queue.put(MESSAGE) for _ in range(ONE_BY_ONE)], ONE_BY_ONE)}


async def loop_lag(folder: Path) -> float:
    """The longest time that the event loop does not run anything else while a batch is enqueued, in seconds."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now

    batch = [entry(number) for number in range(BATCH)]
    async with AsyncOutbox(folder / "lag.db") as outbox:
        await outbox.enqueue(caep.SessionRevoked(), Email("ada@example.com"), to="acme")
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(outbox.enqueue_many(batch[start : start + 500]) for start in range(0, BATCH, 500)))
        watching.cancel()
    return longest


def main() -> None:
    """Measure everything."""
    contenders: dict[str, Callable[[Path], dict[str, float]]] = {
        "ssf-transmitter": ours,
        "the core in Rust": lambda folder: rust(folder, sys.argv[1]),
        "huey (fsync)": huey,
        "litequeue (FULL)": litequeue,
    }
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    lags = []
    for _ in range(ROUNDS):
        for name, measure in contenders.items():
            with tempfile.TemporaryDirectory(dir=".") as folder:
                measured[name].append(measure(Path(folder)))
        with tempfile.TemporaryDirectory(dir=".") as folder:
            lags.append(asyncio.run(loop_lag(Path(folder))))
    for how in ("one by one", "batch"):
        print(f"\ndurable enqueue, {how:<10}  a second  of the core")
        core = statistics.median(one[how] for one in measured["the core in Rust"])
        for name, rounds in measured.items():
            if how in rounds[0]:
                rate = statistics.median(one[how] for one in rounds)
                print(f"{name:<27} {rate:>9.0f}       {rate / core:.2f}")
    print(f"\nthe event loop waits for {statistics.median(lags) * 1e3:.1f} ms at most while a batch is enqueued")


if __name__ == "__main__":
    main()
