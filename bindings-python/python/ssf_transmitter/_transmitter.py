"""The transmitter for threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssf_transmitter import _native
from ssf_transmitter._base import BaseTransmitter, is_async, requests, signer_failed
from ssf_transmitter._emission import Emission, Emitted, made
from ssf_transmitter._keywords import known_keywords
from ssf_transmitter._model import event_object, given_subject
from ssf_transmitter.errors import SsfError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta
    from ipaddress import IPv4Address, IPv6Address
    from types import TracebackType

    from typing_extensions import Self

    from ssf_transmitter._model import Event, Subject
    from ssf_transmitter._native import KeySet, Receipt, SignedSet, Signer, SigningKey
    from ssf_transmitter._receiver import Receiver, RetryPolicy
    from ssf_transmitter.doctor import Diagnosis
    from ssf_transmitter.lint import LintPolicy
    from ssf_transmitter.okta import OktaProviders


_ASYNC = "signer: an async signer requires an AsyncTransmitter, or StreamApi.asgi"


class Transmitter(BaseTransmitter):
    """Sends SETs for one issuer. Create one, and share it between threads; it keeps working after a fork.

    >>> from ssf_transmitter import SigningKey, Transmitter
    >>> with Transmitter("https://edr.example.com", SigningKey.generate("P-256")) as transmitter:
    ...     transmitter.issuer
    'https://edr.example.com'

    Args:
        issuer: The `iss` of its SETs: the exact `issuer` of its configuration.
        key: A key, a `Signer` for a key elsewhere, or a set of either kind, of which one signs.
        deadline: How long an operation may take, 30 seconds by default: a `timedelta`, or a number of seconds.
        retry: The retry policy for deliveries.
        lint: How findings are handled; by default, errors block the send, and warnings are returned on the receipt.
        ca_bundle: Certificates (PEM) to trust in addition to those of the operating system and the environment.
        client_certificate: A client certificate with its chain, and its private key, both in PEM.
        proxy: The URL of an HTTP proxy. By default, the proxy of the environment or the operating system.
        source_address: The local source address, for receivers that allow-list addresses.
        http2: Whether to offer HTTP/2.
        allow_networks: Private networks where receivers may be, such as `10.1.0.0/16`.

    Raises:
        ConfigError: If a setting is wrong.
    """

    @known_keywords
    def __init__(
        self,
        issuer: str,
        key: SigningKey | Signer | KeySet,
        *,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
        lint: LintPolicy | None = None,
        ca_bundle: str | bytes | None = None,
        client_certificate: tuple[str | bytes, str | bytes] | None = None,
        proxy: str | None = None,
        source_address: str | IPv4Address | IPv6Address | None = None,
        http2: bool = True,
        allow_networks: Iterable[str] = (),
    ) -> None:
        """Check the settings, and make the HTTP pool."""
        if isinstance(key, _native.Signer) and is_async(key.function):
            raise TypeError(_ASYNC)
        self._set_up(
            issuer, key, deadline, retry, lint, ca_bundle, client_certificate, proxy, source_address, http2,
            allow_networks,
        )  # fmt: skip

    @known_keywords
    def emit(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        to: Receiver,
        *,
        txn: str | None = None,
        toe: datetime | None = None,
        jti: str | None = None,
        companions: Iterable[Event | Mapping[str, object]] = (),
        lint: LintPolicy | None = None,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """Send an event: build the SET in the receiver's dialect, sign it and deliver it.

        Other threads continue meanwhile. Ctrl-C aborts it.

        Args:
            event: The event: an `Event`, or its dict as in a SET, `{uri: members}`.
            subject: The subject: a `Subject`, or its dict as in a SET.
            to: The receiver.
            txn: The transaction: the same value in all SETs with the same cause.
            toe: The time of the event, for receivers that read `toe`.
            jti: The id of the SET, for callers that keep their own.
            companions: Additional events in the same SET, for receivers that accept them.
            lint: How findings are handled, overriding the transmitter.
            deadline: How long it may take, overriding the transmitter.
            retry: The retry policy, overriding the transmitter.

        Raises:
            ValidationError: If event, subject or SET violate a rule; `pointer` is the place.
            ReceiverRejected: If the receiver rejected it.
            DeliveryError: If it was not delivered for another reason.
            SsfError: The base class of all of them.
        """
        emission = made(_native.Emission, event, subject, to, txn, toe, jti, companions, lint, deadline, retry)
        if not self._native.has_signers:
            return self._native.emit(emission)
        pending = self._native.begin(emission)
        try:
            request = pending.request
            return pending.sign() if request is None else pending.deliver(_signature(request))
        except SsfError as error:
            pending.fail(error.code)
            raise
        finally:
            pending.fail(None)

    @known_keywords
    def deliver(
        self,
        set: SignedSet,  # noqa: A002  # what it is
        to: Receiver,
        *,
        deadline: timedelta | float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Receipt:
        """The last step of `emit`: deliver a signed SET. A stored SET is sent with the same bytes."""
        return self._native.deliver(set, to, deadline, retry)

    @known_keywords
    def emit_all(self, emissions: Iterable[Emission], *, concurrency: int = 32) -> Iterator[Emitted]:
        """Send many events, with a limit on concurrent requests.

        Results arrive in the order of completion. Emissions are taken only as there is room: sixteen for each
        request on the wire. Leaving the loop abandons pending calls.

        Args:
            emissions: What to send, from any iterable.
            concurrency: Maximum number of concurrent requests: 1 to 1024.
        """
        native, batch = self._native, _native.Batch(requests(concurrency))
        under_way: dict[int, tuple[int, Emission]] = {}
        trouble: Exception | None = None
        source = enumerate(emissions)
        try:
            while True:
                try:
                    index, emission = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001  # raised below, after what came before it
                    trouble = error
                    break
                while not batch.has_room():
                    yield _next(batch, under_way)
                try:
                    start = self._begin_in if native.has_signers else native.emit_in
                    under_way[start(batch, emission)] = (index, emission)
                except SsfError as error:
                    yield Emitted(index, emission, None, error)
            while under_way:
                yield _next(batch, under_way)
            if trouble is not None:
                raise trouble
        finally:
            batch.close()

    @known_keywords
    def doctor(
        self,
        event: Event | Mapping[str, object],
        subject: Subject | Mapping[str, object] | None,
        to: Receiver,
        *,
        configuration_url: str | None = None,
        send: bool = False,
        confirm: OktaProviders | None = None,
    ) -> Diagnosis:
        """Check this transmitter and a receiver end to end, in less than ten seconds.

        Checks the published documents, the key in them, TLS, clock, token, and a SET with this event
        and subject. `docs/lint.md` describes the checks.

        Args:
            event: The event to check, and to send if `send` is set.
            subject: The subject.
            to: The receiver.
            configuration_url: The URL of the transmitter configuration, if it is not the default for the issuer.
            send: Whether to send the event too: the receiver then gets a real SET.
            confirm: The org whose System Log is searched for the SET, once it is sent: the check `okta-log`. That
                takes no longer than a method of it may, beyond the ten seconds.
        """
        from ssf_transmitter.doctor import _diagnosis  # loaded on demand
        from ssf_transmitter.okta import _opened

        setup = (event_object(event), given_subject(subject), to, configuration_url, send, _opened(confirm))
        if not self._native.has_signers:
            return _diagnosis(self._native.doctor(setup))
        examination = self._native.examine(setup)
        try:
            request = examination.request
            return _diagnosis(examination.finish(None if request is None else _answer(request)))
        finally:
            examination.abandon()

    def close(self) -> None:
        """Reject new work, and wait for pending calls of other threads.

        New work fails with the code `transmitter_closed`. Pending calls end within their deadlines; then the
        connections are closed. Closing twice is harmless, and Ctrl-C ends the wait. Methods without network access
        still work.

        The end of a `with` block closes too. The end of the interpreter does not: it abandons what other threads send.
        """
        self._closed = True
        self._native.close()
        _native.settle()

    def __enter__(self) -> Self:
        """Use it as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _begin_in(self, batch: _native.Batch, emission: Emission) -> int:
        """Sign one of many, and start it. Returns its index in the batch."""
        pending = self._native.begin_in(batch, emission)
        try:
            request = pending.request
            return pending.sign_in(batch) if request is None else pending.deliver_in(batch, _signature(request))
        except SsfError as error:
            pending.fail(error.code)
            raise
        finally:
            pending.fail(None)


def _answer(request: _native.Request) -> Any:
    """The signature from the signer, or the exception that says why there is none."""
    try:
        return _signature(request)
    except SsfError as error:
        return error


def _signature(request: _native.Request) -> Any:
    """The signature from the signer. A function cannot be interrupted: the deadline is checked afterwards."""
    sign, given, _ = request
    try:
        signature: Any = sign(given)
    except Exception as error:
        raise signer_failed(error) from error
    if hasattr(signature, "__await__"):
        if hasattr(signature, "close"):
            signature.close()
        raise TypeError(_ASYNC)
    return signature


def _next(batch: _native.Batch, under_way: dict[int, tuple[int, Emission]]) -> Emitted:
    done = batch.next()
    assert done is not None  # noqa: S101  # a call is pending
    started, receipt, error = done
    index, emission = under_way.pop(started)
    return Emitted(index, emission, receipt, error)
