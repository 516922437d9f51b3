"""Has joserfc judge the SETs that `interop-sets` made.

python verify.py [sets.json]    (standard input without a file)
"""

import base64
import json
import sys
import warnings
from pathlib import Path

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError, SecurityWarning
from joserfc.jwk import KeySet

# Every algorithm must occur among the SETs and the keys.
ALGORITHMS = [
    "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512",
    "EdDSA", "Ed25519",
]  # fmt: skip

# Algorithms that joserfc cannot do, with the reason. verify.mjs has to check them.
UNSUPPORTED: dict[str, str] = {}

# So many failures are shown; the rest are counted.
SHOWN = 20

PUBLIC_MEMBERS = {
    "RSA": {"kty", "n", "e", "use", "alg", "kid"},
    "EC": {"kty", "crv", "x", "y", "use", "alg", "kid"},
    "OKP": {"kty", "crv", "x", "use", "alg", "kid"},
}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, judge):
        try:
            judge()
            self.passed += 1
        except Exception as error:
            self.failed += 1
            if self.failed <= SHOWN:
                print(f"FAILED {name}: {type(error).__name__}: {error}", file=sys.stderr)


def ensure(condition, message):
    if not condition:
        raise ValueError(message)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text):
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    ensure(encode(data) == text, "this is no canonical base64url without padding")
    return data


def parse(text):
    """JSON without members that stand twice and without NaN."""

    def members(pairs):
        names = [name for name, _ in pairs]
        ensure(len(names) == len(set(names)), f"a member stands twice among {names}")
        return dict(pairs)

    def constant(name):
        raise ValueError(f"{name} is not a JSON object")

    return json.loads(text, object_pairs_hook=members, parse_constant=constant)


def same(one, other):
    """Equality that tells 1 from 1.0 and from true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def verify(compact, keys, algorithms):
    """The token, by the one key that its header names or, without `kid`, by the one of all that fits."""
    kid = parse(decode(compact.split(".")[0])).get("kid")
    fitting, refusal = [], JoseError("no key has the kid of the SET")
    for key in keys:
        if kid in (None, key.kid):
            try:
                fitting.append(jwt.decode(compact, key, algorithms=algorithms))
            except JoseError as error:
                # Keys for other algorithms do not count where one failed on the signature.
                if not isinstance(refusal, BadSignatureError):
                    refusal = error
    if not fitting:
        raise refusal
    ensure(len(fitting) == 1, f"{len(fitting)} keys verify the SET")
    return fitting[0]


def refused(compact, keys, algorithms, expected=JoseError):
    """Passes where joserfc refuses for the expected reason, and only then."""
    try:
        verify(compact, keys, algorithms)
    except expected:
        return
    raise ValueError("joserfc takes what it should refuse")


def judge_set(tally, item, keys):
    name, algorithm, compact = item["name"], item["algorithm"], item["compact"]
    header, payload, signature = compact.split(".")

    def taken():
        expected = {"alg": algorithm, "typ": "secevent+jwt"}
        if item["kid"] is not None:
            expected["kid"] = item["kid"]
        ensure(same(parse(decode(header)), expected), f"the header is not {expected}")
        token = verify(compact, keys, [algorithm])
        ensure(same(token.header, expected), f"joserfc reads another header: {token.header}")
        ensure(same(token.claims, item["expected"]), f"{token.claims} is not {item['expected']}")
        ensure(same(parse(decode(payload)), item["expected"]), "the payload is not what joserfc reads")

    def tampered_signature():
        damaged = bytearray(decode(signature))
        damaged[len(damaged) // 2] ^= 1
        refused(f"{header}.{payload}.{encode(damaged)}", keys, [algorithm], BadSignatureError)

    def tampered_payload():
        claims = parse(decode(payload)) | {"iss": "https://mallory.example.org"}
        changed = encode(json.dumps(claims).encode())
        refused(f"{header}.{changed}.{signature}", keys, [algorithm], BadSignatureError)

    def unsigned():
        none = encode(json.dumps(parse(decode(header)) | {"alg": "none"}).encode())
        refused(f"{none}.{payload}.", keys, [algorithm])
        refused(f"{none}.{payload}.{signature}", keys, [algorithm])

    def other_algorithms():
        refused(compact, keys, [other for other in ALGORITHMS if other != algorithm])

    tally.check(name, taken)
    tally.check(f"{name}, tampered signature", tampered_signature)
    tally.check(f"{name}, tampered payload", tampered_payload)
    tally.check(f"{name}, alg none", unsigned)
    tally.check(f"{name}, other algorithms allowed", other_algorithms)


def judge_key(jwk):
    expected = PUBLIC_MEMBERS[jwk["kty"]]
    ensure(jwk.keys() == expected, f"the members are {sorted(jwk)}, not {sorted(expected)}")
    ensure(jwk["use"] == "sig", "the use is not sig")


def main():
    # joserfc warns of EdDSA, whose name RFC 9864 has replaced; receivers go on using it.
    warnings.simplefilter("ignore", SecurityWarning)
    text = Path(sys.argv[1]).read_text("utf-8") if len(sys.argv) > 1 else sys.stdin.read()
    document = parse(text)
    sets, jwks = document["sets"], document["jwks"]["keys"]
    missing = set(ALGORITHMS) - {item["algorithm"] for item in sets}
    missing |= set(ALGORITHMS) - {jwk["alg"] for jwk in jwks}
    if missing:
        sys.exit(f"verify.py: no SET or no key for {', '.join(sorted(missing))}")

    tally = Tally()
    for jwk in jwks:
        tally.check(f"key {jwk['kid']}", lambda jwk=jwk: judge_key(jwk))
    keys = KeySet.import_key_set({"keys": [jwk for jwk in jwks if jwk["alg"] not in UNSUPPORTED]})
    for algorithm, reason in UNSUPPORTED.items():
        print(f"joserfc: not checked: {algorithm}, {reason}")
    for item in sets:
        if item["algorithm"] not in UNSUPPORTED:
            judge_set(tally, item, keys)
    print(f"joserfc: {tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
