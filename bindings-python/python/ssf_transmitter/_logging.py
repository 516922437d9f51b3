"""Events of the core, given to `logging`."""

from __future__ import annotations

import logging

from ssf_transmitter import _native

_LOGGER = logging.getLogger("ssf_transmitter")
_LEVELS = {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO, "DEBUG": logging.DEBUG}


def enable_logging() -> None:
    """Forward what the core reports to the logger `ssf_transmitter`, from now on and in the whole process.

    Records have the attributes `event_name` (`ssf.attempt`, `ssf.delivered` or `ssf.failed`), `host`, `event`, `jti`,
    `attempt` or `attempts`, `code`, `status` and `latency_ms`, as far as they apply; those of calls of Okta's API
    (`ssf.api`) have `host`, `operation`, and `status` or `code`. Those of a stream API are `ssf.audit` for each change
    of a stream, with `when` in milliseconds since 1970, `caller`, `action`, `stream` and `outcome`, and
    `ssf.stream_api_failed` with `operation`, `code` and `reason`. No subject, token or payload is in them. Records of
    a call come before its result.

    >>> import logging
    >>> logging.getLogger("ssf_transmitter").setLevel(logging.INFO)
    >>> enable_logging()
    """
    _native.enable_logging()


def _forward(level: str, message: str, extra: dict[str, object]) -> None:
    number = _LEVELS.get(level, logging.DEBUG)
    if _LOGGER.isEnabledFor(number):
        _LOGGER.log(number, message, extra=extra)
