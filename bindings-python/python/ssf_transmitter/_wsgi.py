"""The stream API as a WSGI application (PEP 3333)."""

from __future__ import annotations

from http.client import responses
from typing import TYPE_CHECKING, Any

from ssf_transmitter._mount import Mount, caller_tuple, framed, log_failed, request
from ssf_transmitter.errors import SsfError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from ssf_transmitter import _native


class WsgiApp(Mount):
    """The API for a WSGI server, or for an application that mounts others."""

    def __init__(
        self,
        native: _native.StreamApi,
        authenticate: Any,
        otherwise: Any,
        limit_by_address: bool,
        longest_poll: timedelta | float,
    ) -> None:
        """Take the settings."""
        super().__init__(native, authenticate, otherwise, limit_by_address)
        self._longest_poll = longest_poll

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Answer one request."""
        # Bytes that were decoded as Latin-1, as PEP 3333 has it.
        raw = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        path = raw.encode("latin-1").decode("utf-8", "surrogateescape")
        if self._is_theirs(path):
            theirs: Iterable[bytes] = self._otherwise(environ, start_response)
            return theirs
        headers = _headers(environ)
        asked = request(environ["REQUEST_METHOD"], path, headers, environ)
        head = self._head(asked, environ.get("QUERY_STRING", ""), headers, environ.get("REMOTE_ADDR"))
        if self._authenticate is None:
            begun = self._native.admit(head)
        else:
            begun = self._native.begin(head, caller_tuple(self._authenticate(asked)))
        answer = begun if isinstance(begun, tuple) else self._respond(begun, environ)
        status, _, body = answer
        start_response(f"{status} {responses.get(status, 'Unknown')}", framed(asked, answer))
        return [body]

    def _respond(self, call: _native.StreamCall, environ: dict[str, Any]) -> _native.Answer:
        # One byte more shows that a body is too long.
        size = call.limit + 1 if call.limit > 0 else 0
        if not environ.get("wsgi.input_terminated"):
            # Without its length, nobody knows where a body ends.
            announced = environ.get("CONTENT_LENGTH") or "0"
            size = min(size, int(announced) if announced.isdecimal() else 0)
        answer = call.respond(environ["wsgi.input"].read(size) if size > 0 else b"", self._longest_poll)
        return answer if isinstance(answer, tuple) else answer.finish(_signatures(answer))


def _signatures(signing: _native.StreamSigning) -> list[Any]:
    """The signatures, one after the other, until one fails."""
    from ssf_transmitter._base import late, signer_failed  # loaded on demand
    from ssf_transmitter._transmitter import _answer

    signatures: list[Any] = []
    for wanted in signing.requests:
        try:
            signatures.append(_answer(wanted) if signing.time_left > 0 else late())
        except TypeError as error:  # its function is async
            signatures.append(signer_failed(error))
        if isinstance(signatures[-1], SsfError):
            break
    log_failed(signatures)
    return signatures


def _headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    names = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
    headers = [(name, environ[key]) for key, name in names.items() if environ.get(key)]
    sent = [key for key in environ if key.startswith("HTTP_")]
    return headers + [(key[5:].replace("_", "-").lower(), environ[key]) for key in sent]
