"""Whether a SET arrived: Okta's System Log as the emulator plays it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, QUICK
from ssf_transmitter import ApiError, AsyncTransmitter, ConfigError, SignedSet, SigningKey, Transmitter
from ssf_transmitter.events import caep, okta
from ssf_transmitter.okta import AsyncOktaProviders, OktaProviders
from vectors import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssf_transmitter.testing import ReceiverEmulator

TOKEN = "00t0ken"
ADA = {"format": "email", "email": "ada@example.com"}
EVE = {"format": "email", "email": "eve@example.com"}
EVENTS = ["security.events.provider.receive_event", "user.risk.detect"]
#: The emulator's own transmitter is not a registered provider: without the list there are no facts.
NO_LIST = [{"on": "api", "fault": {"status": {"status": 403}}}]


def risk() -> Any:
    now = datetime.now(timezone.utc)
    return okta.UserRiskChange(
        event_timestamp=now, current_level="high", previous_level="low", reason_admin={"en": "Impossible travel"}
    )


def an_hour_ago() -> datetime:
    return datetime.now(timezone.utc) - timedelta(hours=1)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """One that Okta takes."""
    return SigningKey.generate("RSA-2048")


@pytest.fixture
def start(key: SigningKey, ssf_receiver: Callable[..., ReceiverEmulator]) -> Callable[..., ReceiverEmulator]:
    def start(**settings: Any) -> ReceiverEmulator:
        return ssf_receiver(issuer=ISSUER, keys=key, like="okta", api_token=TOKEN, **settings)

    return start


def open_org(org: ReceiverEmulator, **settings: Any) -> OktaProviders:
    return OktaProviders(org.base_url, ssws=TOKEN, retry=QUICK, allow_loopback=True, **settings)


@pytest.mark.parametrize("case", cases("okta-log.json", "receptions"))
def test_every_set_is_found_or_its_absence_explained(
    key: SigningKey, start: Callable[..., ReceiverEmulator], case: dict[str, Any]
) -> None:
    log = case.get("log", {})
    org = start(
        users=case.get("users", ()),
        script=case.get("script"),
        log_delay=log.get("delay_ms", 0) / 1000,
        log_page=log.get("page", 1000),
        log_jti=log.get("jti", False),
    )
    with Transmitter(ISSUER, key) as transmitter, open_org(org) as providers:
        receipt = transmitter.emit(risk(), ADA, to=org.receiver())
        deadline = timedelta(milliseconds=case.get("deadline_ms", 20_000))
        if "error" in case:
            with pytest.raises(ApiError) as raised:
                providers.received(receipt, deadline=deadline)
            assert raised.value.code == case["error"]
            return
        reception = providers.received(receipt, deadline=deadline)
    assert {
        "outcome": reception.outcome,
        "certainty": reception.certainty,
        "events": [event.event_type for event in reception.events],
        "causes": [{"id": cause.id, "certain": cause.is_certain} for cause in reception.causes],
    } == case["expect"]
    assert reception.has_arrived == bool(reception.events)
    assert all(cause.meaning and cause.remedy for cause in reception.causes)


def test_an_entry_says_who_and_what(key: SigningKey, start: Callable[..., ReceiverEmulator]) -> None:
    org = start(log_jti=True)
    with Transmitter(ISSUER, key) as transmitter, open_org(org) as providers:
        receipt = transmitter.emit(risk(), ADA, to=org.receiver())
        assert abs(datetime.now(timezone.utc) - receipt.answered_at) < timedelta(minutes=1)
        # Another process has the SET alone.
        reception = providers.received((SignedSet.parse(str(receipt.set)), receipt.answered_at))
        arrival = reception.events[0]
        assert arrival.published is not None
        assert abs(arrival.published - receipt.answered_at) < timedelta(minutes=1)
        assert [(target.type, target.alternate_id) for target in arrival.targets] == [("User", "ada@example.com")]
        assert arrival.actor is not None
        assert arrival.actor.display_name == ISSUER
        assert (arrival.severity, arrival.result, arrival.reason) == ("INFO", "SUCCESS", None)
        assert arrival.members["debugContext"]["debugData"] == arrival.debug_data
        assert (arrival.debug_data or {})["jti"] == receipt.jti
        assert "ada@example.com" not in repr(reception) + repr(arrival.targets)
        for wrong in ("receipt", None, (receipt, 1)):
            with pytest.raises(TypeError, match=r"expected .*Receipt|expected a receipt"):
                providers.received(wrong)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="closed"):
        providers.received(receipt)


async def test_the_same_for_asyncio(key: SigningKey, start: Callable[..., ReceiverEmulator]) -> None:
    org = start(log_page=1, users=["ada@example.com"])
    async with (
        AsyncTransmitter(ISSUER, key) as transmitter,
        AsyncOktaProviders(org.base_url, ssws=TOKEN, retry=QUICK, allow_loopback=True) as providers,
    ):
        receipt = await transmitter.emit(risk(), ADA, to=org.receiver())
        assert (await providers.received(receipt)).outcome == "judged"
        assert [event.event_type async for event in providers.log(since=an_hour_ago())] == EVENTS

        log = providers.log(since=an_hour_ago(), follow=True, pause=0.02)
        assert [(await log.__anext__()).event_type for _ in range(2)] == EVENTS
        waiting = asyncio.ensure_future(log.__anext__())
        await transmitter.emit(risk(), ADA, to=org.receiver())
        assert (await waiting).event_type == EVENTS[0]

        diagnosis = await transmitter.doctor(risk(), ADA, org.receiver(), send=True, confirm=providers)
        check = diagnosis.check("okta-log")
        assert check is not None
        assert check.outcome == "passed"


def test_the_log_is_read_page_by_page(key: SigningKey, start: Callable[..., ReceiverEmulator]) -> None:
    org = start(log_page=2)
    with Transmitter(ISSUER, key) as transmitter, open_org(org) as providers:
        for _ in range(3):
            transmitter.emit(risk(), ADA, to=org.receiver())
        since, now = an_hour_ago(), datetime.now(timezone.utc) + timedelta(seconds=1)
        assert [event.event_type for event in providers.log(since=since)] == EVENTS * 3
        assert [event.event_type for event in providers.log(since=since, until=now, page_size=1)] == EVENTS * 3
        assert [event.event_type for event in providers.log(since=since, event_types=EVENTS[1])] == EVENTS[1:] * 3
        assert len(list(providers.log(since=since, event_types=[]))) == 6
        assert list(providers.log(since=now)) == []
        followed = providers.log(since=since, follow=True, pause=timedelta(milliseconds=10))
        assert [next(followed).event_type for _ in range(6)] == EVENTS * 3
        transmitter.emit(risk(), ADA, to=org.receiver())
        assert next(followed).event_type == EVENTS[0]
        for settings, pointer in (
            ({"page_size": 0}, "/page_size"),
            ({"until": since - timedelta(1)}, "/until"),
            ({"event_types": ["x", '"']}, "/event_types/1"),
        ):
            with pytest.raises(ConfigError) as raised:
                list(providers.log(since=since, **settings))
            assert (raised.value.code, raised.value.pointer) == ("configuration_invalid", pointer)
        with pytest.raises(TypeError, match="time zone"):
            providers.log(since=datetime(2026, 1, 1))


def test_a_doctor_looks_for_the_set(key: SigningKey, start: Callable[..., ReceiverEmulator]) -> None:
    org = start(users=["ada@example.com"], script=NO_LIST)
    with Transmitter(ISSUER, key) as transmitter, open_org(org, deadline=2.0) as providers:
        left = caep.SessionRevoked(event_timestamp=datetime.now(timezone.utc), reason_admin={"en": "Left"})
        receiver = org.receiver()
        outcomes = {
            name: transmitter.doctor(left, subject, receiver, send=send, confirm=providers).check("okta-log")
            for name, subject, send in (("arrived", ADA, True), ("dropped", EVE, True), ("unsent", ADA, False))
        }
    assert {name: check and check.outcome for name, check in outcomes.items()} == {
        "arrived": "passed",
        "dropped": "failed",
        "unsent": "skipped",
    }
    dropped = outcomes["dropped"]
    assert dropped is not None
    assert "not a sign-in" in dropped.message
    assert "username" in dropped.remedy
