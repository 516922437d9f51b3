//! Runs `tests/vectors/lint/`: each rule is broken, and is kept.

use std::collections::BTreeSet;

use crate::common::{custom_event, dialect, folder, list, same, subject, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use ssf_transmitter::{
    Dialect, Event, Jwks, Timestamp,
    lint::{Finding, Linter, RULES, jwks},
};

/// What is found in the input of a case.
fn findings(input: &Value) -> Vec<Finding> {
    if let Some(document) = input.get("jwks_document") {
        return jwks(&document.as_str().map_or_else(|| document.to_string(), str::to_owned));
    }
    let dialect = input.get("dialect").map_or_else(Dialect::default, |id| dialect(id).unwrap());
    let now = input.get("now").and_then(Value::as_i64).unwrap_or(1_767_225_600);
    let mut linter = Linter::new(&dialect).now(Timestamp::from_unix_seconds(now));
    if let Some(issuer) = input.get("issuer") {
        linter = linter.issuer(text(issuer));
    }
    if let Some(audience) = input.get("audience") {
        linter = linter.audience(text(audience));
    }
    if let Some(keys) = input.get("jwks") {
        linter = linter.jwks(Jwks::from_json(&keys.to_string()).unwrap());
    }
    if let Some(event) = input.get("event") {
        let subject = input.get("subject").map(|value| subject(value, false).unwrap());
        return linter.event(&Event::from(custom_event(event)), subject.as_ref());
    }
    if let Some(compact) = input.get("text") {
        return linter.jwt(text(compact));
    }
    let part = |name: &str| URL_SAFE_NO_PAD.encode(input[name].to_string());
    let signature = "A".repeat(342);
    linter.jwt(&format!("{}.{}.{signature}", part("header"), part("claims")))
}

fn check(case: &Value) -> Result<(), String> {
    let found: BTreeSet<_> = findings(&case["input"])
        .iter()
        .map(|finding| {
            let (rule, severity) = (finding.rule().id, finding.severity().as_str());
            assert!(!finding.message().is_empty() && !finding.remedy().is_empty());
            format!("{rule} {severity} {}", finding.pointer())
        })
        .collect();
    let expected: BTreeSet<_> = list(&case["findings"])
        .iter()
        .map(|finding| {
            let part = |name| text(&finding[name]);
            format!("{} {} {}", part("rule"), part("severity"), part("pointer"))
        })
        .collect();
    same("what is found", &found, &expected)
}

#[test]
fn every_rule_is_broken_by_one_case_and_kept_by_another() {
    let files = folder("lint");
    let (mut fails, mut passes) = (Vec::new(), Vec::new());
    for file in &files {
        let rule = text(&file["id"]);
        let names = |case: &&Value| list(&case["findings"]).iter().any(|finding| finding["rule"] == rule);
        assert!(list(&file["fails"]).iter().all(|case| names(&case)), "{rule}");
        assert!(!list(&file["passes"]).iter().any(|case| names(&case)), "{rule}");
        assert!(!list(&file["fails"]).is_empty() && !list(&file["passes"]).is_empty(), "{rule}");
        fails.extend(list(&file["fails"]).iter().cloned());
        passes.extend(list(&file["passes"]).iter().cloned());
    }
    crate::common::run("lint", "fails", &fails, check);
    crate::common::run("lint", "passes", &passes, check);
    let files: BTreeSet<_> = files.iter().map(|file| text(&file["id"]).to_owned()).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(files, rules);
}
