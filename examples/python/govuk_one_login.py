"""Report a purged account to GOV.UK One Login, with an access token that the library fetches and caches."""

from __future__ import annotations

from datetime import datetime, timezone

from ssf_transmitter import ClientCredentials, Receiver, SigningKey, Transmitter, Uri
from ssf_transmitter.events import govuk, risc
from ssf_transmitter.testing import ReceiverEmulator

ISSUER = "https://service.example.gov.uk"


def main() -> None:
    """Send two SETs with the same access token."""
    key = SigningKey.generate("RSA-2048")
    with ReceiverEmulator(issuer=ISSUER, keys=key, like="govuk-one-login", client=("client", "secret")) as emulator:
        # The GOV.UK One Login team gives you these four values, and the client id and secret.
        inbound, audience, token_url = emulator.url, emulator.audience, str(emulator.token_url)
        receiver = Receiver.govuk_one_login(
            inbound,
            audience,
            client_credentials=ClientCredentials(token_url, "client", "secret"),
            allow_loopback=True,  # only for the emulator
        )
        with Transmitter(ISSUER, key) as transmitter:
            for user in ("urn:fdc:gov.uk:2022:1", "urn:fdc:gov.uk:2022:2"):
                receipt = transmitter.emit(
                    risc.AccountPurged(),
                    Uri(user),
                    receiver,
                    companions=[govuk.EventMetadata(event_timestamp_ms=datetime.now(timezone.utc))],
                )
                print(f"{receipt.jti} delivered with status {receipt.status}")
        tokens = sum(request.path == "/" + token_url.split("/", 3)[3] for request in emulator.requests)
        print(f"{tokens} token fetched")


if __name__ == "__main__":
    main()
