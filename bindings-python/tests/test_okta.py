"""Registering at Okta: its API as the emulator plays it."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK
from ssf_transmitter import (
    ApiError,
    ClientCredentials,
    ConfigError,
    SigningKey,
    SsfError,
    ValidationError,
    enable_logging,
)
from ssf_transmitter.okta import AsyncOktaProviders, OktaProviders, Provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssf_transmitter.testing import ReceiverEmulator

TOKEN = "00t0ken"
#: A provider by issuer: nothing is fetched when it is registered.
EDR = {
    "name": "Example EDR",
    "type": "example-edr",
    "issuer": "https://edr2.example.com",
    "jwks_url": "https://edr2.example.com/jwks.json",
}


@pytest.fixture
def org(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> ReceiverEmulator:
    return ssf_receiver(issuer=ISSUER, keys=key, like="okta", api_token=TOKEN)


@pytest.fixture
def providers(org: ReceiverEmulator) -> OktaProviders:
    return OktaProviders(org.base_url, ssws=TOKEN, retry=QUICK, allow_loopback=True)


def test_a_provider_lives(providers: OktaProviders) -> None:
    with providers:
        provider = providers.create(**EDR)
        assert (provider.name, provider.type, provider.status) == ("Example EDR", "example-edr", "ACTIVE")
        assert (provider.issuer, provider.jwks_url, provider.well_known_url) == (EDR["issuer"], EDR["jwks_url"], None)
        assert provider in providers.list()
        assert providers.read(provider.id) == provider
        assert providers.deactivate(provider.id).status == "INACTIVE"
        assert providers.activate(provider.id).status == "ACTIVE"
        assert providers.replace(provider.id, **(EDR | {"name": "EDR"})).name == "EDR"
        updated = providers.update(provider.id, type="edr")
        assert (updated.name, updated.type, updated.issuer) == ("EDR", "edr", EDR["issuer"])
        providers.delete(provider.id)
        with pytest.raises(ApiError) as raised:
            providers.read(provider.id)
        assert (raised.value.code, raised.value.kind, raised.value.status) == ("provider_not_found", "api", 404)
        assert raised.value.receiver_error == "E0000007"
        assert type(pickle.loads(pickle.dumps(raised.value))) is ApiError
    with pytest.raises(RuntimeError, match="closed"):
        providers.list()


def test_ensure_finds_what_is_there(providers: OktaProviders) -> None:
    first = providers.ensure(**EDR)
    assert providers.ensure(**EDR) == first
    assert providers.ensure(**(EDR | {"type": "edr"})).id == first.id
    assert sum(provider.name == "Example EDR" for provider in providers.list()) == 1


async def test_the_same_for_asyncio(org: ReceiverEmulator) -> None:
    async with AsyncOktaProviders(org.base_url, bearer=TOKEN, retry=QUICK, allow_loopback=True) as providers:
        provider = await providers.create(**EDR)
        assert isinstance(provider, Provider)
        listed, read = await asyncio.gather(providers.list(), providers.read(provider.id))
        assert read == provider
        assert provider in listed
        assert (await providers.deactivate(provider.id)).status == "INACTIVE"
        assert (await providers.activate(provider.id)).status == "ACTIVE"
        assert (await providers.replace(provider.id, **(EDR | {"name": "EDR"}))).name == "EDR"
        assert (await providers.update(provider.id, name="Example EDR")).name == "Example EDR"
        assert (await providers.ensure(**EDR)).id == provider.id
        await providers.delete(provider.id)
        with pytest.raises(ApiError, match="provider_not_found"):
            await providers.read(provider.id)
    with pytest.raises(RuntimeError, match="closed"):
        await providers.list()


def test_a_token_that_is_not_taken_is_an_api_error_that_does_not_show_it(org: ReceiverEmulator) -> None:
    with OktaProviders(org.base_url, ssws="wr0ng", allow_loopback=True) as providers:
        with pytest.raises(ApiError) as raised:
            providers.list()
        assert raised.value.code == "api_unauthorized"
        assert "wr0ng" not in str(raised.value) + repr(raised.value) + repr(providers)


def test_a_server_error_is_tried_again_and_logged(
    key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator], caplog: pytest.LogCaptureFixture
) -> None:
    enable_logging()
    caplog.set_level("DEBUG", "ssf_transmitter")
    script = [{"on": "api", "first": 2, "fault": {"status": {"status": 503}}}]
    org = ssf_receiver(issuer=ISSUER, keys=key, like="okta", api_token=TOKEN, script=script)
    with OktaProviders(org.base_url, ssws=TOKEN, retry=QUICK, allow_loopback=True) as providers:
        assert isinstance(providers.list(), list)
    assert [request.status for request in org.requests] == [503, 503, 200]
    told = [vars(record) for record in caplog.records]
    assert [(record["event_name"], record["operation"], record["status"]) for record in told] == [
        ("ssf.api", "list", status) for status in (503, 503, 200)
    ]
    assert TOKEN not in str(told)


@pytest.mark.parametrize(
    ("change", "pointer"), [({"name": ""}, "/name"), ({"jwks_url": "ftp://x"}, "/settings/jwks_url")]
)
def test_what_okta_would_not_take_is_refused_before(
    providers: OktaProviders, org: ReceiverEmulator, change: dict[str, str], pointer: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        providers.create(**(EDR | change))
    assert (raised.value.code, raised.value.pointer) == ("provider_invalid", pointer)
    assert org.requests == []


@pytest.mark.parametrize("method", ["create", "replace", "ensure"])
def test_settings_are_said_in_one_way(providers: OktaProviders, method: str) -> None:
    place = ("sse1",) if method == "replace" else ()
    url = "https://edr.example.com/.well-known/ssf-configuration"
    for settings in ({}, {"issuer": "x"}, {"well_known_url": url, "jwks_url": url}):
        with pytest.raises(TypeError, match="pass either well_known_url, or issuer and jwks_url"):
            getattr(providers, method)(*place, name="x", type="x", **settings)
    with pytest.raises(TypeError, match="pass either"):
        providers.update("sse1", issuer="x")


def test_wrong_arguments_are_named(providers: OktaProviders) -> None:
    calls: list[tuple[Any, str]] = [
        (lambda: providers.create(**EDR, wel_known_url="x"), "did you mean 'well_known_url'"),
        (lambda: providers.create(**(EDR | {"name": 7})), "name: expected str, got int"),
        (lambda: providers.update(7), "id: expected str, got int"),
    ]
    for call, message in calls:
        with pytest.raises(TypeError, match=message):
            call()


def test_the_org_is_an_https_url_and_not_this_machine() -> None:
    for org in ("http://acme.okta.com", "http://127.0.0.1:8080", "acme"):
        with pytest.raises(ConfigError):
            OktaProviders(org, ssws=TOKEN)


def test_credentials_get_a_token_first(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    # A token endpoint of another receiver, whose tokens this org does not know.
    elsewhere = ssf_receiver(issuer=ISSUER, keys=key, like="govuk-one-login")
    org = ssf_receiver(issuer=ISSUER, keys=key, like="okta", api_token=TOKEN)
    assert elsewhere.token_url is not None
    credentials = ClientCredentials(elsewhere.token_url, "client", "secret")
    with OktaProviders(org.base_url, client_credentials=credentials, retry=QUICK, allow_loopback=True) as providers:
        with pytest.raises(SsfError) as raised:
            providers.list()
        assert raised.value.code == "token_stale"
    assert elsewhere.requests[0].status == 200


def test_an_api_is_okta_s(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> None:
    with pytest.raises(ValueError, match="API"):
        ssf_receiver(issuer=ISSUER, keys=key, api_token=TOKEN)
