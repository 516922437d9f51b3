"""Settings of the network and of authorization that cannot be right, by the vectors that all languages share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from typing import Any

import pytest

from ssf_transmitter import (
    ClientCredentials,
    ConfigError,
    Opaque,
    Receiver,
    SigningKey,
    Transmitter,
    TransportError,
)
from ssf_transmitter.events import caep
from ssf_transmitter.okta import OktaProviders
from vectors import AUDIENCE, ISSUER, cases

FILE = "setup-network.json"


def judge(case: dict[str, Any], build: Callable[[], Any]) -> None:
    if "code" not in case:
        built = build()
        if isinstance(built, (Transmitter, OktaProviders)):
            built.close()
        return
    with pytest.raises((ConfigError, TransportError)) as refused:
        build()
    assert refused.value.code == case["code"]
    assert [part for part in case["says"] if part not in str(refused.value)] == []


@pytest.mark.parametrize("case", cases(FILE, "authorization"))
def test_credentials_that_cannot_be_right_are_named(case: dict[str, Any]) -> None:
    def build() -> Any:
        [(name, value)] = case["authorization"].items()
        if name == "ssws":
            return OktaProviders("https://acme.okta.com", ssws=value)
        options = {
            "bearer": lambda: {"bearer": value},
            "header": lambda: {"authorization": value},
            "client_credentials": lambda: {"client_credentials": ClientCredentials(**value)},
        }[name]()
        return Receiver("https://receiver.example.net/events", AUDIENCE, **options)  # type: ignore[arg-type]

    judge(case, build)


@pytest.mark.parametrize("case", cases(FILE, "proxies"))
def test_proxies_that_cannot_be_used_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, proxy=case["proxy"]))


@pytest.mark.parametrize("case", cases(FILE, "source_addresses"))
def test_source_addresses_that_cannot_be_used_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, source_address=case["source_address"]))


@pytest.mark.parametrize("case", cases(FILE, "ca_bundles"))
def test_ca_bundles_that_cannot_be_read_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, ca_bundle=case["ca_bundle"]))


@pytest.mark.parametrize("case", cases(FILE, "client_certificates"))
def test_client_certificates_that_cannot_be_used_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, client_certificate=(case["certificate"], case["key"])))


def test_requests_leave_from_the_source_address(key: SigningKey) -> None:
    # Every address of 127.0.0.0/8 is this machine on Linux; elsewhere add 127.0.0.2 to the loopback interface.
    peers = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            peers.append(self.client_address[0])
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        to = Receiver(f"http://127.0.0.1:{server.server_port}/events", AUDIENCE, allow_loopback=True)
        with Transmitter(ISSUER, key, source_address=IPv4Address("127.0.0.2")) as transmitter:
            transmitter.emit(caep.SessionRevoked(), Opaque("session-1"), to)
            check = transmitter.doctor(caep.SessionRevoked(), Opaque("session-1"), to).check("source-address")
        server.shutdown()
    assert peers == ["127.0.0.2"]
    assert check is not None
    assert "127.0.0.2" in check.message
