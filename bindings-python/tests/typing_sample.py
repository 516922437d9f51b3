"""What type checkers have to accept, and, where a comment says so, to refuse. It is checked, not run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone

from ssf_transmitter import (
    ApiError,
    AsyncTransmitter,
    Dialect,
    Email,
    Emission,
    IssSub,
    KeySet,
    Receipt,
    Receiver,
    ReceiverRejected,
    RetryPolicy,
    Signature,
    SignedSet,
    Signer,
    SigningKey,
    Transmitter,
)
from ssf_transmitter.conformance import check_set
from ssf_transmitter.doctor import Diagnosis
from ssf_transmitter.events import caep, okta
from ssf_transmitter.lint import Finding, Linter, LintPolicy
from ssf_transmitter.okta import AsyncOktaProviders, OktaProviders, Provider
from ssf_transmitter.outbox import AsyncOutbox, Outbox
from ssf_transmitter.streams import (
    Authenticator,
    Caller,
    Published,
    Request,
    StaticToken,
    StreamApi,
    TrustedIssuer,
)


def sign(signing_input: bytes) -> Signature:
    return Signature.der(signing_input)


async def sign_async(signing_input: bytes) -> bytes:
    return signing_input


def settings(key: SigningKey, keys: KeySet) -> list[object]:
    return [
        Transmitter("https://edr.example.com", key, deadline=timedelta(seconds=5), retry=RetryPolicy(base=0.1)),
        Transmitter("https://edr.example.com", keys),
        Transmitter("https://edr.example.com", Signer(sign, algorithm="ES256", kid="k")),
        AsyncTransmitter("https://edr.example.com", Signer(sign, algorithm="ES256")),
        AsyncTransmitter("https://edr.example.com", Signer(sign_async, algorithm="ES256")),
        Transmitter("https://edr.example.com", KeySet(Signer(sign_digest=sign, algorithm="ES256"))),
        Transmitter("https://edr.example.com", key, lint=LintPolicy(refuse="warning", allow=["aud-slash"])),
        Transmitter("https://edr.example.com", key, lint="error"),  # type: ignore[arg-type]
        LintPolicy(refuse="fatal"),  # type: ignore[arg-type]
        LintPolicy(allow=["aud-slahs"]),  # type: ignore[list-item]
        Transmitter("https://edr.example.com", key, dedline=5),  # type: ignore[call-arg]
        Transmitter("https://edr.example.com", Signer(sign, algorithm="HS256")),  # type: ignore[arg-type]
        Receiver.okta("https://acme.okta.com", allow_lopback=True),  # type: ignore[call-arg]
        Receiver.okta("https://acme.okta.com", concurrency="many"),  # type: ignore[arg-type]
        Receiver("https://receiver.example.net/events"),  # type: ignore[call-arg]
        key.with_algorithm("RS257"),  # type: ignore[arg-type]
    ]


def events() -> list[object]:
    return [
        caep.SessionRevoked(reason_admin={"en": "Laptop lost"}, event_timestamp=datetime.now(timezone.utc)),
        caep.CredentialChange(credential_type="of our own", change_type="create"),
        caep.SessionRevoked(reason_admn={"en": "Laptop lost"}),  # type: ignore[call-arg]
        caep.SessionRevoked(event_timestamp=1767225590),  # type: ignore[arg-type]
        caep.SessionRevoked("192.0.2.1"),  # type: ignore[call-arg,arg-type]
        caep.CredentialChange(credential_type="pin", change_type="changed"),  # type: ignore[arg-type]
        okta.UserRiskChange(current_level="high", previous_level="low"),  # type: ignore[call-arg]
        IssSub(iss="https://issuer.example", sub="1"),
        IssSub("https://issuer.example", "1"),  # type: ignore[call-arg]
        Email("ada@example.com"),
    ]


def emissions(receiver: Receiver) -> Iterator[Emission]:
    yield Emission(caep.SessionRevoked(), Email("ada@example.com"), receiver)
    yield Emission({"urn:x:y": {}}, {"format": "opaque", "id": "1"}, receiver, txn="incident-4711")
    yield Emission(caep.SessionRevoked(), "ada@example.com", receiver)  # type: ignore[arg-type]


def send(transmitter: Transmitter, receiver: Receiver) -> int:
    try:
        receipt: Receipt = transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), to=receiver)
    except ReceiverRejected as error:
        return 0 if error.code == "receiver_rejected" and error.retry_after else 1
    for result in transmitter.emit_all(emissions(receiver), concurrency=8):
        if result.error is not None:
            raise result.error
    return receipt.status


async def send_async(transmitter: AsyncTransmitter, receiver: Receiver) -> int:
    async def more() -> AsyncIterator[Emission]:
        for emission in emissions(receiver):
            yield emission

    receipt = await transmitter.emit(caep.SessionRevoked(), Email("ada@example.com"), to=receiver)
    async for result in transmitter.emit_all(more()):
        if result.receipt is not None:
            return result.receipt.attempts
    async for result in transmitter.emit_all(emissions(receiver)):
        result.result()
    transmitter.emit(caep.SessionRevoked(), Email("x"), receiver, txn=7)  # type: ignore[arg-type,unused-coroutine]
    return receipt.status


def before_and_after(transmitter: Transmitter, receiver: Receiver, set_: SignedSet) -> list[str]:
    event, ada = caep.SessionRevoked(), Email("ada@example.com")
    findings: tuple[Finding, ...] = transmitter.lint(event, ada, receiver)
    linter: Linter = transmitter.linter(receiver)
    diagnosis: Diagnosis = transmitter.doctor(event, ada, receiver, send=True)
    told = [finding.rule for finding in (*findings, *linter.set(set_), *set_.findings) if finding.severity == "error"]
    explanation = linter.explain(set_, status=400, body=b"{}", content_type="text/plain")
    conditions = check_set(str(set_), issuer="x", audience="x")
    linter.jwt(set_)  # type: ignore[arg-type]
    return [
        *told,
        *(cause.remedy for cause in explanation.possible),
        *(check.message for check in diagnosis.checks if check.outcome == "failed"),
        *(condition.id for condition in conditions if not condition.holds),
    ]


async def register(providers: OktaProviders, others: AsyncOktaProviders) -> list[Provider]:
    try:
        provider: Provider = providers.create(name="EDR", type="edr", well_known_url="https://edr.example.com/x")
    except ApiError as error:
        return [] if error.retryable else providers.list()
    providers.update(provider.id, name=7)  # type: ignore[arg-type]
    providers.create(name="EDR")  # type: ignore[call-arg]
    same: Provider = await others.read(provider.id)
    return [same, *await others.list()]


async def look(transmitter: AsyncTransmitter, receiver: Receiver) -> bool:
    diagnosis = await transmitter.doctor(caep.SessionRevoked(), Email("ada@example.com"), receiver)
    return diagnosis.is_healthy


def find(request: Request) -> Caller | None:
    return Caller("acme", scopes="ssf.manage") if "authorization" in request.headers else None


async def find_async(request: Request) -> Caller | None:
    return find(request)


async def streams(key: SigningKey, outbox: Outbox, others: AsyncOutbox) -> int:
    issuer = TrustedIssuer(issuer="https://acme.okta.com", profile="okta", clients={"0oa1": ("acme", "https://acme")})
    authenticator = Authenticator(tokens={StaticToken.generate().hash: Caller("acme", scopes=[])}, issuers=[issuer])
    api = StreamApi("https://tr.example.com", key, outbox, events=["caep.session-revoked"], authenticator=authenticator)
    mounted = [api.asgi(find), api.asgi(find_async), api.asgi(), api.wsgi(find, longest_poll=timedelta(seconds=1))]
    StreamApi("https://tr.example.com", KeySet(key), others, events=[], default_subjects="NONE")
    own = Dialect.from_toml('id = "acme"')
    StreamApi(
        "https://tr.example.com", key, others, events=[], dialects=[own], removal_grace=60, inactivity_stop="disable"
    )
    stopped: bool = api.stop_stream("f67e39a0", "migration", "disable")
    resumed: bool = stopped and await api.aresume_stream("f67e39a0", "done")
    published: Published = api.publish(caep.SessionRevoked(), None, to="okta")
    return (
        published.streams
        + (await api.apublish(caep.SessionRevoked(), Email("ada@example.com"))).streams
        + len(mounted)
        + resumed
    )
