"""Futures of asyncio whose cancellation stops the work behind them."""

from __future__ import annotations

import asyncio
from typing import Any

from ssf_transmitter import _native


class Pending(asyncio.Future[Any]):
    """A future whose cancellation stops the work."""

    work: _native.Task

    def cancel(self, msg: Any | None = None) -> bool:
        """Stop the work, and cancel."""
        self.work.cancel()
        return super().cancel(msg)


def pending(mailbox: _native.Mailbox | None) -> tuple[Pending, _native.Mailbox]:
    """A future of the running loop, and the mailbox of that loop: the given one if it is."""
    loop = asyncio.get_running_loop()
    if mailbox is None or mailbox.event_loop is not loop:
        mailbox = _native.Mailbox(loop)
    return Pending(loop=loop), mailbox
