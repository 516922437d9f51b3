"""The shared vectors of lint, of explanations and of conformance."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args

import pytest

import vectors
from ssf_transmitter import Jwks
from ssf_transmitter.conformance import Condition, check_configuration, check_set, check_token
from ssf_transmitter.lint import Finding, Linter, RuleId, jwks
from vectors import AUDIENCE, ISSUER, MANIFEST, cases, custom_event, folder, moment

NOW = 1767225600
FILES = folder("lint")


def each_rule(kind: str) -> list[Any]:
    listed = [pytest.param(file["id"], case, id=case["name"]) for file in FILES for case in file[kind]]
    assert len(listed) == MANIFEST["lint"][kind]
    return listed


def text(value: Any) -> str:
    """JSON, or the very text."""
    return value if isinstance(value, str) else json.dumps(value)


def linter(given: dict[str, Any]) -> Linter:
    known = {name: given[name] for name in ("issuer", "audience") if name in given}
    if "jwks" in given:
        known["jwks"] = Jwks.from_json(json.dumps(given["jwks"]))
    return Linter(vectors.dialect(given.get("dialect", "ssf-1.0")), now=moment(given.get("now", NOW)), **known)


def findings(given: dict[str, Any]) -> tuple[Finding, ...]:
    """What is found in the input of a case."""
    if "jwks_document" in given:
        return jwks(text(given["jwks_document"]))
    if "event" in given:
        return linter(given).event(custom_event(given["event"]), given.get("subject"))
    if "text" in given:
        return linter(given).jwt(given["text"])
    parts = [json.dumps(given[name]).encode() for name in ("header", "claims")]
    header, claims = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return linter(given).jwt(f"{header}.{claims}.{'A' * 342}")


def assert_found(case: dict[str, Any]) -> None:
    found = findings(case["input"])
    assert all(finding.message and finding.remedy and finding.doc and finding.source for finding in found)
    shown = {(finding.rule, finding.severity, finding.pointer) for finding in found}
    assert shown == {(finding["rule"], finding["severity"], finding["pointer"]) for finding in case["findings"]}


@pytest.mark.parametrize(("rule", "case"), each_rule("fails"))
def test_a_rule_that_is_broken_is_found(rule: str, case: dict[str, Any]) -> None:
    assert rule in {finding["rule"] for finding in case["findings"]}
    assert_found(case)


@pytest.mark.parametrize(("rule", "case"), each_rule("passes"))
def test_a_rule_that_is_kept_is_not_found(rule: str, case: dict[str, Any]) -> None:
    assert rule not in {finding["rule"] for finding in case["findings"]}
    assert_found(case)


def test_the_rules_are_those_of_the_vectors() -> None:
    assert set(get_args(RuleId)) == {file["id"] for file in FILES}


@pytest.mark.parametrize("case", cases("explain.json", "cases"))
def test_an_answer_is_explained(case: dict[str, Any]) -> None:
    answer = case["answer"]
    explanation = linter(case).explain(
        case.get("text", ""),
        status=answer["status"],
        body=answer["body"],
        headers=answer.get("headers"),
        content_type=case.get("sent_as"),
    )
    assert (explanation.is_delivered, explanation.reason) == (case["delivered"], case["reason"])
    assert explanation.cause
    assert explanation.remedy
    assert explanation.said == case.get("said", explanation.said)
    assert all(part in explanation.cause for part in case.get("cause", []))
    possible = [other.cause for other in explanation.possible]
    assert all(any(part in cause for cause in possible) for part in case.get("possible", []))
    assert set(case.get("findings", [])) <= {finding.rule for finding in explanation.findings}
    assert "said" not in repr(explanation)


def failed(conditions: list[Condition]) -> set[str]:
    assert all(condition.demand for condition in conditions)
    return {condition.id for condition in conditions if not condition.holds}


@pytest.mark.parametrize("case", cases("conformance.json", "sets"))
def test_what_the_suite_demands_of_a_set(case: dict[str, Any]) -> None:
    conditions = check_set(
        case["text"],
        issuer=ISSUER,
        audience=AUDIENCE,
        stream_id=case.get("id"),
        state=case.get("state"),
        now=moment(NOW),
    )
    assert failed(conditions) == set(case["fails"])


@pytest.mark.parametrize("case", cases("conformance.json", "configurations"))
def test_what_the_suite_demands_of_a_configuration(case: dict[str, Any]) -> None:
    assert failed(check_configuration(text(case["document"]), case["url"])) == set(case["fails"])


@pytest.mark.parametrize("case", cases("conformance.json", "tokens"))
def test_what_the_suite_demands_of_a_token(case: dict[str, Any]) -> None:
    assert failed(check_token(text(case["answer"]))) == set(case["fails"])
