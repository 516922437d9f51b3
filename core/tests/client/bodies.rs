//! The status line is the receiver's word (RFC 8935 §2.2, §2.3): whatever happens to the body of an answer afterwards, over
//! raw sockets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ssf_transmitter::{
    Error, ErrorCode, KeyType, OktaProviders, Receipt, Receiver, SigningKey, Subject, Transmitter,
    delivery::{ReceiptNote, RetryPolicy},
    event::caep,
    token::ClientCredentials,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What a server does after its answer.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    /// Nothing: the socket stays open, and nobody reads from it.
    Hold,
    /// Takes the next request.
    Serve,
}

/// A server that gives these answers, byte for byte, and the last one again and again.
struct Raw {
    url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    async fn start(answers: Vec<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (asked, opened) = (requests.clone(), connections.clone());
        let answers = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let (asked, answers) = (asked.clone(), answers.clone());
                tokio::spawn(async move {
                    while read_request(&mut stream).await {
                        let number = asked.fetch_add(1, Ordering::SeqCst);
                        let answer = &answers[number.min(answers.len() - 1)];
                        let _ = stream.write_all(answer).await;
                        match then {
                            Then::Serve => {}
                            Then::Close => return,
                            Then::Hold => std::future::pending().await,
                        }
                    }
                });
            }
        });
        Self { url, requests, connections }
    }

    async fn always(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        Self::start(vec![answer.into()], then).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn emit(&self) -> Result<Receipt, Error> {
        let receiver = Receiver::builder(&self.url, "aud").allow_loopback().build().unwrap();
        transmitter().emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &receiver).await
    }

    fn providers(&self) -> OktaProviders {
        OktaProviders::builder(&self.url).ssws("00token").allow_loopback().build().unwrap()
    }
}

/// One that tries again: that it does not is to be seen.
fn transmitter() -> Transmitter {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let policy = RetryPolicy::new().base(Duration::from_millis(1));
    Transmitter::builder("https://edr.example.com", key).retry(policy).build().unwrap()
}

/// Reads a request with its body; `false` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return true;
            }
        }
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

#[tokio::test]
async fn a_success_is_delivered_once_however_its_body_ends() {
    let long = [b"HTTP/1.1 202 Accepted\r\n\r\n".as_slice(), &vec![b'x'; 100 * 1024]].concat();
    let announced =
        [b"HTTP/1.1 202 Accepted\r\ncontent-length: 102400\r\n\r\n".as_slice(), &vec![b'x'; 100 * 1024]]
            .concat();
    for (name, answer, then, note) in [
        (
            "a length that is wrong",
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nten bytes.".to_vec(),
            Then::Close,
            ReceiptNote::BodyBroken,
        ),
        (
            "a length, and nothing comes",
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n".to_vec(),
            Then::Close,
            ReceiptNote::BodyBroken,
        ),
        (
            "a length, and an open socket",
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nten bytes.".to_vec(),
            Then::Hold,
            ReceiptNote::BodyUnfinished,
        ),
        (
            "no length, and an open socket",
            b"HTTP/1.1 202 Accepted\r\n\r\n".to_vec(),
            Then::Hold,
            ReceiptNote::BodyUnfinished,
        ),
        (
            "chunks without an end",
            b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
            Then::Close,
            ReceiptNote::BodyBroken,
        ),
        (
            "an invalid chunk",
            b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n".to_vec(),
            Then::Hold,
            ReceiptNote::BodyBroken,
        ),
        (
            "chunks, and an open socket",
            b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
            Then::Hold,
            ReceiptNote::BodyUnfinished,
        ),
        ("a long text", long, Then::Close, ReceiptNote::BodyTooLong),
        ("a long text with its length", announced, Then::Hold, ReceiptNote::BodyTooLong),
    ] {
        let server = Raw::always(answer, then).await;
        let receipt = server.emit().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((receipt.status(), receipt.attempts(), receipt.notes()), (202, 1, &[note][..]), "{name}");
        assert!(receipt.is_expected(), "{name}");
        assert_eq!(server.requests(), 1, "{name}");
    }
}

#[tokio::test]
async fn another_success_with_a_long_page_is_delivered() {
    let page = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b'x'; 100 * 1024]].concat();
    let server = Raw::always(page, Then::Close).await;
    let receipt = server.emit().await.unwrap();
    assert_eq!(receipt.notes(), [ReceiptNote::UnexpectedStatus, ReceiptNote::BodyTooLong]);
    assert_eq!((receipt.is_expected(), server.requests()), (false, 1));
}

#[tokio::test]
async fn what_comes_beside_the_body_is_no_reason_to_send_again() {
    let many: Vec<_> = (0..300).map(|number| format!("x-header-{number}: value\r\n")).collect();
    let many = many.concat();
    let long = "v".repeat(60_000);
    for (name, answer) in [
        (
            "an early answer",
            "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
                .to_owned(),
        ),
        (
            "a hundred that nobody asked for",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        ("many headers", format!("HTTP/1.1 202 Accepted\r\n{many}content-length: 0\r\n\r\n")),
        ("a long header", format!("HTTP/1.1 202 Accepted\r\nx-long: {long}\r\ncontent-length: 0\r\n\r\n")),
        (
            "a line that is no header",
            "HTTP/1.1 202 Accepted\r\nno header\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        (
            "a space before the colon",
            "HTTP/1.1 202 Accepted\r\nserver : old\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        (
            "a header in two lines",
            "HTTP/1.1 202 Accepted\r\nx-two: one\r\n two\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        (
            "a header in another encoding",
            "HTTP/1.1 202 Accepted\r\nx-name: Jos\u{e9}\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        (
            "an encoding that was not asked for",
            "HTTP/1.1 202 Accepted\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnone".to_owned(),
        ),
    ] {
        let server = Raw::always(answer, Then::Close).await;
        let receipt = server.emit().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((receipt.status(), receipt.attempts(), receipt.notes()), (202, 1, &[][..]), "{name}");
        assert_eq!(server.requests(), 1, "{name}");
    }
    let server = Raw::always("HTTP/1.1 204 No Content\r\n\r\n", Then::Hold).await;
    assert_eq!(server.emit().await.unwrap().notes(), [ReceiptNote::UnexpectedStatus]);
}

#[tokio::test]
async fn a_refusal_is_judged_by_its_status_however_its_body_ends() {
    // At once, as some of them are waited for.
    let mut cases = JoinSet::new();
    for (status, code) in [
        (400, ErrorCode::ReceiverRejected),
        (401, ErrorCode::ReceiverUnauthorized),
        (404, ErrorCode::ReceiverNotFound),
        (422, ErrorCode::ReceiverRejected),
    ] {
        for (framing, then) in [
            ("content-length: 100\r\n", Then::Close),
            ("content-length: 100\r\n", Then::Hold),
            ("", Then::Hold),
            ("transfer-encoding: chunked\r\n", Then::Close),
        ] {
            cases.spawn(async move {
                let text = if framing.contains("chunked") { "b\r\nthis is why\r\n" } else { "this is why" };
                let answer = format!("HTTP/1.1 {status} No\r\n{framing}\r\n{text}");
                let server = Raw::always(answer, then).await;
                let error = server.emit().await.unwrap_err();
                assert_eq!((error.code(), error.status()), (code, Some(status)), "{status} {framing}");
                assert_eq!(error.receiver_description(), Some("this is why"), "{status} {framing}");
                assert_eq!(server.requests(), 1, "{status} {framing}");
            });
        }
    }
    cases.join_all().await;
}

#[tokio::test]
async fn the_code_of_a_refusal_counts_though_its_body_does_not_end() {
    let answer = "HTTP/1.1 400 Bad Request\r\n\r\n{\"err\":\"authentication_failed\"}";
    let error = Raw::always(answer, Then::Hold).await.emit().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReceiverUnauthorized);
    assert_eq!(error.receiver_error(), Some("authentication_failed"));
}

#[tokio::test]
async fn a_long_refusal_is_cut() {
    let answer = [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), &vec![b'x'; 200 * 1024]].concat();
    let error = Raw::always(answer, Then::Close).await.emit().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReceiverRejected);
    assert_eq!(error.receiver_description().unwrap().len(), 1024);
}

#[tokio::test]
async fn a_text_in_no_encoding_is_shown_as_far_as_it_can_be_read() {
    let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 8\r\n\r\nJos\xe9 no\x07".to_vec();
    let error = Raw::always(answer, Then::Close).await.emit().await.unwrap_err();
    assert_eq!(error.receiver_description(), Some("Jos\u{fffd} no"));
}

#[tokio::test]
async fn a_server_that_fails_with_a_broken_body_is_asked_again() {
    let broken = b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\nretry-after: 0\r\n\r\nsorry".to_vec();
    let taken = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec();
    let server = Raw::start(vec![broken, taken], Then::Close).await;
    assert_eq!(server.emit().await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn a_repeat_after_a_lost_answer_that_is_known_already_is_delivered() {
    for (status, body) in [("409 Conflict", ""), ("400 Bad Request", "{\"err\":\"dup\"}")] {
        let known = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let server = Raw::start(vec![Vec::new(), known.clone().into_bytes()], Then::Close).await;
        let receipt = server.emit().await.unwrap();
        assert_eq!((receipt.attempts(), receipt.notes()), (2, &[ReceiptNote::AlreadyReceived][..]));
        assert!(!receipt.is_expected());

        let error = Raw::always(known, Then::Close).await.emit().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ReceiverRejected);
        assert!(error.message().contains("another SET with this jti"), "{error}");
    }
}

#[tokio::test]
async fn a_connection_serves_again_after_a_short_body() {
    let server =
        Raw::always("HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\n\"queued\"", Then::Serve).await;
    let receiver = Receiver::builder(&server.url, "aud").allow_loopback().build().unwrap();
    let transmitter = transmitter();
    for _ in 0..5 {
        transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await.unwrap();
    }
    assert_eq!((server.requests(), server.connections.load(Ordering::SeqCst)), (5, 1));
}

#[tokio::test]
async fn a_list_that_breaks_off_is_read_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nretry-after: 0\r\n\r\n[]".to_vec();
    let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec();
    let server = Raw::start(vec![cut, whole], Then::Close).await;
    assert!(server.providers().list().await.unwrap().is_empty());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_provider_that_was_created_by_an_answer_that_breaks_off_may_be_there() {
    use ssf_transmitter::okta::{NewProvider, ProviderSettings};

    let server =
        Raw::always("HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":", Then::Close).await;
    let settings = ProviderSettings::well_known("https://edr.example.com/.well-known/ssf-configuration");
    let error = server.providers().create(&NewProvider::new("EDR", "edr", settings)).await.unwrap_err();
    assert_eq!((error.code(), server.requests()), (ErrorCode::ApiOutcomeUnknown, 1));
}

#[tokio::test]
async fn an_error_of_the_api_with_a_body_that_does_not_end_is_judged_by_its_status() {
    let server = Raw::always("HTTP/1.1 403 Forbidden\r\n\r\n{\"errorCode\":\"E0000006\"}", Then::Hold).await;
    let error = server.providers().list().await.unwrap_err();
    assert_eq!((error.code(), error.receiver_error()), (ErrorCode::ApiUnauthorized, Some("E0000006")));
}

#[tokio::test]
async fn a_token_that_breaks_off_is_asked_for_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":\"abc".to_vec();
    let token = r#"{"access_token":"abcdef","token_type":"BearerToken"}"#;
    let whole =
        format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{token}", token.len()).into_bytes();
    let tokens = Raw::start(vec![cut, whole], Then::Close).await;
    let server = Raw::always("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    let receiver = Receiver::builder(&server.url, "aud")
        .client_credentials(ClientCredentials::new(format!("{}/token", tokens.url), "id", "secret"))
        .allow_loopback()
        .build()
        .unwrap();
    transmitter().emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await.unwrap();
    assert_eq!((tokens.requests(), server.requests()), (2, 1));
}
