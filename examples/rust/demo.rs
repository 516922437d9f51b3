//! The main job, shown: keys are made and published, events go to two receivers that check them like Okta and like
//! GOV.UK One Login, and two SETs that must be refused are refused.
//!
//! `cargo xtask demo` builds the command `ssf`, whose receivers run as processes of their own, and runs this.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, ExitCode, Stdio},
};

use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_transmitter::{
    Event, KeySet, KeyType, Receipt, Receiver, SetBuilder, SignedSet, SigningKey, Subject, Timestamp,
    Transmitter,
    event::{InitiatingEntity, OktaRiskLevel, caep, okta, risc},
    token::ClientCredentials,
};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const OKTA: &str = "https://acme.okta.com";
const GOVUK: &str = "https://ssf.account.gov.uk/";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let key = SigningKey::generate(KeyType::Rsa2048)?;
    let keys = KeySet::new(key.clone());
    let published = Published::start(keys.jwks()?.to_json()).await?;
    println!("key           {key:?}");
    println!("JWKS          {}", published.jwks_uri());
    println!("configuration {}", published.configuration());

    let okta_process = Process::start("okta", OKTA, &published, &["--user", "ada@example.com"])?;
    let govuk_process = Process::start(
        "govuk-one-login",
        GOVUK,
        &published,
        &["--client-id", "acme-edr", "--client-secret", "demo secret"],
    )?;
    println!("Okta          {}", okta_process.address("push")?);
    println!("GOV.UK        {}\n", govuk_process.address("push")?);

    let okta_receiver =
        Receiver::okta(okta_process.address("base")?).audience(OKTA).allow_loopback().build()?;
    let credentials = ClientCredentials::new(govuk_process.address("token")?, "acme-edr", "demo secret");
    let govuk_receiver = Receiver::govuk_one_login(govuk_process.address("push")?, GOVUK)
        .client_credentials(credentials.scope("messages/write"))
        .allow_loopback()
        .build()?;
    let transmitter = Transmitter::builder(published.issuer(), keys).build()?;

    let now = Timestamp::now();
    let ada = || Subject::email("ada@example.com");
    let mut table = Table::default();

    // The example of Okta's guide.
    let event =
        risc::IdentifierChanged::new().with_new_value("john.roe@example.com").with_event_timestamp(now);
    table.accepted(&transmitter, event, ada(), &okta_receiver).await?;

    let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, now)
        .with_initiating_entity(InitiatingEntity::System)
        .with_reason_admin("en", "Impossible travel");
    table.accepted(&transmitter, event, ada(), &okta_receiver).await?;

    let event = caep::SessionRevoked::new()
        .with_event_timestamp(now)
        .with_initiating_entity(InitiatingEntity::Policy)
        .with_reason_admin("en", "Session cookie stolen");
    table.accepted(&transmitter, event, ada(), &okta_receiver).await?;

    let user = Subject::uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=");
    let event = risc::AccountDisabled::new().with_reason("hijacking");
    table.accepted(&transmitter, event, user, &govuk_receiver).await?;

    // A SET that was changed on the way: the claims of one, the signature of another.
    let event =
        || caep::SessionRevoked::new().with_event_timestamp(now).with_reason_admin("en", "Laptop lost");
    let honest = transmitter.prepare(event(), ada(), &okta_receiver)?.sign(&key)?;
    let forged =
        transmitter.prepare(event(), Subject::email("eve@example.com"), &okta_receiver)?.sign(&key)?;
    let signature = honest.as_str().rsplit('.').next().unwrap_or_default();
    let body = forged.as_str().rsplit_once('.').map(|(body, _)| body).unwrap_or_default();
    let tampered = SignedSet::parse(&format!("{body}.{signature}"))?;
    table.refused(&transmitter, "tampered", &tampered, &okta_receiver, "authentication_failed").await?;

    // A SET that is well signed, and says that another issuer sent it.
    let foreign = SetBuilder::new("https://someone-else.example.com", OKTA)
        .dialect(okta_receiver.dialect())
        .event(event())
        .subject(ada())
        .sign(&key)?;
    table.refused(&transmitter, "wrong issuer", &foreign, &okta_receiver, "invalid_issuer").await?;

    let ledgers = [("Okta", okta_process.ledger()?), ("GOV.UK One Login", govuk_process.ledger()?)];
    let unexpected = table.print(&ledgers);
    println!("\n{} passed, {unexpected} failed", table.rows.len() - unexpected);
    Ok(if unexpected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was sent, what came back, and what should have.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

struct Row {
    event: String,
    jti: String,
    sent: String,
    answer: Result<Receipt, ssf_transmitter::Error>,
    /// The code with which the receiver should refuse it.
    refused_with: Option<&'static str>,
}

impl Table {
    /// Emits an event that the receiver should accept.
    async fn accepted(
        &mut self,
        transmitter: &Transmitter,
        event: impl Into<Event>,
        subject: Subject,
        receiver: &Receiver,
    ) -> Result<()> {
        let event = event.into();
        let name = event.id().unwrap_or_default();
        let receipt = transmitter.emit(event, subject, receiver).await?;
        self.add(name, &receipt.set().clone(), Ok(receipt), None)
    }

    /// Delivers a SET that the receiver should refuse.
    async fn refused(
        &mut self,
        transmitter: &Transmitter,
        name: &str,
        set: &SignedSet,
        receiver: &Receiver,
        err: &'static str,
    ) -> Result<()> {
        let answer = transmitter.deliver(set, receiver).await;
        self.add(name, set, answer, Some(err))
    }

    fn add(
        &mut self,
        event: &str,
        set: &SignedSet,
        answer: Result<Receipt, ssf_transmitter::Error>,
        refused_with: Option<&'static str>,
    ) -> Result<()> {
        let decoded = set.decode()?;
        let shown = json!({ "header": decoded.header(), "claims": decoded.claims() });
        let (event, jti) = (event.to_owned(), set.jti().to_owned());
        self.rows.push(Row { event, jti, sent: serde_json::to_string_pretty(&shown)?, answer, refused_with });
        Ok(())
    }

    /// Prints everything; `ledgers` tells what each receiver saw. Returns how many SETs went otherwise than expected.
    fn print(&self, ledgers: &[(&str, Vec<Value>)]) -> usize {
        for (number, row) in (1..).zip(&self.rows) {
            println!("{number}  {}, as sent:", row.event);
            for line in row.sent.lines() {
                println!("   {line}");
            }
        }
        let print_row = |cells: [&str; 6]| {
            let [number, event, receiver, answer, seen, expected] = cells;
            println!("{number:<2} {event:<24} {receiver:<17} {answer:<26} {seen:<40} {expected}");
        };
        println!();
        print_row(["", "event", "receiver", "answer", "what the receiver saw", "as expected"]);
        print_row(["--", "-----", "--------", "------", "---------------------", "-----------"]);
        let mut unexpected = 0;
        for (number, row) in (1..).zip(&self.rows) {
            let found = ledgers.iter().find_map(|(receiver, entries)| {
                Some((*receiver, entries.iter().find(|entry| entry["claims"]["jti"] == row.jti.as_str())?))
            });
            let (receiver, entry) = found.unwrap_or(("", &Value::Null));
            let verdict = entry["err"].as_str().or(entry["dropped"].as_str()).unwrap_or("accepted");
            let authorization = entry["request"]["authorization"].as_str().unwrap_or("no authorization");
            let as_expected =
                row.is_as_expected() && found.is_some() && verdict == row.refused_with.unwrap_or("accepted");
            unexpected += usize::from(!as_expected);
            print_row([
                &number.to_string(),
                &row.event,
                receiver,
                &row.answered(),
                &format!("{verdict}, {authorization}"),
                if as_expected { "yes" } else { "NO" },
            ]);
        }
        unexpected
    }
}

impl Row {
    fn is_as_expected(&self) -> bool {
        match (&self.answer, self.refused_with) {
            (Ok(receipt), None) => receipt.status() == 202,
            (Err(error), Some(err)) => error.receiver_error() == Some(err),
            _ => false,
        }
    }

    fn answered(&self) -> String {
        match &self.answer {
            Ok(receipt) => format!("{} delivered", receipt.status()),
            Err(error) => {
                let status =
                    error.status().map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                format!("{status} {}", error.receiver_error().unwrap_or(error.code().as_str()))
            }
        }
    }
}

/// A receiver that runs as a process of its own; ended when dropped.
struct Process {
    child: Child,
    ready: Value,
}

impl Process {
    fn start(like: &str, audience: &str, published: &Published, more: &[&str]) -> Result<Self> {
        // Beside this program's folder `examples`.
        let ssf = std::env::current_exe()?.with_file_name("../ssf");
        let mut child = Command::new(&ssf)
            .args(["receiver", "--like", like, "--issuer", published.issuer(), "--audience", audience])
            .args(["--well-known", published.configuration()])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; run `cargo xtask demo`", ssf.display()))?;
        let mut first = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut first)?;
        }
        let mut process = Self { child, ready: Value::Null };
        process.ready =
            serde_json::from_str(&first).map_err(|_| format!("the receiver {like} did not start"))?;
        Ok(process)
    }

    fn address(&self, name: &str) -> Result<&str> {
        self.ready[name].as_str().ok_or_else(|| format!("this receiver has no {name}").into())
    }

    /// Every request that the receiver saw.
    fn ledger(&self) -> Result<Vec<Value>> {
        let url = self.address("ledger")?;
        let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("no path")?;
        let mut stream = TcpStream::connect(host)?;
        write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
