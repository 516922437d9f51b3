"""Settings of the network and of authorization that cannot be right, by the vectors that all languages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ssf_transmitter import ClientCredentials, ConfigError, Receiver, SigningKey, Transmitter
from ssf_transmitter.okta import OktaProviders
from vectors import AUDIENCE, ISSUER, cases

FILE = "setup-network.json"


def judge(case: dict[str, Any], build: Callable[[], Any]) -> None:
    if "code" not in case:
        built = build()
        if isinstance(built, (Transmitter, OktaProviders)):
            built.close()
        return
    with pytest.raises(ConfigError) as refused:
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


@pytest.mark.parametrize("case", cases(FILE, "ca_bundles"))
def test_ca_bundles_that_cannot_be_read_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, ca_bundle=case["ca_bundle"]))


@pytest.mark.parametrize("case", cases(FILE, "client_certificates"))
def test_client_certificates_that_cannot_be_used_are_named(case: dict[str, Any], key: SigningKey) -> None:
    judge(case, lambda: Transmitter(ISSUER, key, client_certificate=(case["certificate"], case["key"])))
