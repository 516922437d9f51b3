"""A transmitter in a FastAPI app: receivers create streams there, and poll.

uvicorn streams_fastapi:app
"""

from __future__ import annotations

import os
from hashlib import sha256

from fastapi import FastAPI

from ssf_transmitter import Email, SigningKey
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import AsyncOutbox
from ssf_transmitter.streams import Caller, Request, StreamApi

ISSUER = os.environ.get("SSF_ISSUER", "https://tr.example.com")
# The hashes of the tokens that you gave to receivers.
RECEIVERS = {
    sha256(b"of-acme").hexdigest(): Caller("acme", scopes="ssf.manage", audience="https://acme.example.com"),
}

api = StreamApi(
    ISSUER,
    SigningKey.generate(),
    AsyncOutbox.in_memory(),
    events=["caep.session-revoked", "caep.credential-change"],
)
app = FastAPI()


async def authenticate(request: Request) -> Caller | None:
    """Find the receiver by its bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return RECEIVERS.get(sha256(token.encode()).hexdigest()) if scheme == "Bearer" else None


@app.post("/sessions/{email}/revoke")
async def revoke(email: str) -> int:
    """Revoke the sessions of a user, and tell every receiver that wants to know."""
    published = await api.apublish(caep.SessionRevoked(reason_admin={"en": "Laptop lost"}), Email(email))
    return published.streams


# Last, because it answers everything that nobody else does.
app.mount("/", api.asgi(authenticate))
