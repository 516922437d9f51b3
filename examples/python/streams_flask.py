"""A transmitter in a Flask app: receivers create streams there, and poll.

flask --app streams_flask run

A poll that waits occupies a thread of the server, so it waits for five seconds only.
"""

from __future__ import annotations

import os
from hashlib import sha256

from flask import Flask

from ssf_transmitter import Email, SigningKey
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox
from ssf_transmitter.streams import Caller, Request, StreamApi

ISSUER = os.environ.get("SSF_ISSUER", "https://tr.example.com")
# The hashes of the tokens that you gave to receivers.
RECEIVERS = {
    sha256(b"of-acme").hexdigest(): Caller("acme", scopes="ssf.manage", audience="https://acme.example.com"),
}

api = StreamApi(
    ISSUER,
    SigningKey.generate(),
    Outbox.in_memory(),
    events=["caep.session-revoked", "caep.credential-change"],
)
app = Flask(__name__)


def authenticate(request: Request) -> Caller | None:
    """Find the receiver by its bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return RECEIVERS.get(sha256(token.encode()).hexdigest()) if scheme == "Bearer" else None


@app.post("/sessions/<email>/revoke")
def revoke(email: str) -> str:
    """Revoke the sessions of a user, and tell every receiver that wants to know."""
    published = api.publish(caep.SessionRevoked(reason_admin={"en": "Laptop lost"}), Email(email))
    return str(published.streams)


app.wsgi_app = api.wsgi(authenticate, otherwise=app.wsgi_app)  # type: ignore[method-assign]
