//! The page of `ssf receiver`, as a browser sees it.

use std::time::Duration;

use crate::{
    common::{CLIENT_ID, Reply, good, http, key, with},
    page::Page,
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

#[track_caller]
fn assert_protected(headers: &HeaderMap) {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn opens_for_whoever_has_the_token() {
    let page = Page::open(&["--like", "rfc8935"]).await;
    for path in ["/", "/page.css", "/page.js", "/detail.js"] {
        let answer = page.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_protected(answer.headers());
    }
    let token = page.cookie.split_once('=').unwrap().1;
    assert!(token.len() >= 43, "{token}");
    let html = page.get("/").send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<template id=\"arrival\">") && !html.contains(token));

    let other_port = page.cookie.replace("ssf_receiver_", "ssf_receiver_1");
    for cookie in ["", "ssf_receiver=1", &other_port, &format!("{}x", page.cookie)] {
        for path in ["/", "/page.js", "/events", "/nowhere", "/?token=guess", "/?token="] {
            let request = http().get(format!("{}{path}", page.base)).header("Cookie", cookie);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path} {cookie}");
            assert_protected(answer.headers());
            assert!(answer.headers().get("set-cookie").is_none());
            assert!(answer.text().await.unwrap().starts_with("Open the address"));
        }
    }
    // With the cookie, a wrong token is still wrong.
    assert_eq!(page.get("/?token=guess").send().await.unwrap().status(), 401);
    assert_eq!(page.get("/nowhere").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn answers_at_names_of_this_machine_only() {
    let page = Page::open(&["--like", "rfc8935"]).await;
    let port = page.base.rsplit(':').next().unwrap();
    let localhost = page.get("/").header("Host", format!("localhost:{port}"));
    assert_eq!(localhost.send().await.unwrap().status(), 200);
    let elsewhere =
        ["evil.example", "localhost.evil.example", "127.0.0.2", "[::1]"].map(|host| format!("{host}:{port}"));
    let without = ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost"].map(str::to_owned);
    for host in elsewhere.iter().chain(&without) {
        let answer = page.get("/").header("Host", host).send().await.unwrap();
        assert_eq!(answer.status(), 421, "{host}");
        assert_protected(answer.headers());
    }
}

#[tokio::test]
async fn shows_what_arrives_with_the_verdict_and_the_findings() {
    let page = Page::open(&["--like", "rfc8935"]).await;
    let mut events = page.events().await;
    let receiver = events.named("receiver").await;
    assert_eq!((&receiver["like"], &receiver["push"]), (&json!("rfc8935"), &page.ready["push"]));

    let claims = good();
    page.push(key().sign(&claims)).await.assert_accepted();
    let shown = events.named("arrival").await;
    assert_eq!((&shown["outcome"], &shown["title"]), (&json!("accepted"), &json!("Session Revoked")));
    assert_eq!(
        (&shown["verdict"], &shown["subject"]),
        (&json!("Accepted, answered with 202"), &json!("session-0001"))
    );
    assert_eq!(serde_json::from_str::<Value>(shown["claims"].as_str().unwrap()).unwrap(), claims);
    assert_eq!(shown["times"][0]["name"], "iat");
    assert!(shown["times"][0]["words"].as_str().unwrap().ends_with("it arrived"), "{shown}");
    let request = shown["request"].as_str().unwrap();
    assert!(
        request.starts_with("POST /events\n")
            && request.contains("\ncontent-type: application/secevent+jwt\n")
    );

    page.push(key().sign(&with(claims, "/aud", json!("https://other.example.net")))).await;
    let shown = events.named("arrival").await;
    assert_eq!(shown["verdict"], "Rejected, answered with 400: invalid_audience");
    assert!(
        shown["reason"].is_string() && shown["cause"].is_string() && shown["remedy"].is_string(),
        "{shown}"
    );
    let rules = shown["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap());
    assert!(rules.into_iter().any(|rule| rule == "aud-unknown" || rule.starts_with("aud")), "{shown}");
    assert!(shown["answer"].as_str().unwrap().starts_with("400\n\n{"), "{shown}");

    page.push("no SET").await;
    let shown = events.named("arrival").await;
    assert_eq!((&shown["outcome"], &shown["title"]), (&json!("rejected"), &json!("POST /events")));
    assert!(shown["claims"].is_null() && shown["copies"].is_null(), "{shown}");

    // A reader that was away gets what it does not have, and nothing twice.
    let mut again = page.events_after(Some(2)).await;
    assert_eq!(again.named("arrival").await["sequence"], 3);
}

#[tokio::test]
async fn markup_arrives_as_the_text_it_is() {
    let page = Page::open(&["--like", "rfc8935"]).await;
    let mut events = page.events().await;
    let markup = "</script><img src=x onerror=alert(1)>&amp;\u{2028}\n\ndata: x\u{202e}";
    let uri = format!("https://edr.example.com/{markup}");
    let claims = json!({
        "iss": markup, "aud": markup, "jti": markup, "iat": 1, "txn": markup, markup: markup,
        "sub_id": { "format": markup, markup: markup },
        "events": { uri.as_str(): { markup: { markup: [markup] }, "event_timestamp": markup } },
    });
    page.push(key().sign(&claims)).await.assert_refused("invalid_issuer");
    let shown = events.named("arrival").await;
    assert_eq!(serde_json::from_str::<Value>(shown["claims"].as_str().unwrap()).unwrap(), claims);
    assert_eq!((&shown["title"], &shown["events"][0]["uri"]), (&json!(uri), &json!(uri)));
    assert_eq!(shown["subject"], markup);

    // The page makes text of it: it has nothing that makes markup, or code, of a string.
    for path in ["/page.js", "/detail.js"] {
        let program = page.get(path).send().await.unwrap().text().await.unwrap();
        for word in
            ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval", "DOMParser", "Function("]
        {
            assert!(!program.contains(word), "{path}: {word}");
        }
    }
    let html = page.get("/").send().await.unwrap().text().await.unwrap();
    for word in ["http:", "https:", " style=", " onclick", "<style", "javascript:"] {
        assert!(!html.contains(word), "{word}");
    }
}

#[tokio::test]
async fn faults_are_switched_by_the_page_and_by_nobody_else() {
    let page = Page::open(&["--like", "rfc8935", "--fault-percent", "0"]).await;
    let mut events = page.events().await;
    let faults = events.named("faults").await;
    assert_eq!(faults["current"], "");
    let unavailable = r#"[{"fault": {"status": {"status": 503}}}]"#;
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://127.0.0.1")] {
        let request = origin
            .into_iter()
            .fold(page.switch(unavailable), |request, origin| request.header("Origin", origin));
        assert_eq!(request.send().await.unwrap().status(), 403, "{origin:?}");
    }
    let without_cookie = http().post(format!("{}/faults", page.base)).header("Origin", &page.base);
    assert_eq!(without_cookie.body(unavailable).send().await.unwrap().status(), 401);
    assert_eq!(page.push("").await.status, 400);

    for choice in faults["choices"].as_array().unwrap() {
        let script = choice["script"].as_str().unwrap();
        let answer = page.switch(script).header("Origin", &page.base).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{choice}");
        assert_eq!(events.named("faults").await["current"], script);
    }
    page.switch(unavailable).header("Origin", &page.base).send().await.unwrap();
    assert_eq!(page.push("").await.status, 503);
    let mut shown = events.named("arrival").await;
    while shown["sequence"] != 2 {
        shown = events.named("arrival").await;
    }
    let told = (&shown["outcome"], &shown["verdict"], &shown["reason"]);
    assert_eq!(
        told,
        (&json!("rejected"), &json!("Rejected, answered with 503"), &json!("The fault status is on."))
    );

    for (wrong, place) in [(r#"[{"nth": 0, "fault": "close"}]"#, "/0/nth"), ("{", "script is wrong")] {
        let answer = page.switch(wrong).header("Origin", &page.base).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains(place), "{wrong}");
    }
    let answer = page.switch(&" ".repeat(100_000)).header("Origin", &page.base).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(page.push("").await.status, 503, "the script before goes on");
    page.switch("").header("Origin", &page.base).send().await.unwrap();
    assert_eq!(page.push("").await.status, 400);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let client = ["--client-id", CLIENT_ID, "--client-secret", "not to be shown"];
    let page = Page::open(&[&["--like", "govuk-one-login"], &client[..]].concat()).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", "not to be shown"),
    ];
    let token = Reply::to(http().post(page.ready["token"].as_str().unwrap()).form(&form)).await;
    let token = token.body["access_token"].as_str().unwrap();
    let push = http().post(page.ready["push"].as_str().unwrap()).bearer_auth(token);
    let push = push.header("Content-Type", "application/secevent+jwt").header("Accept", "application/json");
    Reply::to(push.body(key().sign(&good()))).await;
    let mut events = page.events().await;
    for words in ["Answered with 200", "authorization: Bearer [hidden]"] {
        let shown = events.named("arrival").await.to_string();
        assert!(!shown.contains("not to be shown") && !shown.contains("not+to+be+shown"), "{shown}");
        assert!(!shown.contains(token) && shown.contains(words), "{shown}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn ends_with_the_receiver_while_somebody_reads() {
    let mut page = Page::open(&["--like", "rfc8935"]).await;
    let mut events = page.events().await;
    events.named("faults").await;
    let pid = page.child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert_eq!(events.next().await, None);
    let ended = tokio::time::timeout(Duration::from_mins(1), page.child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}

/// `--open` gives the browser an address that opens the page once, because others may read the arguments of a program.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn opens_in_the_browser() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = crate::program::folder("receiver-page-browser");
    let (browser, told) = (format!("{folder}/xdg-open"), format!("{folder}/told"));
    // A pipe, so that reading waits for the browser.
    assert!(tokio::process::Command::new("mkfifo").arg(&told).status().await.unwrap().success());
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > '{told}'\n")).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let arguments = ["receiver", "--open", "--like", "okta", "--audience", "a", "--api-token", "t"];
    let mut child = crate::program::command(&arguments).env("PATH", path).spawn().unwrap();
    let url = tokio::task::spawn_blocking(move || std::fs::read_to_string(told)).await.unwrap().unwrap();
    let url = url.trim();
    assert_eq!(http().get(url).send().await.unwrap().status(), 200);
    assert_eq!(http().get(url).send().await.unwrap().status(), 401);
    child.kill().await.unwrap();
    let ready = child.wait_with_output().await.unwrap().stdout;
    let ready: Value = serde_json::from_slice(&ready).unwrap();
    let printed = ready["page"].as_str().unwrap();
    assert!(printed.split_once("token=").unwrap().0 == url.split_once("token=").unwrap().0 && printed != url);
}
