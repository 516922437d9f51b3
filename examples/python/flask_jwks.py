"""The two documents of a transmitter, as routes of a Flask app: its keys, and its configuration.

flask --app flask_jwks run
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

from ssf_transmitter import KeySet, SigningKey, TransmitterConfiguration

ISSUER = os.environ.get("SSF_ISSUER", "https://edr.example.com")


def load_keys() -> KeySet:
    """The key of the product; for a trial, a new one."""
    path = os.environ.get("SSF_KEY")
    return KeySet(SigningKey.from_pem(Path(path).read_bytes()) if path else SigningKey.generate("P-256"))


def create_app(keys: KeySet, issuer: str = ISSUER) -> Flask:
    """An app that serves the documents for these keys."""
    app = Flask(__name__)
    configuration = TransmitterConfiguration(issuer, jwks_uri=f"{issuer}/jwks.json")

    def document(json: str) -> Response:
        # Receivers keep it for a while: a key is published before it signs.
        return Response(json, content_type="application/json", headers={"Cache-Control": "max-age=3600"})

    @app.get("/jwks.json")
    def jwks() -> Response:
        return document(keys.jwks().to_json())

    @app.get("/.well-known/ssf-configuration")
    def ssf_configuration() -> Response:
        return document(configuration.to_json())

    return app


app = create_app(load_keys())

if __name__ == "__main__":
    client = app.test_client()
    for path in ("/jwks.json", "/.well-known/ssf-configuration"):
        answer = client.get(path)
        print(f"{path}: {answer.status} {answer.content_type}")
        print(answer.get_data(as_text=True))
