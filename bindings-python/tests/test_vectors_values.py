"""`values.json`: every value goes into a SET exactly, or is refused with its place."""

from __future__ import annotations

import base64
import ipaddress
import math
import os
import re
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ssf_transmitter import (
    ComplexSubject,
    CustomEvent,
    CustomSubject,
    Email,
    IpAddresses,
    Opaque,
    UnsignedSet,
    ValidationError,
    prepare_set,
)
from ssf_transmitter.events import caep
from ssf_transmitter.lint import Linter
from vectors import AUDIENCE, ISSUER, MANIFEST, read

if TYPE_CHECKING:
    from collections.abc import Callable

URI = "urn:example:event"
TABLE = read("values.json")


class Name(str):
    __slots__ = ()


class Items(list[Any]):
    pass


class Level(IntEnum):
    HIGH = 2


class Color(str, Enum):
    RED = "red"


class Plain(Enum):
    RED = "red"


@dataclass
class Item:
    a: int


Point = namedtuple("Point", "x y")  # noqa: PYI024  # as many write it


def lists(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth - 1):
        inner = [inner]
    return inner


def circle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


#: What stands for the rows of this language.
VALUES: dict[str, Callable[[], object]] = {
    "null": lambda: None,
    "boolean": lambda: True,
    "text": lambda: "ü😀",
    "text-nul": lambda: "a\0b",
    "text-half-surrogate": lambda: "\ud800",
    "text-surrogateescape": lambda: os.fsdecode(b"\xff"),
    "text-subclass": lambda: Name("ada"),
    "name-half-surrogate": lambda: {"\ud800": 1},
    "name-number": lambda: {1: 2},
    "name-none": lambda: {None: 1},
    "name-escaped": lambda: {"a/b~": [math.nan]},
    "integer": lambda: 1,
    "integer-safe": lambda: 2**53 - 1,
    "integer-beyond-safe": lambda: 2**53 + 1,
    "integer-least": lambda: -(2**63),
    "integer-largest": lambda: 2**64 - 1,
    "integer-beyond": lambda: 2**64,
    "integer-serial": lambda: 2**159 + 1,
    "integer-subclass": lambda: Level.HIGH,
    "float": lambda: 0.1,
    "float-17-digits": lambda: 0.1 + 0.2,
    "float-whole": lambda: 1.0,
    "float-2-60": lambda: 2.0**60,
    "float-large": lambda: 1e300,
    "float-small": lambda: 5e-324,
    "float-negative-zero": lambda: -0.0,
    "float-nan": lambda: math.nan,
    "float-infinity": lambda: math.inf,
    "float-minus-infinity": lambda: -math.inf,
    "decimal": lambda: Decimal("0.1"),
    "fraction": lambda: Fraction(1, 3),
    "complex": lambda: 1j,
    "list": lambda: [1, "a", None],
    "list-empty": list,
    "list-subclass": lambda: Items([1]),
    "tuple": lambda: (1, 2),
    "tuple-named": lambda: Point(1, 2),
    "set": lambda: {1, 2},
    "frozenset": lambda: frozenset({1}),
    "iterator": lambda: (item for item in [1]),
    "object": lambda: {"a": 1, "b": {}},
    "object-empty": dict,
    "object-subclass": lambda: OrderedDict(a=1),
    "object-mapping": lambda: MappingProxyType({"a": 1}),
    "instance": lambda: Item(1),
    "subject": lambda: Email("ada@example.com"),
    "bytes": lambda: b"a",
    "bytes-other": lambda: bytearray(b"a"),
    "bytes-view": lambda: memoryview(b"a"),
    "date": lambda: datetime.now(timezone.utc),
    "date-naive": lambda: datetime(2026, 1, 1),  # that is the case
    "date-day": lambda: date(2026, 1, 1),
    "date-time": lambda: time(12, 0),
    "date-span": lambda: timedelta(seconds=1),
    "enum": lambda: Plain.RED,
    "enum-text": lambda: Color.RED,
    "uuid": uuid.uuid4,
    "address": lambda: ipaddress.ip_address("192.0.2.1"),
    "path": lambda: Path("/tmp"),
    "regexp": lambda: re.compile("a"),
    "error": lambda: ValueError("a"),
    "function": lambda: print,
    "undefined-in-object": lambda: {"a": print},
    "numpy-float64": lambda: np.float64(0.1),
    "numpy-float32": lambda: np.float32(0.1),
    "numpy-int64": lambda: np.int64(1),
    "numpy-bool": lambda: np.bool_(True),
    "numpy-array": lambda: np.array([1]),
    "numpy-datetime": lambda: np.datetime64("2026-01-01"),
    "deep": lambda: lists(63),
    "too-deep": lambda: lists(64),
    "far-too-deep": lambda: lists(1000),
    "circle": circle,
}

#: Where a value may stand: how it gets there, the text around it there, and a pointer to it.
PLACES: dict[str, tuple[Callable[[object], dict[str, Any]], str, str]] = {
    "event": (
        lambda value: {"event": CustomEvent(uri=URI, claims={"value": value})},
        '{"value":%s}',
        f"/events/{URI}/value",
    ),
    "subject": (
        lambda value: {"subject": CustomSubject(name="own", members={"value": value})},
        '{"value":%s,"format":"own"}',
        "/value",
    ),
    "claim": (lambda value: {"claims": {"value": value}}, ',"value":%s}', "/value"),
}


def build(**parts: Any) -> UnsignedSet:
    event = parts.pop("event", caep.SessionRevoked())
    given = {"issuer": ISSUER, "audience": AUDIENCE, "subject": Opaque("1"), "algorithm": "RS256", "kid": None}
    return prepare_set(event, **(given | parts))


def payload_of(unsigned: UnsignedSet) -> str:
    payload = unsigned.signing_input.partition(b".")[2]
    return base64.urlsafe_b64decode(payload + b"==").decode()


def each_row() -> list[Any]:
    rows = [row for row in TABLE["values"] if "python" in row["given"]]
    return [pytest.param(row, place, id=f"{row['id']}: {place}") for row in rows for place in row.get("places", PLACES)]


def test_the_rows_of_the_table_are_those_of_this_test() -> None:
    assert len(TABLE["values"]) == MANIFEST["values.json"]["values"]
    assert VALUES.keys() == {row["id"] for row in TABLE["values"] if "python" not in row.get("absent", {})}


@pytest.mark.parametrize(("row", "place"), each_row())
def test_a_value_goes_out_exactly_or_is_refused_with_its_place(row: dict[str, Any], place: str) -> None:
    parts, around, pointer = PLACES[place]
    outcome = row.get("except", {}).get("python", row["outcome"])
    value = VALUES[row["id"]]()
    if "code" in outcome:
        with pytest.raises(ValidationError) as refused:
            build(**parts(value))
        assert (refused.value.code, refused.value.pointer) == (outcome["code"], pointer + outcome["pointer"])
        return
    unsigned = build(**parts(value))
    assert around % outcome["json"] in payload_of(unsigned)
    found = [finding.rule for finding in unsigned.findings if finding.rule == "integer-too-large"]
    assert found == outcome.get("findings", [])


def test_json_texts_are_for_other_languages() -> None:
    # Here `json.loads` reads them.
    assert len(TABLE["texts"]) == MANIFEST["values.json"]["texts"]


def test_a_value_is_looked_at_in_every_place_that_takes_any() -> None:
    uri = caep.TokenClaimsChange.uri.replace("/", "~1")
    moment = datetime.now(timezone.utc)
    for work, code, pointer in (
        (
            lambda: build(event=caep.TokenClaimsChange(claims={"a": 2**64})),
            "number_not_exact",
            f"/events/{uri}/claims/a",
        ),
        (
            lambda: build(event=caep.TokenClaimsChange(claims={"a": 1}, other_members={"more": [moment]})),
            "value_not_json",
            f"/events/{uri}/more/0",
        ),
        (
            lambda: build(subject=ComplexSubject(other_members={"device": {"format": "opaque", "id": b"1"}})),
            "value_not_json",
            "/device/id",
        ),
        (lambda: build(event={URI: {"a": math.nan}}), "value_not_json", f"/events/{URI}/a"),
        (lambda: CustomEvent(uri=URI, claims={"a": {1}}).validate(), "value_not_json", f"/events/{URI}/a"),
    ):
        with pytest.raises(ValidationError) as refused:
            work()
        assert (refused.value.code, refused.value.pointer) == (code, pointer)
    # Lint never raises: there it is a finding.
    (found,) = Linter().event({URI: {"a": math.nan}})
    assert (found.rule, found.pointer) == ("json-invalid", f"/events/{URI}/a")


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"issuer": "a\udc00"}, "/iss"),
        ({"audience": "a\udc00"}, "/aud"),
        ({"audience": ["a", "a\udc00"]}, "/aud"),
        ({"txn": "a\udc00"}, "/txn"),
        ({"jti": "a\udc00"}, "/jti"),
        ({"subject": Opaque("a\udc00")}, "/id"),
        ({"event": caep.SessionRevoked(current_ip="a\udc00")}, f"/events/{caep.SessionRevoked.uri}/current_ip"),
        ({"event": {"urn:\udc00": {}}}, "/events"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_in_every_text(parts: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ValidationError) as refused:
        build(**parts)
    found = (refused.value.pointer or "").replace("~1", "/")
    assert (refused.value.code, found) == ("text_not_unicode", pointer)


def test_what_reading_a_value_raises_is_raised() -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise LookupError("no")

    with pytest.raises(LookupError):
        build(claims={"a": Broken()})


def test_a_dict_that_changes_while_it_is_read_is_read_as_it_was() -> None:
    claims: dict[str, Any] = {}

    class Changing(dict[str, Any]):
        def items(self) -> Any:
            claims["more"] = 1
            return super().items()

    claims["a"] = Changing(b=1)
    assert '"a":{"b":1}' in payload_of(build(event={URI: claims}))


def test_an_address_is_text_or_an_address() -> None:
    addresses = IpAddresses(["192.0.2.1", ipaddress.ip_address("2001:db8::1")])
    assert addresses.to_dict()["ip-addresses"] == ["192.0.2.1", "2001:db8::1"]
    for other in (None, 5, b"192.0.2.1"):
        with pytest.raises(TypeError, match=r"IpAddresses.ip_addresses\[0\]: expected str"):
            IpAddresses([other])  # type: ignore[list-item]
