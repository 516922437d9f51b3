"""What the contenders in Python have in common: how much is done, and how it is told."""

import asyncio
import json
import os
import sys
import time

URL = sys.argv[1]
ONE, CALLERS, EACH, BATCH = map(int, os.environ["SSF_BENCH_SIZES"].split())
ALL = ONE + CALLERS * EACH + BATCH
PAYLOAD = "x" * 1024


async def enqueue(one, many):
    """Jobs per second: one by one, by many callers at once, and as one batch."""
    rates = {}
    began = time.perf_counter()
    for _ in range(ONE):
        await one()
    rates["one"] = ONE / (time.perf_counter() - began)

    async def caller():
        for _ in range(EACH):
            await one()

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    rates["callers"] = CALLERS * EACH / (time.perf_counter() - began)
    began = time.perf_counter()
    await many(BATCH)
    rates["batch"] = BATCH / (time.perf_counter() - began)
    return rates


def tell(rates, began):
    print(json.dumps({**rates, "work": ALL / (time.perf_counter() - began)}), flush=True)
