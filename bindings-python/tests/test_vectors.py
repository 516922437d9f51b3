"""All shared vectors of what is made and signed, but those of machines that bindings do not have.

Those are `delivery.json`, `token.json`, `okta.json` and `okta-log.json`. `test_vectors_lint.py` runs the others.
"""

from __future__ import annotations

import base64
import json
import math
from functools import cache
from typing import Any

import pytest

import vectors
from ssf_transmitter import (
    ComplexSubject,
    DecodedSet,
    Email,
    Jwks,
    SignedSet,
    SigningKey,
    SsfError,
    ValidationError,
    prepare_set,
)
from ssf_transmitter._codes import CODES
from ssf_transmitter.errors import _CLASSES
from ssf_transmitter.events import risc
from ssf_transmitter.lint import jwks as lint_jwks
from vectors import MANIFEST, assert_refused, build, cases, custom_event, folder, plain, read


def each_event(kind: str) -> list[Any]:
    listed = [
        pytest.param(file, case, id=f"{file['id']}: {case['name']}") for file in folder("events") for case in file[kind]
    ]
    assert len(listed) == MANIFEST["events"][kind]
    return listed


def set_of(file: dict[str, Any], case: dict[str, Any], *others: Any, dialect: str = "ssf-1.0") -> dict[str, Any]:
    event = custom_event({file["uri"]: case["claims"]})
    txn = {"txn": file["txn"]} if "txn" in file else {}
    return prepare_set(
        event, *others, issuer=vectors.ISSUER, audience=vectors.AUDIENCE, subject=file["subject"], dialect=dialect,
        algorithm="RS256", kid="kid", **txn,
    ).decode().claims  # fmt: skip


def shaped(file: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
    """Claims as sent: times in whole seconds, and the subjects inside OAuth events in their older form."""

    def shape(name: str, value: Any) -> Any:
        if isinstance(value, float):
            return math.floor(value)
        if name == "token_subject" and file["id"].startswith("oauth."):
            return {"subject_type" if member == "format" else member: inner for member, inner in value.items()}
        return value

    return {name: shape(name, value) for name, value in claims.items()}


def receiver_of(event: str) -> str | None:
    """The dialect of the one receiver for a family of events, if it takes the event."""
    if event == "govuk.credential-change-information":
        return "govuk-app"
    if event in ("login-gov.authorization-fraud-detected", "login-gov.identity-fraud-detected"):
        return "login-gov"
    return {"okta": "okta", "govuk": "govuk-one-login"}.get(event.partition(".")[0])


SUBJECTLESS = {"oauth.client-credential-changed", "oauth.client-disabled", "oauth.client-enabled"}
COMPANIONS = {"govuk.event-details", "govuk.event-metadata", "govuk.credential-change-information"}


@pytest.mark.parametrize(("file", "case"), each_event("valid"))
def test_valid_claims_come_out_in_the_set(file: dict[str, Any], case: dict[str, Any]) -> None:
    event = custom_event({file["uri"]: case["claims"]})
    event.validate()
    claims = set_of(file, case)
    assert claims["sub_id"] == file["subject"]
    members = claims["events"][file["uri"]]
    with_subject = file["id"].partition(".")[0] in ("login-gov", "okta", "govuk", "oauth")
    assert ("subject" in members) == (with_subject and file["id"] not in COMPANIONS | SUBJECTLESS)
    members.pop("subject", None)
    assert members == shaped(file, case["claims"])


@pytest.mark.parametrize(("file", "case"), each_event("valid"))
def test_valid_claims_come_out_for_the_receiver_that_the_event_is_made_for(
    file: dict[str, Any], case: dict[str, Any]
) -> None:
    dialect = receiver_of(file["id"])
    if dialect is None:
        # The events of other families have no receiver of their own.
        assert file["id"].partition(".")[0] in ("caep", "risc", "ssf", "scim", "oauth", "login-gov")
        return
    beside = [risc.AccountPurged()] if file["id"] in COMPANIONS else []
    claims = set_of(file, case, *beside, dialect=dialect)
    assert "sub_id" not in claims
    members = claims["events"][file["uri"]]
    assert ("subject" in members) == (not beside)
    members.pop("subject", None)
    assert members == shaped(file, case["claims"])


@pytest.mark.parametrize(("file", "case"), each_event("invalid"))
def test_invalid_claims_are_refused_by_event_and_set(file: dict[str, Any], case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as alone:
        custom_event({file["uri"]: case["claims"]}).validate()
    assert_refused(alone.value, case)
    with pytest.raises(ValidationError) as in_set:
        set_of(file, case)
    assert_refused(in_set.value, case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in folder("sets")])
def test_a_printed_set_is_built_as_printed_or_deviates_as_documented(case: dict[str, Any]) -> None:
    deviation = case.get("deviation")
    if deviation is not None and "code" in deviation:
        with pytest.raises(SsfError) as refused:
            build(case["input"], case["dialect"])
        assert_refused(refused.value, deviation)
        return
    claims = build(case["input"], case["dialect"]).decode().claims
    assert claims == (case["claims"] if deviation is None else deviation["claims"])


def test_the_deviations_are_those_of_the_manifest() -> None:
    assert sum("deviation" in case for case in folder("sets")) == MANIFEST["sets"]["deviations"]


@pytest.mark.parametrize("case", cases("subjects.json", "valid"))
def test_a_valid_subject_goes_into_the_set_unchanged(case: dict[str, Any]) -> None:
    claims = plain({"urn:example:event": {}}, case["subject"]).decode().claims
    assert claims["sub_id"] == case["subject"]


@pytest.mark.parametrize("case", cases("subjects.json", "invalid"))
def test_an_invalid_subject_is_refused(case: dict[str, Any]) -> None:
    if not isinstance(case["subject"], dict):
        # In Python the type says so, before there is any JSON.
        assert case["code"] == "json_invalid"
        if case["subject"] is not None:
            with pytest.raises(TypeError, match="subject: expected Subject"):
                plain({"urn:example:event": {}}, case["subject"])
        return
    with pytest.raises(ValidationError) as refused:
        plain({"urn:example:event": {}}, case["subject"])
    assert_refused(refused.value, {**case, "pointer": f"/sub_id{case['pointer'] or ''}"})


@pytest.mark.parametrize("case", cases("subjects.json", "shapes"))
def test_a_dialect_gives_the_subject_the_form_of_its_receiver(case: dict[str, Any]) -> None:
    def built() -> dict[str, Any]:
        event = custom_event(case["event"])
        return plain(event, case["subject"], dialect=vectors.dialect(case["dialect"])).decode().claims

    if "code" in case:
        with pytest.raises(ValidationError) as refused:
            built()
        assert_refused(refused.value, case)
        return
    claims = built()
    ((uri, _),) = case["event"].items()
    for holder, name, expected in ((claims["events"][uri], "subject", "event_subject"), (claims, "sub_id", "sub_id")):
        assert holder.get(name) == case[expected]
        assert (name in holder) == (case[expected] is not None)


def import_key(given: dict[str, Any]) -> SigningKey:
    """The key of a case, with what the case chooses."""

    def text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value)

    password = given.get("password")
    if "pem" in given:
        key = SigningKey.from_pem(given["pem"], password=password)
    elif "pem_base64" in given:
        key = SigningKey.from_pem(base64.b64decode(given["pem_base64"]), password=password)
    elif "der_base64" in given:
        key = SigningKey.from_der(base64.b64decode(given["der_base64"]), password=password)
    elif "jwk" in given:
        key = SigningKey.from_jwk(text(given["jwk"]))
    else:
        key = SigningKey.from_jwk(text(given["jwks"]), kid=given.get("kid"))
    if "algorithm" in given:
        key = key.with_algorithm(given["algorithm"])
    return key.with_kid(given["kid"]) if "kid" in given and "jwks" not in given else key


@pytest.mark.parametrize("case", cases("keys.json", "cases"))
def test_a_key_is_imported_or_refused(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(SsfError) as refused:
            import_key(case["input"])
        assert_refused(refused.value, case["error"])
        return
    key = import_key(case["input"])
    found = {"algorithm": key.algorithm, "kid": key.kid, "thumbprint": key.public_key.thumbprint}
    assert found == {name: case["expect"][name] for name in found}


def test_the_imported_and_the_refused_keys_are_those_of_the_manifest() -> None:
    listed = read("keys.json")["cases"]
    assert sum("expect" in case for case in listed) == MANIFEST["keys.json"]["imported"]
    assert sum("error" in case for case in listed) == MANIFEST["keys.json"]["refused"]


@pytest.mark.parametrize("case", cases("signed.json", "verified"))
def test_a_set_signed_by_another_implementation_verifies(case: dict[str, Any]) -> None:
    signed = SignedSet.parse(case["compact"])
    decoded = signed.decode()
    assert (str(signed), signed.jti) == (case["compact"], case["claims"]["jti"])
    assert (decoded.header, decoded.claims) == (case["header"], case["claims"])
    assert decoded.verify(Jwks.from_json(json.dumps(case["jwks"]))).kid == case["kid"]


@cache
def private_key(jwk: str, algorithm: str | None) -> SigningKey:
    key = SigningKey.from_jwk(jwk)
    return key.with_algorithm(algorithm) if algorithm else key  # type: ignore[arg-type]


@cache
def signed_by_ours() -> DecodedSet:
    key = private_key(json.dumps(read("jwks.json")["private_jwk"]), None)
    given = {
        "issuer": vectors.ISSUER,
        "audience": vectors.AUDIENCE,
        "events": [{"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}],
        "subject": {"format": "opaque", "id": "session-1"},
    }
    return build(given, "ssf-1.0", key.algorithm, key.kid).sign(key).decode()


@pytest.mark.parametrize("case", cases("jwks.json", "cases"))
def test_foreign_keys_of_a_published_set_are_ignored_and_damaged_ones_found(case: dict[str, Any]) -> None:
    document = case["document"] if isinstance(case["document"], str) else json.dumps(case["document"])
    found = [(finding.rule, finding.severity, finding.pointer) for finding in lint_jwks(document)]
    assert found == [(finding["rule"], finding["severity"], finding["pointer"]) for finding in case["findings"]]
    if "error" in case:
        with pytest.raises(SsfError) as refused:
            Jwks.from_json(document)
        assert_refused(refused.value, case["error"])
        return
    jwks = Jwks.from_json(document)
    assert [key.kid for key in jwks.keys] == case["keys"]
    if case["verifies"]:
        assert signed_by_ours().verify(jwks).kid == "ours"
    else:
        with pytest.raises(SsfError):
            signed_by_ours().verify(jwks)


@pytest.mark.parametrize("case", cases("signed.json", "built"))
def test_a_set_is_signed_byte_for_byte(case: dict[str, Any]) -> None:
    key = private_key(json.dumps(case["private_jwk"]), case.get("algorithm"))
    unsigned = build(case["input"], "ssf-1.0", key.algorithm, key.kid)
    assert str(unsigned.sign(key)) == case["compact"]


@pytest.mark.parametrize("case", cases("signed.json", "reproduced"))
def test_what_can_only_be_reproduced_by_signing_bytes_is_not_for_this_language(case: dict[str, Any]) -> None:
    # Keys sign SETs, and nothing else. The keys themselves are taken.
    key = private_key(json.dumps(case["private_jwk"]), case.get("algorithm"))
    assert not hasattr(key, "sign")


@pytest.mark.parametrize("case", cases("signed.json", "refused"))
def test_what_is_no_set_or_not_signed_as_it_says_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(SsfError) as refused:
        DecodedSet.parse(case["compact"]).verify(Jwks.from_json(json.dumps(case["jwks"])))
    assert_refused(refused.value, case)


def test_the_codes_kinds_and_retry_classes_are_those_of_the_list() -> None:
    listed = read("errors.json")["errors"]
    assert len(listed) == MANIFEST["errors.json"]["errors"]
    own = [{"code": code, "kind": known.kind, "retryable": known.retryable} for code, known in CODES.items()]
    assert own == listed
    for code, known in CODES.items():
        error = _CLASSES[known.kind](code, "…")  # type: ignore[arg-type]
        assert error.remedy
        assert issubclass(type(error), SsfError)


def test_every_file_of_the_manifest_is_run_here_or_named_as_for_rust_only() -> None:
    run = {
        "config.json", "conformance.json", "errors.json", "events", "explain.json", "jwks.json", "key-sources.json",
        "keys.json", "lint", "rotation.json", "sets", "settings.json", "setup-network.json", "signed.json",
        "stream-api.json", "subjects.json", "surface.json", "values.json",
    }  # fmt: skip
    rust = {
        "access-tokens.json", "command.json", "delivery.json", "okta.json", "okta-log.json", "token.json",
    }  # fmt: skip
    assert MANIFEST.keys() == run | rust


def test_a_complex_subject_of_typed_members_is_the_same_as_one_of_dicts() -> None:
    typed = ComplexSubject(user=Email("ada@example.com"), other_members={"robot": Email("r2@example.com")})
    assert typed.to_dict() == {
        "format": "complex",
        "user": {"format": "email", "email": "ada@example.com"},
        "robot": {"format": "email", "email": "r2@example.com"},
    }
