"""The stream API as an ASGI application (ASGI 3.0)."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ssf_transmitter._mount import Mount, caller_tuple, framed, log_failed, request
from ssf_transmitter._pending import pending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from ssf_transmitter import _native
    from ssf_transmitter.streams import Request

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

# How long a caller may take to send a body, in seconds.
BODY_TIME = 10


class AsgiApp(Mount):
    """The API for an ASGI server, or for an application that mounts others."""

    _mailbox: _native.Mailbox | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if self._otherwise is None:
                raise RuntimeError(f"the stream API serves http, and not {scope['type']}")
            await self._otherwise(scope, receive, send)
            return
        path = _path(scope)
        if self._is_theirs(path):
            await self._otherwise(scope, receive, send)
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        asked = request(scope["method"], path, headers, scope)
        client = scope.get("client") or (None,)
        head = self._head(asked, scope.get("query_string", b"").decode("latin-1"), headers, client[0])
        begun = await self._begin(asked, head)
        answer = begun if isinstance(begun, tuple) else await self._respond(begun, receive)
        if answer is None:
            return
        status, _, body = answer
        framing = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in framed(asked, answer)]
        await send({"type": "http.response.start", "status": status, "headers": framing})
        await send({"type": "http.response.body", "body": body})

    async def _begin(self, asked: Request, head: _native.StreamHead) -> _native.Answer | _native.StreamCall:
        if self._authenticate is None:
            begun, self._mailbox = pending(self._mailbox)
            begun.work = self._native.admit_async(head, self._mailbox, begun)
            return await begun  # type: ignore[no-any-return]
        caller = self._authenticate(asked)
        return self._native.begin(head, caller_tuple(await caller if isawaitable(caller) else caller))

    async def _respond(self, call: _native.StreamCall, receive: Receive) -> _native.Answer | None:
        """The answer; `None` if the client has gone."""
        try:
            body = await asyncio.wait_for(_body(receive, call.limit), BODY_TIME)
        except asyncio.TimeoutError:
            return call.too_slow()
        if body is None:
            return None
        responded, self._mailbox = pending(self._mailbox)
        responded.work = call.respond_async(body, self._mailbox, responded)
        step: asyncio.Future[Any] = responded
        gone = asyncio.ensure_future(_gone(receive))
        try:
            while True:
                await asyncio.wait({step, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not step.done():
                    return None
                answer: _native.Answer | _native.StreamSigning = step.result()
                if isinstance(answer, tuple):
                    return answer
                step = asyncio.ensure_future(self._sign(answer))
        finally:
            step.cancel()
            gone.cancel()

    async def _sign(self, signing: _native.StreamSigning) -> _native.Answer:
        """The answer, when all its SETs are signed at once."""
        from ssf_transmitter._async_transmitter import _answer  # loaded on demand

        signatures = await asyncio.gather(*(_answer(request) for request in signing.requests))
        log_failed(signatures)
        answer, self._mailbox = pending(self._mailbox)
        answer.work = signing.finish_async(signatures, self._mailbox, answer)
        return await answer  # type: ignore[no-any-return]


def _path(scope: Message) -> str:
    """The whole path: where an application is mounted, frameworks leave it as it is or take the prefix away."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path if path.startswith(root) else root + path


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The body, and no more of it than shows that it is too long; `None` if the client has gone."""
    body = b""
    more = limit > 0
    while more and len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
