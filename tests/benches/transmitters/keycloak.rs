//! Keycloak, with a realm that is a transmitter and a client that is its receiver.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{REVOKED, SETS, Transmitter, email, server::Server};

const PASSWORD: &str = "of-the-bench";
/// It compiles itself for its settings first.
const PATIENCE: Duration = Duration::from_mins(5);
const LIFESPAN: u32 = 3600;

pub(crate) struct Keycloak {
    /// With its version.
    pub(crate) name: String,
    url: String,
    process: Child,
    _database: Server,
}

impl Keycloak {
    /// Starts the one in the folder that `SSF_BENCH_KEYCLOAK` names.
    pub(crate) fn start() -> Self {
        let folder = PathBuf::from(env::var_os("SSF_BENCH_KEYCLOAK").expect("SSF_BENCH_KEYCLOAK"));
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let database = Server::start(true);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(folder.join("bin/kc.sh"))
            .args(["start", "--db=postgres", "--features=ssf", "--cache=local", "--log-level=warn"])
            .arg(format!("--db-url=jdbc:postgresql://127.0.0.1:{}/postgres", database.port()))
            .args(["--db-username=postgres", "--http-enabled=true", "--hostname-strict=false"])
            .args(["--http-host=127.0.0.1", &format!("--http-port={port}")])
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { name, url: format!("http://127.0.0.1:{port}"), process, _database: database }
    }

    /// Waits for it, and creates realm, receiver and stream.
    pub(crate) async fn transmitter(&self, client: Client) -> Transmitter {
        let ready = format!("{}/realms/master", self.url);
        let asking = async {
            while client.get(&ready).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("Keycloak starts");
        let admin = Admin { client: client.clone(), url: &self.url, token: self.admin(&client).await };
        // Tokens of administrators last for a minute otherwise.
        admin.call(Method::PUT, "realms/master", &json!({ "accessTokenLifespan": LIFESPAN })).await;
        let admin = Admin { token: self.admin(&client).await, ..admin };
        admin.create_realm().await;

        let form =
            "grant_type=client_credentials&scope=ssf.manage%20ssf.read&client_id=receiver&client_secret=";
        let token = token(&client, &self.url, "ssf", &format!("{form}{PASSWORD}")).await;
        let publish = format!("{}/admin/realms/ssf/ssf/clients/receiver/events/emit", self.url);
        let poll = (format!("{}/realms/ssf/ssf/transmitter/streams", self.url), token);
        let mut transmitter = Transmitter { client, publish: (publish, admin.token), poll, body };
        let wanted = json!({ "delivery": { "method": "urn:ietf:rfc:8936" }, "events_requested": [REVOKED] });
        let stream = transmitter.post(&transmitter.poll, &wanted).await;
        stream["delivery"]["endpoint_url"].as_str().unwrap().clone_into(&mut transmitter.poll.0);
        transmitter
    }

    async fn admin(&self, client: &Client) -> String {
        let form = format!("grant_type=password&client_id=admin-cli&username=admin&password={PASSWORD}");
        token(client, &self.url, "master", &form).await
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        // Its script passes this signal on to the JVM, which would survive a kill.
        let script = Pid::from_raw(self.process.id().try_into().unwrap());
        let _ = kill(script, Signal::SIGTERM);
        drop(self.process.wait());
    }
}

async fn token(client: &Client, url: &str, realm: &str, form: &str) -> String {
    let url = format!("{url}/realms/{realm}/protocol/openid-connect/token");
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer: Value = request.body(form.to_owned()).send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// An administrator.
struct Admin<'a> {
    client: Client,
    url: &'a str,
    token: String,
}

impl Admin<'_> {
    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let request =
            self.client.request(method, format!("{}/admin/{path}", self.url)).bearer_auth(&self.token);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    async fn create_realm(&self) {
        let client = json!({
            "clientId": "receiver", "secret": PASSWORD, "serviceAccountsEnabled": true, "attributes": {
                "ssf.enabled": "true", "ssf.defaultSubjects": "ALL", "ssf.allowEmitEvents": "true",
                "ssf.supportedEvents": "CaepSessionRevoked", "ssf.allowedDeliveryMethods": "poll",
            },
        });
        // It refuses events about others.
        let user = |number| json!({ "username": email(number), "email": email(number), "enabled": true });
        let users: Vec<_> = (0..SETS).map(user).collect();
        let realm = json!({
            "realm": "ssf", "enabled": true, "sslRequired": "none", "accessTokenLifespan": LIFESPAN,
            "attributes": { "ssf.transmitterEnabled": "true" }, "clients": [client], "users": users,
        });
        self.call(Method::POST, "realms", &realm).await;
        let clients = self.call(Method::GET, "realms/ssf/clients?clientId=receiver", &Value::Null).await;
        let client = clients[0]["id"].as_str().unwrap();
        let scopes = self.call(Method::GET, "realms/ssf/client-scopes", &Value::Null).await;
        for scope in scopes.as_array().unwrap() {
            if scope["name"].as_str().unwrap().starts_with("ssf.") {
                let id = scope["id"].as_str().unwrap();
                let path = format!("realms/ssf/clients/{client}/optional-client-scopes/{id}");
                self.call(Method::PUT, &path, &json!({})).await;
            }
        }
    }
}

fn body(number: usize) -> Value {
    let subject = json!({ "format": "email", "email": email(number) });
    json!({ "eventType": "CaepSessionRevoked", "sub_id": subject, "event": { "event_timestamp": 1_713_360_000 } })
}
