"""What all events and all subjects have in common: from typed fields to the JSON that the core reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ssf_transmitter import _native
from ssf_transmitter._keywords import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

#: A JSON object, as Python has it.
Json = dict[str, Any]


class Checked:
    """A dataclass whose constructor refuses keywords that it does not know with a hint."""

    if not TYPE_CHECKING:

        def __new__(cls, *_: object, **kwargs: object) -> Self:
            known = cls.__dataclass_fields__
            if not kwargs.keys() <= known.keys():
                names = [field.name for field in fields(cls) if field.init]
                if any(name not in names for name in kwargs):
                    raise unexpected(cls.__name__, kwargs, names)
            return super().__new__(cls)


@dataclass(frozen=True, kw_only=True, repr=False)
class Event(Checked):
    """An event: what happened. Its `repr` shows which one, and nothing of what it says."""

    def to_dict(self) -> Json:
        """The event as it stands in a SET: its members, under the event type URI."""
        raise NotImplementedError

    def validate(self) -> None:
        """Check the event against its definition. Preparing a SET does so too.

        Raises:
            ValidationError: with the place in `pointer`.
        """
        _native.check_event(event_json(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass(frozen=True, kw_only=True, repr=False)
class CatalogueEvent(Event):
    """An event of the catalogue. Its types are checked when it is made, its values when it is sent."""

    #: The catalogue's id, such as `caep.session-revoked`.
    id: ClassVar[str]
    #: The event type URI. Names in braces in it are fields.
    uri: ClassVar[str]
    # Of each field: its name here, its name in JSON, its type.
    _MEMBERS: ClassVar[tuple[tuple[str, str, str], ...]]

    other_members: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        """Check the types."""
        object.__setattr__(self, "_claims", self._encode())

    def to_dict(self) -> Json:
        """The event as it stands in a SET: its members, under the event type URI."""
        claims: Json = self.__dict__["_claims"]
        uri = self.uri.format(**self.__dict__) if "{" in self.uri else self.uri
        return {uri: dict(claims)}

    def _encode(self) -> Json:
        others = self.other_members
        claims = {} if others is None else as_object(others, self._place("other_members"))
        for name, wire, kind in self._MEMBERS:
            value = getattr(self, name)
            if value is not None:
                claims[wire] = ENCODERS[kind](value, self._place(name))
        return claims

    def _place(self, name: str) -> str:
        return f"{type(self).__name__}.{name}"


@dataclass(frozen=True, kw_only=True, repr=False)
class CustomEvent(Event):
    """An event that the catalogue does not know, or one of its events from members that you already have as JSON.

    >>> event = CustomEvent(uri="https://edr.example.com/events/quarantine", claims={"host": "laptop-7"})
    >>> event.validate()

    Args:
        uri: The event type URI.
        claims: The members of the event.
    """

    uri: str
    claims: Mapping[str, object]

    def __post_init__(self) -> None:
        """Check the types."""
        as_text(self.uri, "CustomEvent.uri")
        object.__setattr__(self, "claims", as_object(self.claims, "CustomEvent.claims"))

    def to_dict(self) -> Json:
        """The event as it stands in a SET."""
        return {self.uri: dict(self.claims)}


@dataclass(frozen=True, repr=False)
class Subject(Checked):
    """A subject identifier: whom or what an event is about. Its `repr` shows the format and nothing else."""

    #: The name of the format.
    format: ClassVar[str]
    # Of each field: its name here, its name in JSON, its type.
    _MEMBERS: ClassVar[tuple[tuple[str, str, str], ...]] = ()

    def __post_init__(self) -> None:
        """Check the types."""
        object.__setattr__(self, "_members", self._encode())

    def to_dict(self) -> Json:
        """The subject as JSON has it."""
        members: Json = self.__dict__["_members"]
        return dict(members)

    def validate(self) -> None:
        """Check the subject against its format. Preparing a SET does so too.

        Raises:
            ValidationError: with the place in `pointer`.
        """
        _native.check_subject(subject_json(self))

    def _encode(self) -> Json:
        owner = type(self).__name__
        # Members of the definition go before those that were added.
        others = getattr(self, "other_members", None)
        members: Json = {} if others is None else members_of(others, f"{owner}.other_members")
        members["format"] = self.format
        for name, wire, kind in self._MEMBERS:
            value = getattr(self, name)
            if value is not None:
                members[wire] = ENCODERS[kind](value, f"{owner}.{name}")
        return members

    def is_private(self) -> bool:
        """Whether formats that the catalogue does not know are meant, here or inside."""
        return any(inner.is_private() for inner in self._inner())

    def _inner(self) -> list[Subject]:
        found: list[Subject] = []
        for value in self.__dict__.values():
            items = (
                value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else [value]
            )
            found += [item for item in items if isinstance(item, Subject)]
        return found

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
    """The error for a value of another type than the one that was expected."""
    return TypeError(f"{place}: expected {expected}, got {type(value).__name__}")


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


def as_subject(value: object, place: str) -> Json:
    """A subject inside something else."""
    return value.to_dict() if isinstance(value, Subject) else as_object(value, place, "a subject or a mapping")


def members_of(value: object, place: str) -> Json:
    """Further members of a subject, which may be subjects."""
    return {name: plain(member) for name, member in as_object(value, place).items()}


def _boolean(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    raise wrong_type(value, place, "bool")


def _integer(value: object, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong_type(value, place, "int")


def _time(convert: Callable[[datetime], float]) -> Callable[[object, str], float]:
    def encode(value: object, place: str) -> float:
        if isinstance(value, datetime) and value.utcoffset() is not None:
            return convert(value)
        raise wrong_type(value, place, "a datetime with a time zone")

    return encode


def _localized(value: object, place: str) -> Json:
    return as_object(value, place, "a mapping of texts by language, such as {'en': '…'}")


def _items(value: object, place: str, expected: str) -> list[object]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        return list(value)
    raise wrong_type(value, place, f"a list of {expected}")


def _texts(value: object, place: str) -> list[str]:
    return [as_text(item, f"{place}[{index}]") for index, item in enumerate(_items(value, place, "str"))]


def _addresses(value: object, place: str) -> list[str]:
    return [str(item) for item in _items(value, place, "addresses")]


def _subjects(value: object, place: str) -> list[Json]:
    return [as_subject(item, f"{place}[{index}]") for index, item in enumerate(_items(value, place, "subjects"))]


#: How a field gets into JSON, by its type in the catalogue.
ENCODERS: dict[str, Callable[[object, str], Any]] = {
    "string": as_text,
    "enum": as_text,
    "boolean": _boolean,
    "integer": _integer,
    "timestamp": _time(_native.seconds),
    "milliseconds": _time(_native.milliseconds),
    "localized": _localized,
    "list": _texts,
    "strings": _addresses,
    "object": as_object,
    "subject": as_subject,
    "subjects": _subjects,
}


def plain(value: object) -> object:
    """What a value that JSON does not know is in JSON."""
    if isinstance(value, Subject):
        return value.to_dict()
    if isinstance(value, datetime):
        return _native.seconds(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value


def _default(value: object) -> object:
    converted = plain(value)
    if converted is value:
        raise TypeError(f"a {type(value).__name__} has no form in JSON")
    return converted


def dumps(value: object) -> str:
    """A value as JSON. What JSON cannot carry, such as NaN, is left for the core to refuse."""
    return json.dumps(value, default=_default, separators=(",", ":"))


def event_json(event: Event | Mapping[str, object], place: str = "event") -> str:
    """An event, or the dict that it is in a SET, as JSON."""
    return dumps(event.to_dict() if isinstance(event, Event) else as_object(event, place, "an event or a dict"))


def subject_json(subject: Subject | Mapping[str, object], place: str = "subject") -> tuple[str, bool]:
    """A subject as JSON, and whether private formats are meant in it."""
    if isinstance(subject, Subject):
        return dumps(subject.to_dict()), subject.is_private()
    return dumps(as_object(subject, place, "a subject or a dict")), False
