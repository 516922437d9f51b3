import asyncio
import time

import procrastinate
from measure import ALL, PAYLOAD, URL, enqueue, tell


async def main():
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=URL, min_size=8, max_size=8)
    )
    worked = 0

    @app.task(name="noop")
    async def noop(payload):
        nonlocal worked
        worked += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        rates = await enqueue(
            lambda: noop.defer_async(payload=PAYLOAD),
            lambda count: noop.batch_defer_async(*({"payload": PAYLOAD} for _ in range(count))),
        )
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=64, install_signal_handlers=False)
        tell(rates, began)
        assert worked == ALL, worked


asyncio.run(main())
