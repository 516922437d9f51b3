//! What the environment of a process says about proxies and trust. Variables are those of a whole process: each case runs in
//! a child of its own, which is this very test binary.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod net;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use net::{Authority, Behaviour, ConnectProxy, Identity, Tls, TlsServer, authority, certificate_for};
use ssf_transmitter::{
    KeyType, Network, Receiver, SigningKey, Subject, Transmitter, delivery::RetryPolicy, event::caep,
};

/// Everything that is read.
const VARIABLES: [&str; 10] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
];
/// A receiver that only a proxy finds.
const RECEIVER: &str = "https://receiver.invalid/events";

/// Sends a SET to the receiver that the environment names, and prints the outcome and what the doctor says.
#[tokio::test]
#[ignore = "it is run by the other tests, in an environment of theirs"]
async fn child() {
    let url = env::var("CHILD_RECEIVER").unwrap();
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let mut builder = Transmitter::builder("https://edr.example.com", key).retry(RetryPolicy::once());
    if let Ok(path) = env::var("CHILD_CA_BUNDLE") {
        builder = builder.network(Network::new().ca_bundle(fs::read(path).unwrap()));
    }
    let transmitter = match builder.build() {
        Ok(transmitter) => transmitter,
        Err(error) => return println!("refused: {error}"),
    };
    let mut receiver = Receiver::builder(&url, "aud");
    if url.contains("//localhost") {
        receiver = receiver.allow_loopback();
    }
    let receiver = receiver.build().unwrap();
    let event = caep::SessionRevoked::new();
    match transmitter.emit(event.clone(), Subject::opaque("1"), &receiver).await {
        Ok(receipt) => println!("delivered: {}", receipt.status()),
        Err(error) => println!("failed: {error}"),
    }
    let diagnosis = transmitter.doctor(event, Subject::opaque("1"), &receiver).await;
    for id in ["proxy", "trust-store"] {
        println!("{id}: {}", diagnosis.check(id).unwrap().message);
    }
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

const CHILD: [&str; 4] = ["--exact", "child", "--ignored", "--nocapture"];

/// What a child with these variables prints.
async fn run(receiver: &str, variables: &[(&str, &str)]) -> String {
    let mut command = command(env::current_exe().unwrap().to_str().unwrap());
    command.args(CHILD).env("CHILD_RECEIVER", receiver).envs(variables.iter().copied());
    said(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

#[track_caller]
fn says(output: &str, parts: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "{output} does not say {part}");
    }
}

/// A folder of files, which goes with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("ssf-environment-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The name of this machine, which leads to a private or loopback address.
fn machine() -> String {
    said(&Command::new("hostname").output().unwrap()).trim().to_owned()
}

/// A receiver over TLS, by an authority of its own.
async fn receiver(name: &str) -> (TlsServer, Authority) {
    let authority = authority();
    let identity = Identity::new(&certificate_for(name), &authority);
    (TlsServer::start(&Tls::default(), &identity).await, authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_variable_for_proxies_counts_and_is_named() {
    let (server, authority) = receiver("receiver.invalid").await;
    let proxy = ConnectProxy::start(Behaviour::Tunnel(server.address)).await;
    let files = Files::new("proxies");
    let ca = files.write("ca.pem", authority.pem());
    let host = machine();
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let url = format!("http://{host}:{}", proxy.port);
        let output = run(RECEIVER, &[(name, &url), ("CHILD_CA_BUNDLE", &ca)]).await;
        let named = format!("through the proxy {host}:{} ({name})", proxy.port);
        says(&output, &["delivered: 202", &named]);
        let output = run(RECEIVER, &[(name, "http://ada:s3cret@proxy.invalid:3128")]).await;
        says(&output, &["failed: the proxy proxy.invalid:3128 (", name, "[proxy_unreachable]"]);
        assert!(!output.contains("s3cret"), "{output}");
    }
    let url = format!("{host}:{}", proxy.port);
    let output = run(RECEIVER, &[("HTTPS_PROXY", &url), ("ALL_PROXY", "no"), ("CHILD_CA_BUNDLE", &ca)]).await;
    says(&output, &["delivered: 202", "(HTTPS_PROXY)"]);
    let output = run(RECEIVER, &[("HTTPS_PROXY", ""), ("ALL_PROXY", &url), ("CHILD_CA_BUNDLE", &ca)]).await;
    says(&output, &["delivered: 202", "(ALL_PROXY)"]);
    let output = run(RECEIVER, &[("HTTPS_PROXY", "")]).await;
    says(&output, &["[dns_failed]", "use no proxy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_with_a_proxy_that_cannot_be_used_is_an_error_that_names_it() {
    for (name, url, part) in [
        ("HTTPS_PROXY", "socks5://ada:s3cret@proxy.invalid:1080", "SOCKS"),
        ("all_proxy", "socks5h://proxy.invalid", "SOCKS"),
        ("https_proxy", "http://ada:s3c@ret@proxy.invalid:3128", "percent-encoded"),
        ("ALL_PROXY", "http://", "http://host:port"),
        ("HTTPS_PROXY", "proxy invalid", "http://host:port"),
    ] {
        let output = run(RECEIVER, &[(name, url)]).await;
        says(&output, &[&format!("refused: the environment variable {name} "), part, "[proxy_invalid]"]);
        assert!(!output.contains("s3c"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_without_a_proxy_are_judged_by_the_guard_again() {
    let proxy = ConnectProxy::start(Behaviour::Answer("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let host = machine();
    let url = format!("http://{host}:{}", proxy.port);
    let receiver = format!("https://{host}/events");
    for (name, value) in
        [("NO_PROXY", host.as_str()), ("no_proxy", &host), ("NO_PROXY", "*"), ("NO_PROXY", " a.example , *")]
    {
        // The same name as the proxy's, which the guard lets through.
        let output = run(&receiver, &[("HTTPS_PROXY", &url), (name, value)]).await;
        says(&output, &["[address_forbidden]", "use no proxy"]);
    }
    for value in [".invalid", "*.invalid", "invalid", "receiver.invalid"] {
        let output = run(RECEIVER, &[("HTTPS_PROXY", &url), ("NO_PROXY", value)]).await;
        says(&output, &["[dns_failed]", "use no proxy"]);
    }
    // The doctor looks for the documents of the issuer, which is no exception.
    let requests = proxy.requests();
    assert!(requests.iter().all(|head| head.starts_with("CONNECT edr.example.com:443 ")), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_variable_for_trust_counts_and_is_told() {
    let (server, authority) = receiver("localhost").await;
    let url = server.url();
    let files = Files::new("trust");
    let ca = files.write("ca.pem", authority.pem());
    let both = files.write("both.pem", authority.pem() + &net::authority().pem());
    files.write("folder/one.pem", authority.pem());
    files.write("folder/two.pem", net::authority().pem());
    files.write("folder/readme.txt", "no certificate");
    let (folder, other) = (files.path("folder"), files.write("other.pem", net::authority().pem()));

    says(&run(&url, &[]).await, &["[tls_certificate_untrusted]", "from the operating system"]);
    for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
        says(&run(&url, &[(name, &ca)]).await, &["delivered: 202", &format!("1 from {name} ({ca})")]);
        says(&run(&url, &[(name, &both)]).await, &["delivered: 202", &format!("2 from {name}")]);
        says(&run(&url, &[(name, &other)]).await, &["[tls_certificate_untrusted]"]);
        let output = run(&url, &[(name, "")]).await;
        if name == "SSL_CERT_FILE" {
            says(
                &output,
                &["refused: the environment variable SSL_CERT_FILE is empty", "[ca_bundle_invalid]"],
            );
        } else {
            says(&output, &["[tls_certificate_untrusted]", "from the operating system"]);
        }
    }
    let list = env::join_paths([Path::new("/does/not/exist"), Path::new(&folder)]).unwrap();
    for (name, value) in [
        ("SSL_CERT_DIR", folder.as_str()),
        ("SSL_CERT_DIR", list.to_str().unwrap()),
        ("REQUESTS_CA_BUNDLE", &folder),
    ] {
        says(&run(&url, &[(name, value)]).await, &["delivered: 202", &format!("2 from {name} ({value})")]);
    }

    // OpenSSL's variables replace the operating system's certificates, the others add to them.
    let output = run(&url, &[("SSL_CERT_FILE", &other), ("NODE_EXTRA_CA_CERTS", &ca)]).await;
    says(&output, &["delivered: 202", "1 from SSL_CERT_FILE", "1 from NODE_EXTRA_CA_CERTS"]);
    assert!(!output.contains("operating system"), "{output}");
    let output = run(&url, &[("NODE_EXTRA_CA_CERTS", &ca)]).await;
    says(&output, &["delivered: 202", "from the operating system, 1 from NODE_EXTRA_CA_CERTS"]);
    let output = run(&url, &[("SSL_CERT_FILE", &other), ("CHILD_CA_BUNDLE", &ca)]).await;
    says(&output, &["delivered: 202", "1 from SSL_CERT_FILE", "1 from `ca_bundle`"]);

    // Variables of single programs do not count.
    for name in ["CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "PIP_CERT"] {
        says(&run(&url, &[(name, &ca)]).await, &["[tls_certificate_untrusted]"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_leads_to_no_certificate_is_an_error_that_names_it() {
    let files = Files::new("nothing");
    fs::create_dir_all(files.path("empty-folder")).unwrap();
    let (empty, text) = (files.write("empty.pem", ""), files.write("text.pem", "no PEM"));
    let der = files.write("ca.der", authority().der());
    let broken = files.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
        for path in [&files.path("missing.pem"), &empty, &text, &der, &broken, &files.path("empty-folder")] {
            let output = run(RECEIVER, &[(name, path)]).await;
            let named = format!("refused: the environment variable {name} is {path}: ");
            says(&output, &[&named, "[ca_bundle_invalid]"]);
        }
        let output = run(RECEIVER, &[(name, &files.path("missing.pem"))]).await;
        says(&output, &["cannot be read (No such file or directory"]);
    }
}

/// As in a minimal container: in a namespace of its own, with nothing in the folders where certificates are.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_certificates_is_told_what_to_set() {
    let (server, authority) = receiver("localhost").await;
    let files = Files::new("container");
    let ca = files.write("ca.pem", authority.pem());
    let hidden = |bundle: Option<&str>| {
        let script = "for folder in /etc/ssl /etc/pki /usr/share/ca-certificates; do \
                      if [ -d $folder ]; then mount -t tmpfs none $folder || exit 9; fi; done; exec \"$@\"";
        let mut command = command("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(env::current_exe().unwrap()).args(CHILD).env("CHILD_RECEIVER", server.url());
        if let Some(bundle) = bundle {
            command.env("CHILD_CA_BUNDLE", bundle);
        }
        tokio::task::spawn_blocking(move || said(&command.output().unwrap()))
    };
    let output = hidden(None).await.unwrap();
    says(&output, &["refused: ", "no trusted CA certificates", "[ca_certificates_missing]"]);
    assert!(ssf_transmitter::ErrorCode::CaCertificatesMissing.remedy().contains("ca_bundle"));
    let output = hidden(Some(&ca)).await.unwrap();
    says(&output, &["delivered: 202", "0 from the operating system, 1 from `ca_bundle`"]);
}
