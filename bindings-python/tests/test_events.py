"""Events and subjects as typed values."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest

from ssf_transmitter import (
    Aliases,
    ComplexSubject,
    CustomEvent,
    CustomSubject,
    Email,
    IpAddresses,
    IssSub,
    Opaque,
    PhoneNumber,
    Scim,
    ValidationError,
    subjects,
)
from ssf_transmitter.events import CatalogueEvent, caep, govuk, okta, scim
from ssf_transmitter.subjects import Subject
from vectors import folder, plain, read

WHEN = datetime(2026, 1, 1, 0, 0, 0, 250_999, tzinfo=timezone.utc)
FAMILIES = ["caep", "risc", "ssf", "okta", "govuk", "login_gov", "scim", "oauth"]


def catalogue() -> list[type[CatalogueEvent]]:
    modules = [import_module(f"ssf_transmitter.events.{family}") for family in FAMILIES]
    return [getattr(module, name) for module in modules for name in module.__all__]


def test_there_is_a_class_for_every_event_of_the_catalogue() -> None:
    assert {(kind.id, kind.uri) for kind in catalogue()} == {
        (file["id"], next(iter(kind.uri for kind in catalogue() if kind.id == file["id"]))) for file in folder("events")
    }
    assert len(catalogue()) == len(folder("events"))


def typed(kind: type[CatalogueEvent], uri: str, claims: dict[str, Any]) -> CatalogueEvent:
    """The event of a case, through the fields of its class."""
    own = {wire: (name, of) for name, wire, of in kind._MEMBERS}
    fields: dict[str, Any] = {"other_members": {name: value for name, value in claims.items() if name not in own}}
    for wire, value in claims.items():
        if wire in own:
            name, of = own[wire]
            divisor = {"timestamp": 1, "milliseconds": 1000}.get(of)
            fields[name] = datetime.fromtimestamp(value / divisor, timezone.utc) if divisor else value
    if "{event_name}" in kind.uri:
        fields["event_name"] = uri.split("/")[-2]
    return kind(**fields)


@pytest.mark.parametrize("file", [pytest.param(file, id=file["id"]) for file in folder("events")])
def test_what_is_set_by_field_is_what_the_definition_says(file: dict[str, Any]) -> None:
    (kind,) = (kind for kind in catalogue() if kind.id == file["id"])
    for case in file["valid"]:
        event = typed(kind, file["uri"], case["claims"])
        assert event.to_dict() == {file["uri"]: case["claims"]}
        event.validate()


def test_events_are_frozen_keyword_only_and_compare_by_value() -> None:
    event = caep.SessionRevoked(current_ip="192.0.2.1")
    assert event == caep.SessionRevoked(current_ip="192.0.2.1") != caep.SessionRevoked()
    assert dataclasses.replace(event, current_ip=None) == caep.SessionRevoked()
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.current_ip = "192.0.2.2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        caep.SessionRevoked("192.0.2.1")  # type: ignore[misc]


def test_every_event_and_subject_has_a_docstring_with_its_source() -> None:
    for kind in [*catalogue(), *(getattr(subjects, name) for name in subjects.__all__)]:
        doc = inspect.getdoc(kind)
        assert doc
        assert "Source: " in doc or kind in (Subject, CustomSubject)
        for field in dataclasses.fields(kind):
            assert f"{field.name}: " in doc, (kind, field.name)


def test_times_are_datetimes_and_their_unit_is_that_of_the_member() -> None:
    claims = caep.SessionRevoked(event_timestamp=WHEN).to_dict()[caep.SessionRevoked.uri]
    assert claims == {"event_timestamp": 1767225600.25}
    assert type(caep.SessionRevoked(event_timestamp=WHEN.replace(microsecond=0)).to_dict()[
        caep.SessionRevoked.uri]["event_timestamp"]) is int  # fmt: skip
    (kind,) = (kind for kind in catalogue() if any(of == "milliseconds" for _, _, of in kind._MEMBERS))
    assert kind is govuk.EventMetadata
    elsewhere = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert govuk.EventMetadata(event_timestamp_ms=elsewhere).to_dict() == {
        govuk.EventMetadata.uri: {"event_timestamp_ms": 1767225600250}
    }


def test_a_name_in_the_uri_is_a_field() -> None:
    ((uri, members),) = govuk.EventDetails(event_name="accountDisabled", location="here").to_dict().items()
    assert uri == "https://vocab.account.gov.uk/secevent/v1/accountDisabled/eventDetails"
    assert members == {"location": "here"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: caep.SessionRevoked(reason_admin="Laptop lost"), "SessionRevoked.reason_admin: expected a mapping"),
        (
            lambda: caep.SessionRevoked(event_timestamp=1767225590),
            "SessionRevoked.event_timestamp: expected a datetime",
        ),
        (
            lambda: caep.SessionRevoked(event_timestamp=datetime(2026, 1, 1)),
            "event_timestamp: expected a datetime with",
        ),
        (lambda: caep.SessionRevoked(current_ip=7), "SessionRevoked.current_ip: expected str, got int"),
        (lambda: caep.SessionEstablished(amr="pwd"), "SessionEstablished.amr: expected a list of str, got str"),
        (lambda: caep.SessionEstablished(amr=["pwd", 7]), r"SessionEstablished.amr\[1\]: expected str, got int"),
        (lambda: caep.TokenClaimsChange(claims=[]), "TokenClaimsChange.claims: expected a mapping, got list"),
        (lambda: Email(7), "Email.email: expected str, got int"),
        (
            lambda: IssSub(iss="https://a.example", sub=None, other=1),
            r"IssSub.* got an unexpected keyword argument 'other'",
        ),
        (
            lambda: ComplexSubject(user="ada@example.com"),
            "ComplexSubject.user: expected a subject or a mapping, got str",
        ),
        (lambda: Aliases(Email("a@b.example")), "Aliases.identifiers: expected a list of subjects, got Email"),
        (lambda: CustomEvent(uri=7, claims={}), "CustomEvent.uri: expected str, got int"),
        (lambda: CustomEvent(uri="urn:x:y", claims=[]), "CustomEvent.claims: expected a mapping, got list"),
        (lambda: plain("session-revoked", Email("a@b.example")), "event: expected an event or a dict, got str"),
    ],
)
def test_a_wrong_type_is_a_type_error_with_the_name(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: caep.SessionRevoked(reason_admn={"en": "x"}), "'reason_admn'.*id you mean 'reason_admin'"),
        (lambda: caep.CredentialChange(credental_type="pin", change_type="create"), "id you mean 'credential_type'"),
        (lambda: okta.UserRiskChange(wholly_other=1), "unexpected keyword argument 'wholly_other'"),
        (lambda: IssSub(is_="x", sub="y"), "id you mean 'iss'"),
        (lambda: CustomEvent(url="x", claims={}), "id you mean 'uri'"),
    ],
)
def test_a_misspelt_keyword_is_named_with_the_one_that_was_meant(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_a_missing_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="change_type"):
        caep.CredentialChange(credential_type="pin")  # type: ignore[call-arg]


def test_a_wrong_value_is_a_validation_error_with_code_and_place() -> None:
    event = caep.CredentialChange(credential_type="password", change_type="changed")  # type: ignore[arg-type]
    with pytest.raises(ValidationError) as refused:
        event.validate()
    assert refused.value.code == "event_member_value"
    assert refused.value.pointer == (
        "/events/https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1credential-change/change_type"
    )
    assert "create, revoke, update, delete" in str(refused.value)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in read("subjects.json")["valid"]])
def test_a_subject_by_its_class_is_the_subject_of_the_case(case: dict[str, Any]) -> None:
    members = dict(case["subject"])
    format_ = members.pop("format")
    (kind,) = (
        kind
        for kind in (getattr(subjects, name) for name in subjects.__all__ if name not in ("Subject", "CustomSubject"))
        if kind.format == format_
    )
    own = {wire: name for name, wire, _ in kind._MEMBERS}
    fields: dict[str, Any] = {own[wire]: value for wire, value in members.items() if wire in own}
    others = {name: value for name, value in members.items() if name not in own}
    subject = kind(**fields, **({"other_members": others} if others else {}))
    subject.validate()
    assert subject.to_dict() == case["subject"]
    assert plain({"urn:example:event": {}}, subject).decode().claims["sub_id"] == case["subject"]


def test_subjects_with_one_member_take_it_by_position() -> None:
    assert Email("ada@example.com") == Email(email="ada@example.com")
    assert Opaque("1").to_dict() == {"format": "opaque", "id": "1"}
    assert PhoneNumber("+12065550100").to_dict()["phone_number"] == "+12065550100"
    assert IpAddresses([ip_address("2001:db8::1"), "192.0.2.1"]).to_dict()["ip-addresses"] == [
        "2001:db8::1",
        "192.0.2.1",
    ]
    assert Aliases([Email("a@b.example"), {"format": "opaque", "id": "1"}]).to_dict()["identifiers"] == [
        {"format": "email", "email": "a@b.example"},
        {"format": "opaque", "id": "1"},
    ]
    with pytest.raises(TypeError):
        IssSub("https://issuer.example", "1")  # type: ignore[misc]


def test_a_private_format_is_taken_where_it_is_meant_and_nowhere_else() -> None:
    item = CustomSubject(name="catalog_item", members={"catalog_id": "1"})
    for about in (item, Aliases([item]), ComplexSubject(user=item), ComplexSubject(other_members={"item": item})):
        about.validate()
        assert plain(caep.SessionRevoked(), about).decode().claims["sub_id"] == about.to_dict()
    with pytest.raises(ValidationError) as refused:
        plain(caep.SessionRevoked(), item.to_dict())
    assert refused.value.code == "subject_format_unknown"


def test_other_members_go_where_no_field_is() -> None:
    event = caep.SessionRevoked(current_ip="192.0.2.1", other_members={"current_ip": "no", "more": [1]})
    assert event.to_dict() == {caep.SessionRevoked.uri: {"current_ip": "192.0.2.1", "more": [1]}}
    resource = Scim(uri="/Users/1", other_members={"userName": "ada"})
    assert resource.to_dict() == {"format": "scim", "uri": "/Users/1", "userName": "ada"}


def test_what_was_given_can_change_later_without_an_effect() -> None:
    texts = {"en": "Laptop lost"}
    event = caep.SessionRevoked(reason_admin=texts)
    texts["en"] = "something else"
    assert event.to_dict()[caep.SessionRevoked.uri]["reason_admin"] == {"en": "Laptop lost"}


def test_a_repr_shows_no_content() -> None:
    for shown in (
        repr(caep.SessionRevoked(reason_admin={"en": "s3cret"})),
        repr(Email("s3cret@example.com")),
        repr(CustomEvent(uri="urn:x:y", claims={"a": "s3cret"})),
        repr(ComplexSubject(user=Email("s3cret@example.com"))),
        repr(scim.PatchFull(data={"a": "s3cret"}) if hasattr(scim, "PatchFull") else ""),
    ):
        assert "s3cret" not in shown


def test_values_are_what_the_json_module_makes_of_them() -> None:
    class Number(IntEnum):
        ONE = 1

    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    values: dict[str, Any] = {
        "none": None,
        "truths": [True, False],
        "numbers": [0, -1, 2**63, 2**64 - 1, -(2**63), 1.5, -0.0, 1e300, Number.ONE],
        "texts": ["", "\0", "\u00e9\u2028\U0001f4a9", "a" * 1000],
        "lists": [(), (1, (2,)), [[]]],
        "dicts": {"": {}, "b": 1, "a": 2},
        "ordered": OrderedDict(z=1, a=OrderedDict()),
        "deep": deep,
    }
    claims = plain(CustomEvent(uri="urn:example:event", claims=values), Email("ada@example.com")).decode().claims
    expected = json.loads(json.dumps(values))
    assert claims["events"]["urn:example:event"] == expected
    assert list(claims["events"]["urn:example:event"]) == list(expected)


def test_a_dict_is_taken_where_an_event_is() -> None:
    event = {caep.SessionRevoked.uri: {"event_timestamp": 1767225600}}
    claims = plain(event, {"format": "email", "email": "ada@example.com"}).decode().claims
    assert claims["events"][caep.SessionRevoked.uri] == {"event_timestamp": 1767225600}
