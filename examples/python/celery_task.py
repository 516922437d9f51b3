"""A Celery task that sends a SET, and retries if that may help.

    celery --app celery_task worker

The transmitter is created once, when the module is loaded. Celery forks its workers from that process: each worker gets
its own HTTP pool and access tokens.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]

from ssf_transmitter import Email, Receiver, SigningKey, SsfError, Transmitter
from ssf_transmitter.events import caep

app = Celery("ssf", broker=os.environ.get("CELERY_BROKER", "memory://"))
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        name: os.environ.get("CELERY_FOLDER", "/tmp")  # noqa: S108  # only for the broker of the trial
        for name in ("data_folder_in", "data_folder_out", "control_folder")
    },
)

transmitter = Transmitter(
    os.environ.get("SSF_ISSUER", "https://edr.example.com"),
    SigningKey.from_pem(Path(os.environ["SSF_KEY"]).read_bytes()),
    # Celery handles longer waits, so that they do not block a worker.
    deadline=10,
)


@lru_cache(maxsize=10_000)
def receiver_of(customer: str) -> Receiver:
    """Load the receiver of a customer from your database; this example has only one."""
    return Receiver(os.environ["SSF_ENDPOINT"], customer, allow_loopback="SSF_TRIAL" in os.environ)


@app.task(bind=True, max_retries=20, acks_late=True)  # type: ignore[untyped-decorator]
def session_revoked(task: Any, customer: str, user: str, jti: str) -> str:
    """Notify the receiver of a customer. All attempts have the same `jti`, so the receiver recognizes repeats."""
    try:
        receipt = transmitter.emit(caep.SessionRevoked(), Email(user), receiver_of(customer), jti=jti)
    except SsfError as error:
        if not error.retryable:
            raise
        seconds = error.retry_after.total_seconds() if error.retry_after else 60.0
        raise task.retry(exc=error, countdown=seconds) from error
    return receipt.jti
