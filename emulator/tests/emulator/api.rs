//! `--like okta` with `--api-token`: the API that registers transmitters.

use crate::common::{AUDIENCE, ISSUER, Reply, Transmitter, client, http, key, set, with};
use reqwest::Method;
use serde_json::{Value, json};
use ssf_emulator::{ApiTokens, Config, Emulator, KeySource, Like, Rule, Script, Status};

const TOKEN: &str = "00manage";
const READ_TOKEN: &str = "00read";

type Change = fn(&mut Config);

/// An emulator with an API and no transmitter yet, and the documents of one.
struct Org {
    emulator: Emulator,
    transmitter: Transmitter,
}

impl Org {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut tokens = ApiTokens::new(TOKEN);
        tokens.read = Some(READ_TOKEN.to_owned());
        let mut config = Config::registering(Like::Okta, AUDIENCE, tokens);
        change(&mut config);
        let emulator = Emulator::start(config).await.unwrap();
        Self { emulator, transmitter: Transmitter::start(&[&key()]).await }
    }

    async fn call_as(&self, authorization: &str, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let url = format!("{}{path}", self.emulator.api_url().unwrap());
        let mut request = http().request(method, url).header("Authorization", authorization);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Reply::to(request).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.call_as(&format!("SSWS {TOKEN}"), method, path, body).await
    }

    /// Registers the transmitter by its configuration, and answers the id.
    async fn register(&self) -> String {
        let reply = self.call(Method::POST, "", Some(&self.draft())).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["id"].as_str().unwrap().to_owned()
    }

    fn draft(&self) -> Value {
        let KeySource::WellKnown(url) = self.transmitter.well_known() else { unreachable!() };
        json!({ "name": "EDR", "type": "edr", "settings": { "well_known_url": url } })
    }

    fn draft_by_issuer(&self) -> Value {
        let KeySource::JwksUri(url) = self.transmitter.jwks_uri() else { unreachable!() };
        json!({ "name": "EDR", "type": "edr", "settings": { "issuer": ISSUER, "jwks_url": url } })
    }

    /// Pushes a good SET of the transmitter.
    async fn push(&self) -> Reply {
        let event = json!({
            "subject": { "user": { "format": "email", "email": "ada@example.org" } },
            "event_timestamp": 1_767_225_590,
        });
        let claims = set("https://schemas.openid.net/secevent/risc/event-type/identifier-changed", event);
        let request = http().post(self.emulator.push_url()).body(key().sign(&claims));
        Reply::to(request.header("Content-Type", "application/secevent+jwt")).await
    }
}

#[track_caller]
fn assert_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["errorCode"]), (status, &json!(code)), "{reply:?}");
    assert!(reply.body["errorSummary"].is_string() && reply.body["errorCauses"].is_array());
    assert_eq!(reply.body["errorLink"], code);
    assert_eq!(reply.body["errorId"].as_str().unwrap().len(), 20);
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn shows_providers_as_okta_prints_them() {
    let org = Org::start().await;
    let draft = org.draft();
    let created = org.call(Method::POST, "", Some(&draft)).await;
    let id = created.body["id"].as_str().unwrap();
    let href = format!("{}/{id}", org.emulator.api_url().unwrap());
    let KeySource::JwksUri(jwks_url) = org.transmitter.jwks_uri() else { unreachable!() };
    let expected = json!({
        "id": id,
        "name": "EDR",
        "type": "edr",
        "status": "ACTIVE",
        "settings": {
            "well_known_url": draft["settings"]["well_known_url"], "issuer": ISSUER, "jwks_url": jwks_url,
        },
        "_links": {
            "self": { "href": href, "hints": { "allow": ["GET", "PUT", "DELETE"] } },
            "deactivate": {
                "href": format!("{href}/lifecycle/deactivate"), "hints": { "allow": ["POST"] },
            },
        },
    });
    assert_eq!((created.status, &created.body), (200, &expected));
    assert!(id.starts_with("sse") && id.len() == 20, "{id}");
    assert_eq!(org.call(Method::GET, &format!("/{id}"), None).await.body, expected);
    assert_eq!(org.call(Method::GET, "", None).await.body, json!([expected]));

    let inactive = org.call(Method::POST, &format!("/{id}/lifecycle/deactivate"), None).await;
    assert_eq!((inactive.status, &inactive.body["status"]), (200, &json!("INACTIVE")));
    assert!(inactive.body["_links"]["activate"].is_object(), "{inactive:?}");
    assert!(inactive.body["_links"]["deactivate"].is_null(), "{inactive:?}");

    let replaced = org.call(Method::PUT, &format!("/{id}"), Some(&org.draft_by_issuer())).await;
    assert_eq!((replaced.status, &replaced.body["status"]), (200, &json!("INACTIVE")));
    assert_eq!(replaced.body["settings"], org.draft_by_issuer()["settings"]);
}

#[tokio::test]
async fn takes_sets_of_active_providers_alone() {
    for by_issuer in [false, true] {
        let org = Org::start().await;
        org.push().await.assert_refused("invalid_issuer");
        let draft = if by_issuer { org.draft_by_issuer() } else { org.draft() };
        let id = org.call(Method::POST, "", Some(&draft)).await.body["id"].as_str().unwrap().to_owned();
        org.push().await.assert_accepted();
        org.call(Method::POST, &format!("/{id}/lifecycle/deactivate"), None).await;
        org.push().await.assert_refused_saying("invalid_issuer", "active provider");
        org.call(Method::POST, &format!("/{id}/lifecycle/activate"), None).await;
        org.push().await.assert_accepted();
        assert_eq!(org.call(Method::DELETE, &format!("/{id}"), None).await.status, 204);
        org.push().await.assert_refused("invalid_issuer");
        assert_error(&org.call(Method::GET, &format!("/{id}"), None).await, 404, "E0000007");
    }
}

#[tokio::test]
async fn judges_by_the_command_line_s_transmitter_as_before() {
    let told = Transmitter::start(&[&key()]).await;
    let org = Org::with(|config| {
        config.issuer = Some(ISSUER.to_owned());
        config.keys = Some(told.jwks_uri());
    })
    .await;
    org.push().await.assert_accepted();
    // Its issuer is taken; another one has room beside it.
    assert_error(&org.call(Method::POST, "", Some(&org.draft())).await, 409, "E0000001");
    org.transmitter.name_issuer("https://other.example.org");
    org.register().await;
    org.push().await.assert_accepted();
}

#[tokio::test]
async fn takes_one_provider_for_each_issuer() {
    let org = Org::start().await;
    let id = org.register().await;
    let second = org.call(Method::POST, "", Some(&org.draft_by_issuer())).await;
    assert_error(&second, 409, "E0000001");
    // A replacement is not in its own way, but in that of another one.
    let path = format!("/{id}");
    assert_eq!(org.call(Method::PUT, &path, Some(&org.draft_by_issuer())).await.status, 200);
    let other = with(org.draft_by_issuer(), "/settings/issuer", json!("https://other.example.org"));
    assert_eq!(org.call(Method::POST, "", Some(&other)).await.status, 200);
    assert_error(&org.call(Method::PUT, &path, Some(&other)).await, 409, "E0000001");
    org.call(Method::DELETE, &path, None).await;
    org.register().await;
}

#[tokio::test]
async fn demands_all_members_within_their_limits() {
    let org = Org::start().await;
    let (configuration, issuer) = (org.draft(), org.draft_by_issuer());
    let url = |length: usize| json!(format!("https://e.example/{}", "a".repeat(length - 18)));
    for (draft, path, value, cause) in [
        (&configuration, "/name", Value::Null, Some("name:")),
        (&configuration, "/name", json!(""), Some("name:")),
        (&configuration, "/name", json!("é".repeat(101)), Some("name:")),
        (&configuration, "/name", json!(1), Some("name:")),
        (&configuration, "/type", Value::Null, Some("type:")),
        (&configuration, "/type", json!("t".repeat(256)), Some("type:")),
        (&configuration, "/settings", Value::Null, Some("settings:")),
        (&configuration, "/settings", json!({}), Some("settings:")),
        (&configuration, "/settings", json!("x"), Some("settings:")),
        (&configuration, "/settings/issuer", json!(ISSUER), Some("settings: either")),
        (&configuration, "/settings/well_known_url", json!("x"), Some("settings.well_known_url:")),
        (&configuration, "/settings/well_known_url", url(1001), Some("settings.well_known_url:")),
        (
            &configuration,
            "/settings/well_known_url",
            json!("http://e.example"),
            Some("settings.well_known_url:"),
        ),
        (
            &configuration,
            "/settings/well_known_url",
            json!("http://127.0.0.1:9/"),
            Some("settings.well_known_url:"),
        ),
        (&issuer, "/settings/issuer", Value::Null, Some("settings.issuer:")),
        (&issuer, "/settings/issuer", url(701), Some("settings.issuer:")),
        (&issuer, "/settings/jwks_url", Value::Null, Some("settings.jwks_url:")),
        (&issuer, "/settings/jwks_url", url(1001), Some("settings.jwks_url:")),
        (&issuer, "/settings/issuer", url(700), None),
        (&issuer, "/settings/jwks_url", url(1000), None),
        (&issuer, "/name", json!("é".repeat(100)), None),
        (&issuer, "/type", json!("t".repeat(255)), None),
        (&issuer, "/id", json!("sse1"), None),
    ] {
        let draft = with(draft.clone(), path, value);
        let reply = org.call(Method::POST, "", Some(&draft)).await;
        let Some(cause) = cause else {
            assert_eq!(reply.status, 200, "{draft}: {reply:?}");
            org.call(Method::DELETE, &format!("/{}", reply.body["id"].as_str().unwrap()), None).await;
            continue;
        };
        assert_error(&reply, 400, "E0000001");
        let found = reply.body["errorCauses"][0]["errorSummary"].as_str().unwrap();
        assert!(found.starts_with(cause), "{draft}: {found}");
    }
    // All that is wrong is said at once.
    let reply = org.call(Method::POST, "", Some(&json!({}))).await;
    assert_eq!(reply.body["errorCauses"].as_array().unwrap().len(), 3);
    let url = org.emulator.api_url().unwrap();
    let authorized = || http().post(&url).header("Authorization", format!("SSWS {TOKEN}"));
    assert_error(&Reply::to(authorized().body(configuration.to_string())).await, 400, "E0000001");
    let json = authorized().header("Content-Type", "application/json");
    assert_error(&Reply::to(json.body("[]")).await, 400, "E0000001");
}

#[tokio::test]
async fn reads_the_configuration_when_it_is_told_of_it() {
    let org = Org::start().await;
    let id = org.register().await;
    org.transmitter.name_issuer("https://other.example.org");
    let shown = org.call(Method::GET, &format!("/{id}"), None).await;
    assert_eq!(shown.body["settings"]["issuer"], ISSUER);
    let replaced = org.call(Method::PUT, &format!("/{id}"), Some(&org.draft())).await;
    assert_eq!(replaced.body["settings"]["issuer"], "https://other.example.org");
    org.push().await.assert_refused("invalid_issuer");
}

#[tokio::test]
async fn knows_tokens_that_manage_and_tokens_that_read() {
    let org = Org::start().await;
    for authorization in
        ["SSWS 00wrong", "Bearer 00wrong", "Basic 00manage", "SSWS", "00manage", "SSWS 00manage "]
    {
        let reply = org.call_as(authorization, Method::GET, "", None).await;
        // A space at the end of a value is none (RFC 9110 §5.5).
        if authorization.ends_with(' ') {
            assert_eq!(reply.status, 200);
        } else {
            assert_error(&reply, 401, "E0000011");
        }
    }
    assert_error(&Reply::to(http().get(org.emulator.api_url().unwrap())).await, 401, "E0000011");
    for scheme in ["SSWS", "Bearer"] {
        let (manage, read) = (format!("{scheme} {TOKEN}"), format!("{scheme} {READ_TOKEN}"));
        assert_eq!(org.call_as(&manage, Method::GET, "", None).await.status, 200);
        assert_eq!(org.call_as(&read, Method::GET, "", None).await.status, 200);
        assert_error(&org.call_as(&read, Method::POST, "", Some(&org.draft())).await, 403, "E0000006");
    }
    let shown = format!("{:?} {:?}", org.emulator.ledger(), ApiTokens::new(TOKEN));
    assert!(!shown.contains(TOKEN) && !shown.contains(READ_TOKEN), "{shown}");
}

#[tokio::test]
async fn answers_other_methods_and_paths_with_an_error() {
    let org = Org::start().await;
    let id = org.register().await;
    for (method, path, allowed) in [
        (Method::PUT, String::new(), "GET, POST"),
        (Method::POST, format!("/{id}"), "GET, PUT, DELETE"),
        (Method::GET, format!("/{id}/lifecycle/activate"), "POST"),
    ] {
        let reply = org.call(method, &path, None).await;
        assert_error(&reply, 405, "E0000022");
        assert_eq!(reply.header("allow"), allowed);
    }
    let draft = org.draft();
    for (method, path) in [
        (Method::GET, "/sse0"),
        (Method::PUT, "/sse0"),
        (Method::DELETE, "/sse0"),
        (Method::POST, "/sse0/lifecycle/activate"),
        (Method::POST, "/sse0/lifecycle/sleep"),
        (Method::GET, "/"),
    ] {
        assert_error(&org.call(method, path, Some(&draft)).await, 404, "E0000007");
    }
    let ledger = org.emulator.ledger();
    assert_eq!(ledger.last().unwrap().err.as_deref(), Some("E0000007"));
}

#[tokio::test]
async fn goes_wrong_as_a_script_says() {
    let script = json!([
        { "on": "api", "nth": 1, "fault": { "status": { "status": 429, "retry_after": 3 } } },
        { "on": "api", "nth": 2, "fault": { "status": { "status": 429, "rate_limit_reset_in": 30 } } },
        { "on": "api", "nth": 3, "fault": { "status": { "status": 503 } } },
        { "on": "api", "nth": 4, "fault": { "status": { "status": 400, "err": "E0000099", "description": "Odd" } } },
        { "nth": 1, "fault": { "status": { "status": 500 } } },
    ]);
    let script = Script::from_json(&script.to_string()).unwrap();
    let org = Org::with(|config| config.script = script).await;
    let throttled = org.call(Method::GET, "", None).await;
    assert_error(&throttled, 429, "E0000047");
    assert_eq!(throttled.header("retry-after"), "3");
    let before = jsonwebtoken::get_current_timestamp();
    let throttled = org.call(Method::GET, "", None).await;
    assert_error(&throttled, 429, "E0000047");
    let reset: u64 = throttled.header("x-rate-limit-reset").parse().unwrap();
    assert!((before + 30..=jsonwebtoken::get_current_timestamp() + 30).contains(&reset));
    assert!(!throttled.header("date").is_empty());
    assert_error(&org.call(Method::GET, "", None).await, 503, "E0000009");
    let odd = org.call(Method::GET, "", None).await;
    assert_error(&odd, 400, "E0000099");
    assert_eq!(odd.body["errorSummary"], "Odd");
    org.register().await;
    assert_eq!(org.push().await.status, 500);
    org.push().await.assert_accepted();
}

#[tokio::test]
async fn is_not_there_without_a_token() {
    let transmitter = Transmitter::start(&[]).await;
    let config = || Config::new(Like::Okta, ISSUER, transmitter.jwks_uri(), AUDIENCE);
    let emulator = Emulator::start(config()).await.unwrap();
    assert_eq!(emulator.api_url(), None);
    let url = format!("{}/api/v1/security-events-providers", emulator.base_url());
    assert_eq!(http().get(url).send().await.unwrap().status().as_u16(), 404);

    let wrong: [(Change, &str); 7] = [
        (|config| config.script = Script::new().rule(Rule::api(Status::new(503))), "no API"),
        (|config| config.issuer = None, "go together"),
        (|config| config.keys = None, "go together"),
        (|config| (config.issuer, config.keys) = (None, None), "a token for the API"),
        (|config| config.api = Some(ApiTokens::new("")), "not be empty"),
        (
            |config| {
                let mut tokens = ApiTokens::new("a");
                tokens.read = Some("a".to_owned());
                config.api = Some(tokens);
            },
            "must differ",
        ),
        (
            |config| {
                config.like = Like::GovUkOneLogin;
                config.client = Some(client());
                config.api = Some(ApiTokens::new("a"));
            },
            "has no API",
        ),
    ];
    for (change, part) in wrong {
        let mut config = config();
        change(&mut config);
        let error = Emulator::start(config).await.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(part), "{error}");
    }
}
