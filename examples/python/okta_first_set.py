"""Send a first SET to Okta: a session was revoked.

Without arguments, it sends to a local emulator. To send to your org, publish the JWKS, create a stream in Okta, and run

    python okta_first_set.py --org https://acme.okta.com --issuer https://edr.example.com --key key.pem
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from ssf_transmitter import Email, Receiver, ReceiverRejected, SigningKey, Transmitter
from ssf_transmitter.events import caep
from ssf_transmitter.testing import ReceiverEmulator


def main() -> int:
    """Send the SET, and print the result."""
    parser = argparse.ArgumentParser(description="Send a first SET to Okta.")
    parser.add_argument("--org", help="the URL of the org; without it, an emulator is used")
    parser.add_argument("--issuer", default="https://edr.example.com")
    parser.add_argument("--key", type=Path, help="the private key (PEM); without it, one is made")
    parser.add_argument("--user", default="ada@example.com")
    arguments = parser.parse_args()

    key = SigningKey.from_pem(arguments.key.read_bytes()) if arguments.key else SigningKey.generate()
    event = caep.SessionRevoked(
        event_timestamp=datetime.now(timezone.utc),
        reason_admin={"en": "Malware on the laptop"},
        reason_user={"en": "You were signed out: your laptop needs a check"},
    )

    with ExitStack() as stack:
        if arguments.org:
            receiver = Receiver.okta(arguments.org)
        else:
            emulator = ReceiverEmulator(issuer=arguments.issuer, keys=key, like="okta", users=[arguments.user])
            receiver = stack.enter_context(emulator).receiver()
        transmitter = stack.enter_context(Transmitter(arguments.issuer, key))
        try:
            receipt = transmitter.emit(event, Email(arguments.user), receiver)
        except ReceiverRejected as error:
            print(f"{error}\n{error.remedy}\nOkta says: {error.receiver_description}", file=sys.stderr)
            return 1
    print(f"{receipt.jti} delivered with status {receipt.status}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
