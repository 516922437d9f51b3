//! Documents and texts: keys, tokens, SETs, values, settings, URLs.

use std::fs;

use serde_json::{Value, json};

use super::{file, files, folder, list, string, text};

/// The keys in one form: those with a password, or those without.
pub(super) fn keys(form: impl Fn(&Value) -> Option<Vec<u8>>, encrypted: bool) -> Vec<Vec<u8>> {
    let file = file("keys.json");
    let inputs = list(&file["cases"]).map(|case| &case["input"]);
    inputs.filter(|input| input.get("password").is_some() == encrypted).filter_map(form).collect()
}

pub(super) fn key_sets() -> Vec<Vec<u8>> {
    let published = file("jwks.json");
    let published = list(&published["cases"]).filter_map(|case| string(case, "document"));
    let verified = file("signed.json");
    let verified = list(&verified["verified"]).filter_map(|case| string(case, "jwks"));
    keys(|input| string(input, "jwks"), false).into_iter().chain(published).chain(verified).collect()
}

pub(super) fn certificates() -> Vec<Vec<u8>> {
    let file = file("setup-network.json");
    let bundles = list(&file["ca_bundles"]).filter_map(|case| string(case, "ca_bundle"));
    let clients = list(&file["client_certificates"]);
    let clients = clients.map(|case| {
        [string(case, "certificate"), string(case, "key")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(&b'\n')
    });
    bundles.chain(clients).collect()
}

pub(super) fn access_tokens() -> Vec<Vec<u8>> {
    let file = file("access-tokens.json");
    ["accepted", "denied"]
        .iter()
        .flat_map(|part| list(&file[*part]))
        .filter_map(|case| string(case, "token"))
        .collect()
}

/// The cases of all lint rules.
pub(super) fn linted() -> Vec<Value> {
    let cases = files("lint/").into_iter().flat_map(|name| {
        let file = file(&name);
        ["fails", "passes"]
            .iter()
            .flat_map(|part| file[*part].as_array().cloned().unwrap_or_default())
            .collect::<Vec<_>>()
    });
    cases.collect()
}

pub(super) fn claims() -> Vec<Vec<u8>> {
    let printed = files("sets/").into_iter().filter_map(|name| string(&file(&name), "claims"));
    let linted = linted();
    let linted = linted.iter().filter_map(|case| string(&case["input"], "claims"));
    printed.chain(linted).collect()
}

pub(super) fn sets() -> Vec<Vec<u8>> {
    let signed = file("signed.json");
    let signed = ["verified", "refused", "built"]
        .iter()
        .flat_map(|part| list(&signed[*part]).cloned().collect::<Vec<_>>());
    let linted = linted();
    let linted = linted.iter().filter_map(|case| string(&case["input"], "text"));
    signed.filter_map(|case| string(&case, "compact")).chain(linted).collect()
}

pub(super) fn events() -> Vec<Vec<u8>> {
    let all = files("events/").into_iter().flat_map(|name| {
        let file = file(&name);
        let uri = file["uri"].as_str().unwrap().to_owned();
        let cases = ["valid", "invalid"].iter().flat_map(|part| list(&file[*part]));
        cases.map(|case| text(&json!({ &uri: case["claims"] }))).collect::<Vec<_>>()
    });
    let values = file("values.json");
    let values = list(&values["texts"]).filter_map(|case| case["text"].as_str());
    all.chain(values.map(|members| format!("{{\"urn:example:event\":{members}}}").into_bytes())).collect()
}

pub(super) fn subjects() -> Vec<Vec<u8>> {
    let file = file("subjects.json");
    ["valid", "invalid", "shapes"]
        .iter()
        .flat_map(|part| list(&file[*part]))
        .filter_map(|case| string(case, "subject"))
        .collect()
}

pub(super) fn tomls(name: &str) -> Vec<Vec<u8>> {
    let file = file(name);
    ["valid", "invalid"]
        .iter()
        .flat_map(|part| list(&file[*part]))
        .filter_map(|case| string(case, "toml"))
        .collect()
}

/// The dialects of the catalogue, and those of the printed SETs.
pub(super) fn dialects() -> Vec<Vec<u8>> {
    let built_in = fs::read_dir(folder("../../core/catalogue/receivers")).unwrap();
    let built_in = built_in.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let linted = linted();
    let own = linted.iter().filter_map(|case| string(&case["input"]["dialect"], "toml"));
    let shapes = file("subjects.json");
    let shapes = list(&shapes["shapes"]).filter_map(|case| string(&case["dialect"], "toml"));
    built_in.chain(own).chain(shapes).collect()
}

pub(super) fn metadata() -> Vec<Vec<u8>> {
    let file = file("conformance.json");
    let documents = list(&file["configurations"]).filter_map(|case| string(case, "document"));
    documents.chain(list(&file["tokens"]).filter_map(|case| string(case, "answer"))).collect()
}

pub(super) fn urls() -> Vec<Vec<u8>> {
    let proxies = file("setup-network.json");
    let proxies = list(&proxies["proxies"]).filter_map(|case| string(case, "proxy"));
    let plain = [
        "https://acme.okta.com",
        "https://acme.okta.com/",
        "https://tr.example.com/issuer1",
        "https://[::1]:8443/a?b=c#d",
        "https://user:long-password@receiver.example.com/",
        "http://127.0.0.1:80/",
        "https://169.254.169.254/latest",
        "HTTPS://EXAMPLE.COM:443/%2e%2e/a",
        "https://[64:ff9b::a00:1]/",
        "https://0x7f.1/",
        "https://xn--bcher-kva.example/",
        "https://b\u{fc}cher.example/",
    ];
    proxies.chain(plain.iter().map(|url| url.as_bytes().to_owned())).collect()
}
