"""Functions that return the password of a database."""

from __future__ import annotations

import logging
from asyncio import run_coroutine_threadsafe
from inspect import isawaitable, iscoroutine
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable

    from ssf_transmitter import _native

LOGGER = logging.getLogger("ssf_transmitter.outbox")


class Passwords:
    """Answers the question for each password, in a thread: the function may wait for the network."""

    def __init__(self, password: Callable[[], str | Awaitable[str]]) -> None:
        """Take the function."""
        self._password = password
        # In which an async function runs: the one that used the outbox last.
        self.loop: AbstractEventLoop | None = None

    def __call__(self, question: _native.PasswordQuestion) -> None:
        """Begin to answer."""
        Thread(target=self._answer, args=(question,), name="ssf-transmitter-password", daemon=True).start()

    def _answer(self, question: _native.PasswordQuestion) -> None:
        try:
            question.answer(self._found())
        except BaseException as error:  # of the function, whatever it is
            LOGGER.error("the function that returns the password of the outbox raised an exception", exc_info=error)
            question.fail(type(error).__name__)

    def _found(self) -> str:
        found: Any = self._password()
        if isawaitable(found):
            if self.loop is None:
                if iscoroutine(found):
                    found.close()
                raise TypeError("password: an async function requires an AsyncOutbox")
            found = run_coroutine_threadsafe(_awaited(found), self.loop).result()
        if not isinstance(found, str):
            raise TypeError(f"password: expected a function that returns a str, got {type(found).__name__}")
        return found


async def _awaited(found: Awaitable[str]) -> str:
    return await found
