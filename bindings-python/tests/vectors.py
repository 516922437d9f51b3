"""The shared test vectors, and what their cases mean in Python."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ssf_transmitter import CustomEvent, CustomSubject, Dialect, SsfError, UnsignedSet, prepare_set

FOLDER = Path(__file__).parents[2] / "tests" / "vectors"
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
ISSUER = "https://transmitter.example.com"
AUDIENCE = "https://receiver.example.net"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


def folder(name: str) -> list[dict[str, Any]]:
    """All files of a folder, which are those of the manifest."""
    files = [json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / name).glob("*.json"))]
    assert sorted(file["id"] for file in files) == sorted(MANIFEST[name]["ids"])
    assert len(files) == MANIFEST[name]["files"]
    return files


def cases(file: str, kind: str) -> list[Any]:
    """The cases of a kind as parameters; as many as the manifest says."""
    listed = read(file)[kind]
    assert len(listed) == MANIFEST[file][kind], f"{file}: {kind}"
    return [pytest.param(case, id=case["name"]) for case in listed]


def moment(seconds: float) -> datetime:
    whole = math.floor(seconds)
    return EPOCH + timedelta(seconds=whole, milliseconds=round((seconds - whole) * 1000))


def dialect(value: Any) -> Dialect:
    return Dialect.built_in(value) if isinstance(value, str) else Dialect.from_toml(value["toml"])


def subject(value: Any, *, private: bool = False) -> Any:
    if not private:
        return value
    members = dict(value)
    return CustomSubject(name=members.pop("format"), members=members)


def custom_event(value: dict[str, Any]) -> CustomEvent:
    ((uri, claims),) = value.items()
    return CustomEvent(uri=uri, claims=claims)


def build(given: dict[str, Any], chosen: Any = "ssf-1.0", algorithm: str = "RS256", kid: str = "kid") -> UnsignedSet:
    """The SET that an `input` describes."""
    known = {"issuer", "audience", "events", "subject", "private_subject", "txn", "toe", "jti", "issued_at", "claims"}
    assert given.keys() <= known
    times = {name: moment(given[name]) for name in ("toe", "issued_at") if name in given}
    others = {name: given[name] for name in ("txn", "jti", "claims") if name in given}
    if "subject" in given:
        others["subject"] = subject(given["subject"], private="private_subject" in given)
    return prepare_set(
        *given["events"],
        issuer=given["issuer"],
        audience=given["audience"],
        dialect=dialect(chosen),
        algorithm=algorithm,  # type: ignore[arg-type]
        kid=kid,
        **times,
        **others,
    )


def plain(event: Any, about: Any, **others: Any) -> UnsignedSet:
    """A SET of which only event and subject matter."""
    return prepare_set(event, subject=about, issuer=ISSUER, audience=AUDIENCE, algorithm="RS256", kid="kid", **others)


def assert_refused(error: SsfError, case: dict[str, Any]) -> None:
    assert (error.code, error.pointer) == (case["code"], case["pointer"])
    for words in case.get("says", []):
        assert words in error.message
