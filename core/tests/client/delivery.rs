//! Push delivery (RFC 8935) over real HTTP.

use std::time::Duration;

use crate::server::{Server, transmitter};
use ssf_transmitter::{
    Dialect, Error, ErrorCode, ErrorKind, Receipt, Receiver, SignedSet, Subject,
    event::{caep, govuk, risc},
    token::Authorization,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

async fn emit(receiver: &Receiver) -> Result<Receipt, Error> {
    transmitter().emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), receiver).await
}

async fn refused(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let server = Server::always(status, headers, body).await;
    let error = emit(&server.receiver()).await.unwrap_err();
    assert_eq!(server.seen().len(), 1, "sent once");
    assert_eq!(error.status(), Some(status));
    error
}

#[tokio::test]
async fn the_request_is_the_set_alone_with_the_headers_of_rfc_8935() {
    let server = Server::always(202, &[], "").await;
    let receipt = emit(&server.receiver()).await.unwrap();

    let [seen] = &server.seen()[..] else { panic!("one request") };
    assert_eq!(seen.header("content-type"), Some("application/secevent+jwt"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(seen.header("authorization"), None);
    assert!(seen.header("user-agent").unwrap().starts_with("ssf-transmitter/0."));
    assert_eq!(seen.body, receipt.set().as_str());
    assert_eq!(SignedSet::parse(&seen.body).unwrap().jti(), receipt.jti());
    assert_eq!((receipt.status(), receipt.attempts(), receipt.is_expected()), (202, 1, true));
}

#[tokio::test]
async fn another_success_counts_as_delivered_and_is_noted() {
    for status in [200, 201, 204] {
        let server = Server::always(status, &[], "").await;
        let receipt = emit(&server.receiver()).await.unwrap();
        assert_eq!((receipt.status(), receipt.is_expected()), (status, false));
    }
}

#[tokio::test]
async fn a_dialect_can_expect_any_success() {
    let server = Server::always(200, &[], "\"message-id\"").await;
    let receiver = Receiver::govuk_one_login(server.url("/"), "https://ssf.account.gov.uk/")
        .bearer("token")
        .allow_loopback()
        .build()
        .unwrap();
    let key = ssf_transmitter::SigningKey::generate(ssf_transmitter::KeyType::Rsa2048).unwrap();
    let transmitter = ssf_transmitter::Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let receipt = transmitter
        .emit(risc::AccountDisabled::new(), Subject::uri("urn:fdc:gov.uk:2022:1"), &receiver)
        .companion(govuk::EventDetails::new("accountDisabled").with_location("GB"))
        .await
        .unwrap();
    assert!(receipt.is_expected());
    let claims = receipt.set().decode().unwrap();
    assert_eq!(claims.claims()["events"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn the_error_object_of_rfc_8935_is_read() {
    let body = r#"{ "err": "invalid_audience", "description": "aud has to be https://acme.okta.com" }"#;
    let error = refused(400, &[("content-type", "application/json")], body).await;
    assert_eq!(error.code(), ErrorCode::ReceiverRejected);
    assert_eq!(error.kind(), ErrorKind::Delivery);
    assert_eq!(error.receiver_error(), Some("invalid_audience"));
    assert_eq!(error.receiver_description(), Some("aud has to be https://acme.okta.com"));
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("invalid_audience"));
    assert!(
        !format!("{error} {error:?}").contains("acme.okta"),
        "the receiver's own words stay out of messages"
    );
}

#[tokio::test]
async fn the_two_codes_about_the_sender_are_unauthorized() {
    for err in ["authentication_failed", "access_denied"] {
        let error = refused(400, &[], &format!(r#"{{ "err": "{err}" }}"#)).await;
        assert_eq!(error.code(), ErrorCode::ReceiverUnauthorized);
        assert_eq!(error.receiver_error(), Some(err));
    }
}

#[tokio::test]
async fn bodies_that_are_no_error_object_become_the_description() {
    for (body, description) in [
        ("\"malformed JWS\"", Some("malformed JWS")),
        ("<html>Bad Request</html>", Some("Bad Request")),
        ("", None),
        ("[1, 2]", None),
        (r#"{ "error": "other members" }"#, Some("other members")),
    ] {
        let error = refused(400, &[], body).await;
        assert_eq!(error.code(), ErrorCode::ReceiverRejected, "{body}");
        assert_eq!(error.receiver_error(), None, "{body}");
        assert_eq!(error.receiver_description(), description, "{body}");
    }
}

#[tokio::test]
async fn an_err_that_is_no_word_stays_out_of_the_message() {
    let error = refused(400, &[], r#"{ "err": "user ada@example.com is unknown" }"#).await;
    assert_eq!(error.receiver_error(), None);
    assert!(!format!("{error} {error:?}").contains("ada@example.com"));
}

#[tokio::test]
async fn every_status_has_its_class() {
    for (status, code, retryable) in [
        (401, ErrorCode::ReceiverUnauthorized, false),
        (403, ErrorCode::ReceiverUnauthorized, false),
        (404, ErrorCode::ReceiverNotFound, false),
        (408, ErrorCode::ReceiverUnavailable, true),
        (410, ErrorCode::ReceiverNotFound, false),
        (413, ErrorCode::ReceiverRejected, false),
        (415, ErrorCode::ReceiverRejected, false),
        (418, ErrorCode::ReceiverAnswerUnexpected, false),
        (425, ErrorCode::ReceiverThrottled, true),
        (429, ErrorCode::ReceiverThrottled, true),
        (500, ErrorCode::ReceiverUnavailable, true),
        (503, ErrorCode::ReceiverUnavailable, true),
    ] {
        let error = refused(status, &[], "").await;
        assert_eq!((error.code(), error.is_retryable()), (code, retryable), "{status}");
    }
}

#[tokio::test]
async fn retry_after_in_seconds_is_told() {
    let error = refused(429, &[("retry-after", "120")], "").await;
    assert_eq!(error.retry_after(), Some(Duration::from_mins(2)));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/events" => (307, vec![("location", "/elsewhere".to_owned())], Vec::new()),
        _ => (202, Vec::new(), Vec::new()),
    })
    .await;
    let error = emit(&server.receiver()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReceiverRedirected);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_refusal_beyond_64_kib_is_a_refusal() {
    let server = Server::start(|_, _| (400, Vec::new(), vec![b'x'; 64 * 1024 + 1])).await;
    let error = emit(&server.receiver()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReceiverRejected);
}

#[tokio::test]
async fn a_receiver_that_quotes_set_token_and_subject_is_not_quoted() {
    let server = Server::start(|seen, _| {
        let quoted = format!(
            r#"{{ "message": "no user ADA@EXAMPLE.COM in {} for {}" }}"#,
            seen.body,
            seen.header("authorization").unwrap()
        );
        (403, Vec::new(), quoted.into_bytes())
    })
    .await;
    let receiver = Receiver::builder(server.url("/events"), "aud")
        .bearer("a-token-that-nobody-may-see")
        .allow_loopback()
        .build()
        .unwrap();
    let error = emit(&receiver).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ReceiverUnauthorized, Some(403)));
    assert_eq!(error.receiver_description(), Some("no user [redacted] in [redacted] for [redacted]"));
}

#[tokio::test]
async fn nobody_there_is_a_failed_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let receiver = Receiver::builder(format!("http://{address}/"), "aud").allow_loopback().build().unwrap();
    let error = emit(&receiver).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectionFailed);
    assert!(error.is_retryable());
}

/// A receiver that reads the request, says `answer`, and closes the connection.
async fn rude(answer: &'static [u8]) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 16 * 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer).await;
    });
    Receiver::builder(url, "aud").allow_loopback().build().unwrap()
}

#[tokio::test]
async fn a_connection_that_breaks_after_sending_leaves_the_outcome_unknown() {
    for answer in [&b""[..], b"HTTP/1.1 202"] {
        let error = emit(&rude(answer).await).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_receiver_that_says_nothing_runs_into_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let receiver = Receiver::builder(url, "aud").allow_loopback().build().unwrap();
    let transmitter = transmitter();
    let error = transmitter
        .emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver)
        .deadline(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
    drop(listener);
}

#[tokio::test]
async fn what_the_receiver_would_refuse_is_not_sent() {
    let server = Server::always(202, &[], "").await;
    let receiver = Receiver::builder(server.url("/"), "https://acme.okta.com")
        .dialect(&Dialect::okta())
        .allow_loopback()
        .build()
        .unwrap();
    // Signed by ES256, which Okta does not take.
    let event = caep::SessionRevoked::new().with_event_timestamp(ssf_transmitter::Timestamp::now());
    let error = transmitter().emit(event, Subject::email("ada@example.com"), &receiver).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_is_set_on_the_way_is_in_the_set() {
    let server = Server::always(202, &[], "").await;
    let receipt = transmitter()
        .emit(caep::SessionRevoked::new(), Subject::opaque("1"), &server.receiver())
        .txn("incident-4711")
        .jti("my-own-id")
        .toe(ssf_transmitter::Timestamp::from_unix_seconds(1_767_225_590))
        .await
        .unwrap();
    assert_eq!(receipt.jti(), "my-own-id");
    let set = receipt.set().decode().unwrap();
    assert_eq!(set.claims()["txn"], "incident-4711");
    assert_eq!(set.claims()["toe"], 1_767_225_590);
    assert_eq!(set.claims()["iss"], "https://edr.example.com");
    assert_eq!(set.claims()["aud"], "https://receiver.example.net");
}

#[tokio::test]
async fn a_signed_set_can_be_delivered_again_with_the_same_bytes() {
    let server =
        Server::start(|_, before| (if before == 0 { 503 } else { 202 }, Vec::new(), Vec::new())).await;
    let (transmitter, receiver) = (transmitter(), server.receiver());
    let key = ssf_transmitter::SigningKey::generate(ssf_transmitter::KeyType::P256).unwrap();
    let set = transmitter
        .prepare(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver)
        .unwrap()
        .sign(&key)
        .unwrap();
    assert!(transmitter.deliver(&set, &receiver).await.unwrap_err().is_retryable());
    transmitter.deliver(&set, &receiver).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn fixed_authorizations_go_out_as_they_are() {
    for (authorization, expected) in [
        (Authorization::Bearer("abc.def".into()), "Bearer abc.def"),
        (Authorization::Header("Custom key=1, other=2".into()), "Custom key=1, other=2"),
    ] {
        let server = Server::always(202, &[], "").await;
        let receiver = Receiver::builder(server.url("/"), "aud")
            .authorization(authorization)
            .allow_loopback()
            .build()
            .unwrap();
        emit(&receiver).await.unwrap();
        assert_eq!(server.seen()[0].header("authorization"), Some(expected));
    }
}

#[test]
fn a_receiver_is_checked_when_it_is_built() {
    let build = |url: &str| Receiver::builder(url, "aud").build().map_err(|error| error.code());
    for url in [
        "http://receiver.example.net/",
        "http://127.0.0.1/",
        "ftp://receiver.example.net/",
        "receiver.example.net/events",
        "https://user:password@receiver.example.net/",
        "https://receiver.example.net/#fragment",
        "https://",
        "",
    ] {
        assert_eq!(build(url).unwrap_err(), ErrorCode::EndpointInvalid, "{url}");
    }
    assert!(build("https://receiver.example.net/events?tenant=1").is_ok());

    let loopback = |url: &str| Receiver::builder(url, "aud").allow_loopback().build().is_ok();
    assert!(loopback("http://127.0.0.1:8080/") && loopback("http://[::1]/") && loopback("http://localhost/"));
    assert!(!loopback("http://receiver.example.net/") && !loopback("http://192.168.0.1/"));

    let audience = |audience: &str| Receiver::builder("https://a.example/", audience).build().map(|_| ());
    assert_eq!(audience("").unwrap_err().code(), ErrorCode::AudienceMissing);

    let missing = Receiver::govuk_one_login("https://a.example/", "aud").build().unwrap_err();
    assert_eq!(missing.code(), ErrorCode::ConfigurationInvalid);
    let unfit = Receiver::builder("https://a.example/", "aud").bearer("line\nend").build().unwrap_err();
    assert_eq!(unfit.code(), ErrorCode::AuthorizationInvalid);
}

#[test]
fn okta_is_reached_by_the_url_of_the_org() {
    for org in ["https://acme.okta.com", "https://acme.okta.com/"] {
        let receiver = Receiver::okta(org).build().unwrap();
        assert_eq!(receiver.host(), "acme.okta.com");
        assert_eq!(
            *receiver.audience(),
            ssf_transmitter::set::Audience::from(org),
            "the audience is kept as given"
        );
        assert_eq!(receiver.dialect().id(), "okta");
    }
}
