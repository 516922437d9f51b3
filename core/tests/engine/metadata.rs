//! The transmitter configuration (SSF 1.0 §7).

use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode, TransmitterConfiguration,
    metadata::{DELIVERY_POLL, DELIVERY_PUSH, DefaultSubjects, legacy_well_known_url, well_known_url},
};

#[test]
fn the_well_known_path_goes_between_host_and_path_of_the_issuer() {
    for (issuer, url) in [
        ("https://tr.example.com", "https://tr.example.com/.well-known/ssf-configuration"),
        ("https://tr.example.com/", "https://tr.example.com/.well-known/ssf-configuration"),
        ("https://tr.example.com/issuer1", "https://tr.example.com/.well-known/ssf-configuration/issuer1"),
        ("https://tr.example.com/issuer1/", "https://tr.example.com/.well-known/ssf-configuration/issuer1"),
        ("https://tr.example.com:8443/a/b", "https://tr.example.com:8443/.well-known/ssf-configuration/a/b"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/.well-known/ssf-configuration/a"),
    ] {
        assert_eq!(well_known_url(issuer).unwrap(), url);
    }
    assert_eq!(
        legacy_well_known_url("https://risc-tr.example.com").unwrap(),
        "https://risc-tr.example.com/.well-known/risc-configuration"
    );
}

#[test]
fn an_issuer_is_an_https_url_without_query_and_fragment() {
    for issuer in [
        "http://tr.example.com",
        "https://tr.example.com/?a=1",
        "https://tr.example.com/?",
        "https://tr.example.com/#x",
        "https://user@tr.example.com/",
        "tr.example.com",
        "",
    ] {
        let error = well_known_url(issuer).unwrap_err();
        assert_eq!((error.code(), error.pointer()), (ErrorCode::IssuerInvalid, Some("/issuer")), "{issuer}");
    }
}

#[test]
fn the_document_has_every_member_of_the_specification() {
    let document = TransmitterConfiguration::new("https://tr.example.com")
        .jwks_uri("https://tr.example.com/jwks.json")
        .delivery_methods([DELIVERY_PUSH, DELIVERY_POLL])
        .configuration_endpoint("https://tr.example.com/ssf/mgmt/stream")
        .status_endpoint("https://tr.example.com/ssf/mgmt/status")
        .add_subject_endpoint("https://tr.example.com/ssf/mgmt/subject:add")
        .remove_subject_endpoint("https://tr.example.com/ssf/mgmt/subject:remove")
        .verification_endpoint("https://tr.example.com/ssf/mgmt/verification")
        .critical_subject_members(["tenant", "user"])
        .authorization_scheme("urn:ietf:rfc:6749")
        .authorization_scheme("urn:ietf:rfc:8705")
        .default_subjects(DefaultSubjects::None)
        .to_json()
        .unwrap();
    // The example of SSF 1.0 §7.2.3.
    let expected = json!({
        "spec_version": "1_0",
        "issuer": "https://tr.example.com",
        "jwks_uri": "https://tr.example.com/jwks.json",
        "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
        "configuration_endpoint": "https://tr.example.com/ssf/mgmt/stream",
        "status_endpoint": "https://tr.example.com/ssf/mgmt/status",
        "add_subject_endpoint": "https://tr.example.com/ssf/mgmt/subject:add",
        "remove_subject_endpoint": "https://tr.example.com/ssf/mgmt/subject:remove",
        "verification_endpoint": "https://tr.example.com/ssf/mgmt/verification",
        "critical_subject_members": ["tenant", "user"],
        "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }, { "spec_urn": "urn:ietf:rfc:8705" }],
        "default_subjects": "NONE",
    });
    assert_eq!(serde_json::from_str::<Value>(&document).unwrap(), expected);
    let read = TransmitterConfiguration::from_json(&document).unwrap();
    assert_eq!(read.to_json().unwrap(), document);
}

#[test]
fn lists_without_elements_are_left_out() {
    let document =
        TransmitterConfiguration::new("https://tr.example.com").delivery_methods([""; 0]).to_json().unwrap();
    assert_eq!(document, r#"{"spec_version":"1_0","issuer":"https://tr.example.com"}"#);
}

#[test]
fn members_of_ones_own_are_kept() {
    let document =
        TransmitterConfiguration::new("https://tr.example.com").member("x_region", "eu").to_json().unwrap();
    assert!(TransmitterConfiguration::from_json(&document).unwrap().to_json().unwrap().contains("x_region"));
}

#[test]
fn a_member_is_not_set_twice() {
    let configuration =
        TransmitterConfiguration::new("https://tr.example.com").authorization_scheme("urn:ietf:rfc:6749");
    let error = configuration.member("authorization_schemes", json!([])).to_json().unwrap_err();
    assert_eq!(
        (error.code(), error.pointer()),
        (ErrorCode::ConfigurationInvalid, Some("/authorization_schemes"))
    );
}

#[test]
fn urls_of_the_document_are_https() {
    let configuration = TransmitterConfiguration::new("https://tr.example.com");
    let error = configuration.clone().jwks_uri("http://tr.example.com/jwks.json").to_json().unwrap_err();
    assert_eq!((error.code(), error.pointer()), (ErrorCode::EndpointInvalid, Some("/jwks_uri")));
    let error = configuration.status_endpoint("/status").to_json().unwrap_err();
    assert_eq!(error.pointer(), Some("/status_endpoint"));

    let loopback =
        TransmitterConfiguration::new("http://127.0.0.1:8080").jwks_uri("http://127.0.0.1:8080/jwks");
    assert!(loopback.to_json().is_err());
    let loopback = loopback.allow_loopback_http();
    assert_eq!(loopback.url().unwrap(), "http://127.0.0.1:8080/.well-known/ssf-configuration");
    assert!(loopback.to_json().is_ok());
}

#[test]
fn a_text_that_is_no_configuration_is_refused_with_the_place() {
    let error = TransmitterConfiguration::from_json("{ \"issuer\": 1 }").unwrap_err();
    assert_eq!(error.code(), ErrorCode::JsonInvalid);
    assert!(error.message().contains("line 1"), "{error}");
}
