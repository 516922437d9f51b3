"""What all events and all subjects have in common: from typed fields to the objects that the core reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, ClassVar

from ssf_transmitter import _native
from ssf_transmitter._keywords import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

#: A JSON object, as Python has it.
Json = dict[str, Any]


class Checked:
    """A dataclass whose constructor rejects unknown keywords with a hint."""

    # From 3.13 on Python gives the hint itself.
    if not TYPE_CHECKING and sys.version_info < (3, 13):

        def __new__(cls, *_: object, **kwargs: object) -> Self:
            known = cls.__dataclass_fields__
            if not kwargs.keys() <= known.keys():
                names = [field.name for field in fields(cls) if field.init]
                if any(name not in names for name in kwargs):
                    raise unexpected(cls.__name__, kwargs, names)
            return super().__new__(cls)


@dataclass(frozen=True, kw_only=True, repr=False)
class Event(Checked):
    """An event. Its `repr` shows only the type, and no members."""

    def to_dict(self) -> Json:
        """The event as in a SET: its members, under the event type URI."""
        raise NotImplementedError

    def validate(self) -> None:
        """Check the event against its definition. Preparing a SET does so too.

        Raises:
            ValidationError: with the place in `pointer`.
        """
        _native.check_event(event_object(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass(frozen=True, kw_only=True, repr=False)
class CatalogueEvent(Event):
    """An event of the catalogue. Types are checked on construction, values when it is sent."""

    #: The catalogue's id, such as `caep.session-revoked`.
    id: ClassVar[str]
    #: The event type URI. Names in braces in it are fields.
    uri: ClassVar[str]
    # Of each field: its name here, its name in JSON, its type.
    _MEMBERS: ClassVar[tuple[tuple[str, str, str], ...]]

    other_members: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        """Check the types."""
        self.__dict__["_claims"] = self._encode()

    def to_dict(self) -> Json:
        """The event as in a SET: its members, under the event type URI."""
        return {uri: dict(claims) for uri, claims in self.claims_by_uri().items()}

    def claims_by_uri(self) -> dict[str, Json]:
        """The same. Do not modify it."""
        uri = self.uri.format(**self.__dict__) if "{" in self.uri else self.uri
        return {uri: self.__dict__["_claims"]}

    def _encode(self) -> Json:
        others = self.other_members
        claims = {} if others is None else as_object(others, f"{type(self).__name__}.other_members")
        return encode(self, self._MEMBERS, claims)


@dataclass(frozen=True, kw_only=True, repr=False)
class CustomEvent(Event):
    """An event outside the catalogue, or a catalogue event whose members you already have as JSON.

    >>> event = CustomEvent(uri="https://edr.example.com/events/quarantine", claims={"host": "laptop-7"})
    >>> event.validate()

    Args:
        uri: The event type URI.
        claims: The members of the event: values that JSON has, dicts, lists and tuples. Anything else, such as a
            `datetime` or `nan`, is refused with its place when the event is checked or sent.
    """

    uri: str
    claims: Mapping[str, object]

    def __post_init__(self) -> None:
        """Check the types."""
        as_text(self.uri, "CustomEvent.uri")
        object.__setattr__(self, "claims", as_object(self.claims, "CustomEvent.claims"))

    def to_dict(self) -> Json:
        """The event as in a SET."""
        return {self.uri: dict(self.claims)}


@dataclass(frozen=True, repr=False)
class Subject(Checked):
    """A subject identifier. Its `repr` shows only the format."""

    #: The name of the format.
    format: ClassVar[str]
    # Of each field: its name here, its name in JSON, its type.
    _MEMBERS: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    _NESTS: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the types."""
        self.__dict__["_members"] = self._encode()

    def to_dict(self) -> Json:
        """The subject as JSON."""
        return dict(self.as_json())

    def as_json(self) -> Json:
        """The same. Do not modify it."""
        members: Json = self.__dict__["_members"]
        return members

    def validate(self) -> None:
        """Check the subject against its format. Preparing a SET does so too.

        Raises:
            ValidationError: with the place in `pointer`.
        """
        _native.check_subject(subject_object(self))

    def _encode(self) -> Json:
        # Members of the definition go before those that were added.
        others = self.__dict__.get("other_members")
        members: Json = {} if others is None else members_of(others, f"{type(self).__name__}.other_members")
        members["format"] = self.format
        return encode(self, self._MEMBERS, members)

    def is_private(self) -> bool:
        """Whether formats that the catalogue does not know are meant, here or inside."""
        return self._NESTS and any(inner.is_private() for inner in self._inner())

    def _inner(self) -> list[Subject]:
        found: list[Subject] = []
        for value in self.__dict__.values():
            items = value.values() if isinstance(value, Mapping) else value
            items = items if isinstance(items, Iterable) and not isinstance(items, str) else [items]
            found += [item for item in items if isinstance(item, Subject)]
        return found

    def __init_subclass__(cls) -> None:
        """Note whether there can be subjects inside."""
        cls._NESTS = any(kind in ("subject", "subjects") for _, _, kind in cls._MEMBERS)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass(frozen=True, kw_only=True, repr=False)
class CustomSubject(Subject):
    """A subject in a private format that the parties agreed on (SSF 1.0 §3.4).

    >>> CustomSubject(name="catalog_item", members={"catalog_id": "c0384/winter/2354122"}).validate()

    Args:
        name: The name of the format.
        members: The other members.
    """

    name: str
    members: Mapping[str, object]

    def _encode(self) -> Json:
        members = as_object(self.members, "CustomSubject.members")
        members["format"] = as_text(self.name, "CustomSubject.name")
        return members

    def is_private(self) -> bool:
        return True


def wrong_type(value: object, place: str, expected: str) -> TypeError:
    """The error for a value of an unexpected type."""
    return TypeError(f"{place}: expected {expected}, got {type(value).__name__}")


class Mismatch(Exception):
    """A value of an unexpected type, `where` inside the field."""

    def __init__(self, value: object, expected: str, where: str = "") -> None:
        self.value = value
        self.expected = expected
        self.where = where


def encode(owner: object, fields: tuple[tuple[str, str, str], ...], into: Json) -> Json:
    """Puts the fields that are set into a JSON object."""
    values = owner.__dict__
    for name, wire, kind in fields:
        value = values[name]
        if value is not None:
            try:
                into[wire] = ENCODERS[kind](value)
            except Mismatch as mismatch:
                place = f"{type(owner).__name__}.{name}{mismatch.where}"
                raise wrong_type(mismatch.value, place, mismatch.expected) from None
    return into


def as_text(value: object, place: str) -> str:
    """A string."""
    if isinstance(value, str):
        return value
    raise wrong_type(value, place, "str")


def as_object(value: object, place: str, expected: str = "a mapping") -> Json:
    """An object of JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    raise wrong_type(value, place, expected)


def members_of(value: object, place: str) -> Json:
    """Further members of a subject, which may be subjects."""
    members = as_object(value, place)
    return {name: member.to_dict() if isinstance(member, Subject) else member for name, member in members.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise Mismatch(value, "str")


def _address(value: object) -> str:
    return str(value) if isinstance(value, (IPv4Address, IPv6Address)) else _text(value)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Mismatch(value, "bool")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Mismatch(value, "int")


def _time(convert: Callable[[datetime], float]) -> Callable[[object], float]:
    def encode(value: object) -> float:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return convert(value)
        raise Mismatch(value, "a datetime with a time zone")

    return encode


def _object(value: object, expected: str = "a mapping") -> Json:
    # To ask for an abstract class takes longer than all else here.
    if type(value) is dict or isinstance(value, Mapping):
        return dict(value)
    raise Mismatch(value, expected)


def _localized(value: object) -> Json:
    return _object(value, "a mapping of strings by language, such as {'en': '…'}")


def _subject(value: object) -> Json:
    return value.to_dict() if isinstance(value, Subject) else _object(value, "a subject or a mapping")


def _list(convert: Callable[[object], Any], expected: str) -> Callable[[object], list[Any]]:
    def encode(value: object) -> list[Any]:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise Mismatch(value, f"a list of {expected}")
        converted: list[Any] = []
        for index, item in enumerate(value):
            try:
                converted.append(convert(item))
            except Mismatch as mismatch:
                raise Mismatch(mismatch.value, mismatch.expected, f"[{index}]") from None
        return converted

    return encode


#: How a field gets into JSON, by its type in the catalogue.
ENCODERS: dict[str, Callable[[object], Any]] = {
    "string": _text,
    "enum": _text,
    "boolean": _boolean,
    "integer": _integer,
    "timestamp": _time(_native.seconds),
    "milliseconds": _time(_native.milliseconds),
    "localized": _localized,
    "list": _list(_text, "str"),
    "strings": _list(_address, "addresses"),
    "object": _object,
    "subject": _subject,
    "subjects": _list(_subject, "subjects"),
}


def event_object(event: Event | Mapping[str, object], place: str = "event") -> Json:
    """An event as in a SET. Do not modify it."""
    if isinstance(event, CatalogueEvent):
        return event.claims_by_uri()
    return event.to_dict() if isinstance(event, Event) else as_object(event, place, "an event or a dict")


def given_subject(subject: Subject | Mapping[str, object] | None) -> tuple[Json, bool] | None:
    """`subject_object`, where the event may have the subject inside."""
    return None if subject is None else subject_object(subject)


def subject_object(subject: Subject | Mapping[str, object], place: str = "subject") -> tuple[Json, bool]:
    """A subject as JSON has it, not to be changed, and whether private formats are meant in it."""
    if isinstance(subject, Subject):
        return subject.as_json(), subject.is_private()
    return as_object(subject, place, "a subject or a dict"), False
