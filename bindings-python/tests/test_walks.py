"""Both guides from their first sentence to their last, with the library alone."""

from __future__ import annotations

import json
import stat
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from ssf_transmitter import ClientCredentials, Email, Jwks, PublicKey, Receiver, SigningKey, Transmitter, Uri
from ssf_transmitter.events import okta as okta_events
from ssf_transmitter.events import risc
from ssf_transmitter.metadata import TransmitterConfiguration
from ssf_transmitter.okta import OktaProviders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ssf_transmitter.testing import ReceiverEmulator

ORG = "https://acme.okta.com"


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, str]]]:
    """A web server: its URL, and its documents by path."""
    documents: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", documents
    server.shutdown()
    server.server_close()


def test_oktas_guide(
    tmp_path: Path, site: tuple[str, dict[str, str]], ssf_receiver: Callable[..., ReceiverEmulator]
) -> None:
    # Generate a key pair, and copy its JSON to a file.
    file = tmp_path / "key.json"
    file.touch(mode=0o600)
    file.write_text(SigningKey.generate("RSA-2048").with_kid("2026-11").export_private_jwk())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = SigningKey.from_jwk(file.read_text())
    assert (key.kid, key.algorithm) == ("2026-11", "RS256")

    # Publish the public key, and the configuration at its well-known URL.
    issuer, documents = site
    jwks_uri = f"{issuer}/jwks.json"
    configuration = TransmitterConfiguration(issuer, jwks_uri=jwks_uri, allow_loopback_http=True)
    documents["/jwks.json"] = Jwks([key.public_key]).to_json()
    documents[urlsplit(configuration.url).path] = configuration.to_json()
    assert "d" not in json.loads(documents["/jwks.json"])["keys"][0]

    # Register the transmitter in the org, by its well-known URL.
    org = ssf_receiver(issuer="https://other.example.com", keys=key, like="okta", audience=ORG, api_token="00t")
    with OktaProviders(org.base_url, ssws="00t", allow_loopback=True) as providers:
        provider = providers.create(name="Example EDR", type="example-edr", well_known_url=configuration.url)
    assert (provider.status, provider.issuer) == ("ACTIVE", issuer)

    # Build the SET, look at it, send it, and check the response code.
    receiver = Receiver.okta(org.base_url, audience=ORG, allow_loopback=True)
    event = okta_events.UserRiskChange(
        current_level="high",
        previous_level="low",
        event_timestamp=datetime.now(timezone.utc),
        reason_admin={"en": "Impossible travel"},
    )
    with Transmitter(issuer, key) as transmitter:
        signed = transmitter.prepare(event, Email("ada@example.com"), receiver).sign(key)
        assert signed.decode().header == {"alg": "RS256", "kid": "2026-11", "typ": "secevent+jwt"}
        assert transmitter.linter(receiver).set(signed) == ()
        receipt = transmitter.deliver(signed, receiver)
        assert receipt.status == 202
    org.assert_received("okta.user-risk-change")

    # Okta answers 202 to a SET that it then drops: its System Log says whether this one arrived.
    with OktaProviders(org.base_url, ssws="00t", allow_loopback=True) as providers:
        reception = providers.received(receipt)
    assert (reception.outcome, reception.certainty) == ("judged", "likely")


def test_govuks_guidance(ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    # Generate a key pair, and send the team the public key that corresponds.
    key = SigningKey.generate("RSA-2048")
    handed_over = key.public_key.to_pem()
    assert PublicKey.from_pem(handed_over).thumbprint == key.public_key.thumbprint

    # Id and secret get a token at /authorize; the same token until it expires.
    inbound = ssf_receiver(issuer="https://rp.example.gov.uk", keys=key, like="govuk-one-login")
    assert inbound.token_url is not None
    receiver = Receiver.govuk_one_login(
        inbound.url,
        inbound.audience,
        client_credentials=ClientCredentials(inbound.token_url, "client", "secret"),
        allow_loopback=True,
    )
    event = risc.AccountDisabled(reason="hijacking")
    subject = Uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw")
    with Transmitter("https://rp.example.gov.uk", key) as transmitter:
        assert transmitter.lint(event, subject, receiver) == ()
        assert [transmitter.emit(event, subject, receiver).status for _ in range(2)] == [202, 202]
    asked = [request for request in inbound.requests if "token" in request.path]
    assert len(asked) == 1
