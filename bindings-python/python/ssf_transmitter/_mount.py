"""What both mounts of the stream API share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ssf_transmitter.errors import SsfError
from ssf_transmitter.streams import Caller, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ssf_transmitter import _native

LOGGER = logging.getLogger("ssf_transmitter.streams")


class Mount:
    """The API, who authenticates, and what is there otherwise."""

    def __init__(self, native: _native.StreamApi, authenticate: Any, otherwise: Any, limit_by_address: bool) -> None:
        """Check that both can be called, if they are given."""
        for name, given in (("authenticate", authenticate), ("otherwise", otherwise)):
            if given is not None and not callable(given):
                raise TypeError(f"{name}: expected a callable, got {type(given).__name__}")
        self._native, self._authenticate, self._otherwise = native, authenticate, otherwise
        self._limit_by_address = limit_by_address

    def _is_theirs(self, path: str) -> bool:
        """Whether a request is for the other application."""
        return self._otherwise is not None and not self._native.serves(quoted(path))

    def _head(
        self, request: Request, query: str, headers: list[tuple[str, str]], address: str | None
    ) -> _native.StreamHead:
        remote = address if self._limit_by_address else None
        return request.method, f"{quoted(request.path)}?{query}", headers, remote


def quoted(path: str) -> str:
    """A path that a server has unquoted, as it may have been sent."""
    return quote(path, safe="/:@!$&'()*+,;=~-._", encoding="utf-8", errors="surrogateescape")


def request(method: str, path: str, headers: list[tuple[str, str]], context: Mapping[str, Any]) -> Request:
    """The request for a function that authenticates. Of a header that occurs twice, it sees both values."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return Request(method, path, joined, context)


def framed(request: Request, answer: _native.Answer) -> list[tuple[str, str]]:
    """The headers of an answer, with its length where it may have a body."""
    status, headers, body = answer
    if request.method == "HEAD" or status in (204, 304):
        return headers
    return [*headers, ("content-length", str(len(body)))]


def caller_tuple(caller: object) -> _native.StreamCaller | None:
    if caller is None:
        return None
    if not isinstance(caller, Caller):
        raise TypeError(f"authenticate: expected it to return a Caller or None, got {type(caller).__name__}")
    return caller._tuple()  # noqa: SLF001  # of this package


def log_failed(signatures: Iterable[object]) -> None:
    """Log what a signer raised, which the answer does not tell: for many SETs, the first one."""
    for error in signatures:
        if isinstance(error, SsfError) and error.__cause__ is not None:
            LOGGER.error("the signer raised an exception", exc_info=error.__cause__)
            return
