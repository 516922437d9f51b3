//! The page of `ssf receiver`, opened by a reader.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::process::Child;

use crate::{
    common::{Reply, Transmitter, http, key},
    receiver::receiver,
};

/// A receiver with a page, and a reader who has opened it.
pub(crate) struct Page {
    pub(crate) child: Child,
    pub(crate) ready: Value,
    pub(crate) base: String,
    pub(crate) cookie: String,
    _transmitter: Transmitter,
}

impl Page {
    pub(crate) async fn open(arguments: &[&str]) -> Self {
        let transmitter = Transmitter::start(&[&key()]).await;
        let (child, ready) = receiver(&transmitter, &[&["--page"], arguments].concat()).await;
        let (base, cookie) = opened(&ready).await;
        Self { child, ready, base, cookie, _transmitter: transmitter }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        http().get(format!("{}{path}", self.base)).header("Cookie", &self.cookie)
    }

    pub(crate) fn switch(&self, script: &str) -> RequestBuilder {
        let request = http().post(format!("{}/faults", self.base)).header("Cookie", &self.cookie);
        request.body(script.to_owned())
    }

    pub(crate) async fn push(&self, body: impl Into<String>) -> Reply {
        let push = http().post(self.ready["push"].as_str().unwrap());
        let push =
            push.header("Content-Type", "application/secevent+jwt").header("Accept", "application/json");
        Reply::to(push.body(body.into())).await
    }

    pub(crate) async fn events(&self) -> Events {
        self.events_after(None).await
    }

    pub(crate) async fn events_after(&self, last: Option<u64>) -> Events {
        let request =
            last.into_iter().fold(self.get("/events"), |request, last| request.header("Last-Event-ID", last));
        Events { response: request.send().await.unwrap(), text: String::new() }
    }
}

/// The address without the token, and the cookie that it leads to.
pub(crate) async fn opened(ready: &Value) -> (String, String) {
    let url = ready["page"].as_str().unwrap();
    let (base, _) = url.split_once("/?token=").unwrap();
    let answer = http().get(url).send().await.unwrap();
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
    let port = base.rsplit(':').next().unwrap();
    assert!(cookie.starts_with(&format!("ssf_receiver_{port}=")), "{cookie}");
    (base.to_owned(), cookie.to_owned())
}

/// The events of the page of a receiver that is ready.
pub(crate) async fn events_of(ready: &Value) -> Events {
    let (base, cookie) = opened(ready).await;
    let request = http().get(format!("{base}/events")).header("Cookie", cookie);
    Events { response: request.send().await.unwrap(), text: String::new() }
}

/// Server-sent events, as they come.
pub(crate) struct Events {
    response: Response,
    text: String,
}

impl Events {
    /// The next one: its name, its id, its data.
    pub(crate) async fn next(&mut self) -> Option<(String, Option<u64>, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let id = field("id").map(|id| id.parse().unwrap());
                let event = (
                    field("event").unwrap().to_owned(),
                    id,
                    serde_json::from_str(field("data").unwrap()).unwrap(),
                );
                self.text = self.text.split_off(self.text.len() - rest.len());
                return Some(event);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next one with this name.
    pub(crate) async fn named(&mut self, name: &str) -> Value {
        loop {
            let (event, _, data) = self.next().await.expect("an event");
            if event == name {
                return data;
            }
        }
    }
}
