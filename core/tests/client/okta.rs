//! Okta's SSF Receiver API over real HTTP.

use std::{
    error::Error as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::server::{Answer, Seen, Server};
use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode, ErrorKind, KeyType, Network, OktaProviders, SigningKey,
    client::OktaProvidersBuilder,
    delivery::RetryPolicy,
    okta::{ApiError, NewProvider, ProviderSettings, ProviderStatus, SecurityEventsProvider},
    token::ClientCredentials,
};
use tokio::{net::TcpListener, time::Instant};

const PATH: &str = "/api/v1/security-events-providers";
const CONFIGURATION: &str = "https://edr.example.com/.well-known/ssf-configuration";

/// Retries without long waits.
fn quick() -> RetryPolicy {
    RetryPolicy::new().base(Duration::from_millis(1)).max_backoff(Duration::from_millis(5))
}

fn builder(server: &Server) -> OktaProvidersBuilder {
    OktaProviders::builder(server.url("")).ssws("00s3cret").retry(quick()).allow_loopback()
}

fn providers(server: &Server) -> OktaProviders {
    builder(server).build().unwrap()
}

fn by_configuration() -> NewProvider {
    NewProvider::new("Example EDR", "example-edr", ProviderSettings::well_known(CONFIGURATION))
}

/// A provider as Okta shows it.
fn shown(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "type": "example-edr",
        "status": "ACTIVE",
        "settings": {
            "well_known_url": CONFIGURATION,
            "issuer": "https://edr.example.com",
            "jwks_url": "https://edr.example.com/jwks.json",
        },
        "_links": { "self": { "href": format!("https://acme.okta.com{PATH}/{id}") } },
    })
}

fn json(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string().into_bytes())
}

fn error(status: u16, code: &str) -> Answer {
    json(status, &json!({ "errorCode": code, "errorSummary": "No", "errorId": "oae1", "errorCauses": [] }))
}

/// Method and path of each request.
fn calls(server: &Server) -> Vec<String> {
    server.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

#[tokio::test]
async fn each_method_sends_its_request() {
    let server = Server::start(|seen: &Seen, _| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", PATH) => json(200, &json!([shown("sse1", "Example EDR")])),
        ("DELETE", _) => (204, Vec::new(), Vec::new()),
        _ => json(200, &shown("sse1", "Example EDR")),
    })
    .await;
    let providers = providers(&server);
    let created = providers.create(&by_configuration()).await.unwrap();
    assert_eq!((created.id(), created.status()), ("sse1", &ProviderStatus::Active));
    assert_eq!(providers.read("sse1").await.unwrap(), created);
    assert_eq!(providers.list().await.unwrap(), [created]);
    providers.replace("sse1", &by_configuration()).await.unwrap();
    providers.deactivate("sse1").await.unwrap();
    providers.activate("sse1").await.unwrap();
    providers.delete("sse1").await.unwrap();

    assert_eq!(
        calls(&server),
        [
            format!("POST {PATH}"),
            format!("GET {PATH}/sse1"),
            format!("GET {PATH}"),
            format!("PUT {PATH}/sse1"),
            format!("POST {PATH}/sse1/lifecycle/deactivate"),
            format!("POST {PATH}/sse1/lifecycle/activate"),
            format!("DELETE {PATH}/sse1"),
        ]
    );
    for (position, seen) in server.seen().iter().enumerate() {
        assert_eq!(seen.header("authorization"), Some("SSWS 00s3cret"));
        assert_eq!(seen.header("accept"), Some("application/json"));
        let has_body = [0, 3].contains(&position);
        assert_eq!(seen.header("content-type"), has_body.then_some("application/json"), "{seen:?}");
        assert_eq!(seen.body.is_empty(), !has_body);
    }
    let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    let expected = json!({
        "name": "Example EDR", "type": "example-edr", "settings": { "well_known_url": CONFIGURATION },
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn an_update_sends_all_that_can_be_set_and_nothing_else() {
    let by_issuer = json!({
        "id": "sse2",
        "name": "Other",
        "type": "example-edr",
        "status": "INACTIVE",
        "created": "2026-01-01T00:00:00Z",
        "settings": {
            "issuer": "https://edr.example.com", "jwks_url": "https://edr.example.com/jwks.json", "well_known_url": null,
        },
    });
    let server = Server::start(move |seen: &Seen, _| match seen.path.rsplit_once('/') {
        Some((_, "sse1")) => json(200, &shown("sse1", "Example EDR")),
        _ => json(200, &by_issuer),
    })
    .await;
    let providers = providers(&server);
    providers.update("sse1", |provider| provider.with_name("EDR")).await.unwrap();
    providers.update("sse2", |provider| provider.with_kind("edr")).await.unwrap();
    providers.update("sse2", |provider| provider).await.unwrap();

    let put: Vec<Value> = server
        .seen()
        .iter()
        .filter(|seen| seen.method == "PUT")
        .map(|seen| serde_json::from_str(&seen.body).unwrap())
        .collect();
    assert_eq!(
        put,
        [
            json!({ "name": "EDR", "type": "example-edr", "settings": { "well_known_url": CONFIGURATION } }),
            json!({
                "name": "Other",
                "type": "edr",
                "settings": {
                    "issuer": "https://edr.example.com", "jwks_url": "https://edr.example.com/jwks.json",
                },
            }),
        ]
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let server = Server::start(|seen: &Seen, before| {
        assert_eq!(seen.query.as_deref(), [None, Some("after=sse1"), Some("after=sse2")][before]);
        let next = format!("<{PATH}?after=sse{}>; rel=\"next\"", before + 1);
        let mut answer = json(200, &json!([shown(&format!("sse{}", before + 1), "n")]));
        answer.1.push(("link", format!("<{PATH}>; rel=\"self\"")));
        if before < 2 {
            answer.1.push(("link", next));
        }
        answer
    })
    .await;
    let list = providers(&server).list().await.unwrap();
    let ids: Vec<_> = list.iter().map(SecurityEventsProvider::id).collect();
    assert_eq!(ids, ["sse1", "sse2", "sse3"]);
}

#[tokio::test]
async fn a_token_does_not_follow_a_link_or_a_redirect_to_another_address() {
    let other = Server::always(200, &[], "[]").await;
    let target = other.url(PATH);
    for (status, name, value) in
        [(200, "link", format!("<{target}>; rel=\"next\"")), (302, "location", target.clone())]
    {
        let server = Server::start(move |_, _| (status, vec![(name, value.clone())], b"[]".to_vec())).await;
        let error = providers(&server).list().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ApiAnswerUnexpected);
        assert_eq!((server.seen().len(), other.seen().len()), (1, 0));
    }
}

#[tokio::test]
async fn throttling_is_waited_out() {
    for (name, value) in [("retry-after", "1"), ("x-rate-limit-reset", "1767225601")] {
        let times = Arc::new(Mutex::new(Vec::new()));
        let seen_at = times.clone();
        let server = Server::start(move |seen: &Seen, before| {
            seen_at.lock().unwrap().push(Instant::now());
            if before > 0 {
                return json(200, &shown("sse1", "n"));
            }
            assert_eq!(seen.method, "POST", "also what is not to be repeated otherwise");
            let mut answer = error(429, "E0000047");
            // The clock of the other side, which is not this one's.
            answer.1.push(("date", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()));
            answer.1.push((name, value.to_owned()));
            answer
        })
        .await;
        providers(&server).create(&by_configuration()).await.unwrap();
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 2);
        assert!(times[1] - times[0] >= Duration::from_secs(1), "{name}: {:?}", times[1] - times[0]);
    }
}

#[tokio::test]
async fn a_wait_that_ends_past_the_deadline_is_not_begun() {
    let server = Server::start(|_, _| {
        let mut answer = error(429, "E0000047");
        answer.1.push(("retry-after", "60".to_owned()));
        answer
    })
    .await;
    let error = providers(&server).list().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ApiThrottled);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    assert!(error.is_retryable());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_does_no_harm_is_tried_again() {
    let server = Server::start(|seen: &Seen, before| match (before, seen.method.as_str()) {
        (0, _) => (503, Vec::new(), Vec::new()),
        (1, _) => error(500, "E0000009"),
        (_, "DELETE") => (204, Vec::new(), Vec::new()),
        _ => json(200, &shown("sse1", "n")),
    })
    .await;
    let providers = providers(&server);
    providers.read("a").await.unwrap();
    providers.replace("b", &by_configuration()).await.unwrap();
    providers.activate("c").await.unwrap();
    providers.deactivate("d").await.unwrap();
    providers.delete("e").await.unwrap();
    assert_eq!(server.seen().len(), 15);
}

#[tokio::test]
async fn there_are_so_many_attempts_and_no_more() {
    let server = Server::always(503, &[], "").await;
    let policy = quick().max_attempts(3);
    let error = builder(&server).retry(policy).build().unwrap().list().await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ApiUnavailable, Some(503)));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_deletion_that_was_done_without_saying_so_is_done() {
    let server = Server::start(|_, before| match before {
        0 => (502, Vec::new(), Vec::new()),
        _ => error(404, "E0000007"),
    })
    .await;
    let providers = providers(&server);
    providers.delete("sse1").await.unwrap();
    assert_eq!(providers.delete("sse1").await.unwrap_err().code(), ErrorCode::ProviderNotFound);
}

#[tokio::test]
async fn a_creation_of_unknown_outcome_is_not_repeated() {
    let server = Server::start(|_, _| error(500, "E0000009")).await;
    let error = providers(&server).create(&by_configuration()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ApiOutcomeUnknown, Some(500)));
    assert!(!error.is_retryable());
    assert_eq!(
        error.source().and_then(|source| source.downcast_ref::<ApiError>()).unwrap().code(),
        "E0000009"
    );
    assert_eq!(server.seen().len(), 1);

    // Connections are taken, and nothing is said.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let org = format!("http://{}", silent.local_addr().unwrap());
    let builder = || OktaProviders::builder(&org).ssws("00s3cret").allow_loopback();
    let hurried = builder().deadline(Duration::from_secs(1)).build().unwrap();
    let error = hurried.create(&by_configuration()).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ApiOutcomeUnknown, None));
    assert_eq!(hurried.list().await.unwrap_err().code(), ErrorCode::ApiUnavailable);

    // Nobody listens: nothing was sent.
    drop(silent);
    let error = builder().retry(quick()).build().unwrap().create(&by_configuration()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectionFailed);
    assert!(error.is_retryable());
}

/// A list that `ensure` finds, and what it asks for then.
async fn ensured(list: Value, wanted: NewProvider) -> (Result<String, ErrorCode>, Vec<String>) {
    let server = Server::start(move |seen: &Seen, _| match seen.method.as_str() {
        "GET" => json(200, &list),
        _ => json(200, &shown("sse9", "n")),
    })
    .await;
    let result = providers(&server).ensure(&wanted).await;
    let methods = server.seen().iter().map(|seen| seen.method.clone()).collect();
    (result.map(|provider| provider.id().to_owned()).map_err(|error| error.code()), methods)
}

#[tokio::test]
async fn ensure_finds_what_is_there_mends_what_differs_and_creates_what_is_missing() {
    let there = || json!([shown("sse1", "Other"), shown("sse2", "Example EDR")]);
    let found = ensured(there(), by_configuration()).await;
    assert_eq!(found, (Ok("sse2".to_owned()), vec!["GET".to_owned()]));

    let fixed = ensured(there(), by_configuration().with_kind("edr")).await;
    assert_eq!(fixed.1, ["GET", "PUT"]);

    let issuer = "https://edr.example.com";
    let by_issuer = ProviderSettings::issuer(issuer, "https://edr.example.com/keys.json");
    let moved = ensured(there(), by_configuration().with_settings(by_issuer)).await;
    assert_eq!(moved.1, ["GET", "PUT"]);

    let another = ProviderSettings::well_known("https://other.example.com/.well-known/ssf-configuration");
    for wanted in [by_configuration().with_name("New"), by_configuration().with_settings(another)] {
        assert_eq!(
            ensured(there(), wanted).await,
            (Ok("sse9".to_owned()), vec!["GET".into(), "POST".into()])
        );
    }
    // Limits come before anything is sent.
    let refused = ensured(there(), by_configuration().with_name("")).await;
    assert_eq!(refused, (Err(ErrorCode::ProviderInvalid), Vec::new()));
}

#[tokio::test]
async fn ensure_looks_again_where_a_creation_may_have_passed() {
    for (status, code) in [(502, ErrorCode::ApiOutcomeUnknown), (409, ErrorCode::ProviderConflict)] {
        for appears in [true, false] {
            let server = Server::start(move |seen: &Seen, before| match seen.method.as_str() {
                "GET" if before > 0 && appears => json(200, &json!([shown("sse1", "Example EDR")])),
                "GET" => json(200, &json!([])),
                _ => (status, Vec::new(), Vec::new()),
            })
            .await;
            let result = providers(&server).ensure(&by_configuration()).await;
            let methods: Vec<_> = server.seen().iter().map(|seen| seen.method.clone()).collect();
            assert_eq!(methods, ["GET", "POST", "GET"]);
            match result {
                Ok(provider) => assert!(appears && provider.id() == "sse1"),
                Err(error) => assert!(!appears && error.code() == code),
            }
        }
    }
}

#[tokio::test]
async fn okta_s_error_object_is_read() {
    let body = json!({
        "errorCode": "E0000001",
        "errorSummary": "Api validation failed: provider",
        "errorLink": "E0000001",
        "errorId": "oaeX1",
        "errorCauses": [{ "errorSummary": "name: quoted \"Example EDR\"" }],
    });
    let server = Server::start(move |_, _| json(400, &body)).await;
    let error = providers(&server).create(&by_configuration()).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (ErrorCode::ProviderRefused, ErrorKind::Api));
    assert_eq!((error.status(), error.receiver_error()), (Some(400), Some("E0000001")));
    let description = "Api validation failed: provider; name: quoted \"Example EDR\"";
    assert_eq!(error.receiver_description(), Some(description));
    let okta = error.source().and_then(|source| source.downcast_ref::<ApiError>()).unwrap();
    assert_eq!((okta.code(), okta.id()), ("E0000001", Some("oaeX1")));
    assert_eq!(okta.causes().collect::<Vec<_>>(), ["name: quoted \"Example EDR\""]);
    assert!(!format!("{error} {error:?} {okta} {okta:?}").contains("Example"));
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_not_tried_again() {
    let server = Server::start(|_, _| error(401, "E0000011")).await;
    let error = builder(&server).bearer("0auth").build().unwrap().list().await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ApiUnauthorized, Some(401)));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), Some("Bearer 0auth"));
}

#[tokio::test]
async fn client_credentials_get_tokens_and_renew_them_once() {
    for accepts_the_second in [true, false] {
        let server = Server::start(move |seen: &Seen, before| match seen.path.as_str() {
            "/oauth2/v1/token" => json(
                200,
                &json!({ "access_token": format!("t{before}"), "token_type": "Bearer", "expires_in": 3600 }),
            ),
            _ if accepts_the_second && seen.header("authorization") == Some("Bearer t1") => {
                json(200, &json!([]))
            }
            _ => error(401, "E0000011"),
        })
        .await;
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let credentials = ClientCredentials::with_key(server.url("/oauth2/v1/token"), "0oa1", key)
            .scope("okta.securityEventsProviders.manage");
        let result = builder(&server).client_credentials(credentials).build().unwrap().list().await;
        assert_eq!(result.is_ok(), accepts_the_second);
        let (get, post) = (format!("GET {PATH}"), "POST /oauth2/v1/token".to_owned());
        assert_eq!(calls(&server), [post.clone(), get.clone(), post, get]);
    }
}

#[tokio::test]
async fn a_long_list_is_read_and_an_endless_one_is_not() {
    for (kibibytes, is_read) in [(900, true), (1100, false)] {
        let server = Server::start(move |_, _| {
            let name = "n".repeat(kibibytes * 1024);
            json(200, &json!([shown("sse1", &name)]))
        })
        .await;
        match providers(&server).list().await {
            Ok(list) => assert!(is_read && list.len() == 1),
            Err(error) => assert!(!is_read && error.code() == ErrorCode::ApiAnswerUnexpected, "{error}"),
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn limits_are_checked_before_anything_is_sent() {
    let server = Server::always(200, &[], "{}").await;
    let providers = providers(&server);
    let long = by_configuration().with_name("n".repeat(101));
    for (result, pointer) in [
        (providers.create(&long).await, "/name"),
        (providers.replace("sse1", &long).await, "/name"),
        (providers.read("../users").await, "/id"),
    ] {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.pointer()), (ErrorCode::ProviderInvalid, Some(pointer)));
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let org = || OktaProviders::builder("https://acme.okta.com");
    for (builder, code) in [
        (org(), ErrorCode::ConfigurationInvalid),
        (org().ssws(""), ErrorCode::AuthorizationInvalid),
        (org().bearer(""), ErrorCode::AuthorizationInvalid),
        (org().ssws("a\nb"), ErrorCode::AuthorizationInvalid),
        (org().ssws("a").deadline(Duration::ZERO), ErrorCode::ConfigurationInvalid),
        (org().ssws("a").network(Network::new().ca_bundle("no PEM")), ErrorCode::CaBundleInvalid),
        (
            org().ssws("a").network(Network::new().allow_network("10.0.0.0/99")),
            ErrorCode::ConfigurationInvalid,
        ),
        (OktaProviders::builder("http://127.0.0.1").ssws("a"), ErrorCode::EndpointInvalid),
        (OktaProviders::builder("https://acme.okta.com/api").ssws("a"), ErrorCode::EndpointInvalid),
    ] {
        assert_eq!(builder.build().unwrap_err().code(), code);
    }
    let inside = OktaProviders::builder("https://10.0.0.1").ssws("a").build().unwrap();
    assert_eq!(inside.list().await.unwrap_err().code(), ErrorCode::AddressForbidden);
}

#[tokio::test]
async fn a_token_is_not_shown() {
    let builder = OktaProviders::builder("https://acme.okta.com").ssws("00s3cret");
    let shown = format!("{builder:?}");
    let shown = format!("{shown} {:?}", builder.build().unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}
