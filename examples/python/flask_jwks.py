"""Serve the two documents of a transmitter in a Flask app: its JWKS and its configuration.

flask --app flask_jwks run
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

from ssf_transmitter import KeySet, SigningKey, TransmitterConfiguration

ISSUER = os.environ.get("SSF_ISSUER", "https://edr.example.com")


def load_keys() -> KeySet:
    """Load the signing key of the product, or generate one for a test."""
    path = os.environ.get("SSF_KEY")
    return KeySet(SigningKey.from_pem(Path(path).read_bytes()) if path else SigningKey.generate("P-256"))


def create_app(keys: KeySet, issuer: str = ISSUER) -> Flask:
    """Create an app that serves the documents for these keys."""
    app = Flask(__name__)
    configuration = TransmitterConfiguration(issuer, jwks_uri=f"{issuer}/jwks.json")

    def document(json: str) -> Response:
        # Receivers cache the JWKS, so publish a key before it signs.
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
