import asyncio
import time

import asyncpg
from measure import ALL, PAYLOAD, URL, enqueue, tell
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode


async def main():
    pool = await asyncpg.create_pool(URL, min_size=8, max_size=8)
    driver = AsyncpgPoolDriver(pool)
    queries = Queries(driver)
    await queries.install()
    payload = PAYLOAD.encode()
    rates = await enqueue(
        lambda: queries.enqueue("noop", payload),
        lambda count: queries.enqueue(["noop"] * count, [payload] * count, [0] * count),
    )
    worked = 0
    queuer = PgQueuer(driver)

    @queuer.entrypoint("noop")
    async def noop(_job):
        nonlocal worked
        worked += 1

    began = time.perf_counter()
    await queuer.qm.run(mode=QueueExecutionMode.drain, batch_size=64)
    tell(rates, began)
    assert worked == ALL, worked


asyncio.run(main())
