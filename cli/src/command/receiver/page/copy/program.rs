//! Programs that send the event, in each language of the library.

use serde_json::{Value, json};

use super::{
    Sent,
    literal::{NODE, PYTHON, SWIFT},
    text,
};

pub(super) fn python(sent: &Sent<'_>) -> String {
    let quoted = text::python;
    let credentials = sent.token.map_or(String::new(), |(url, id)| {
        let (url, id) = (quoted(url), quoted(id));
        format!("    client_credentials=ClientCredentials({url}, {id}, os.environ[\"SSF_CLIENT_SECRET\"]),\n")
    });
    let (os, class) = if sent.token.is_some() { ("import os\n", "ClientCredentials, ") } else { ("", "") };
    let txn = sent.txn.map_or(String::new(), |txn| format!(", txn={}", quoted(txn)));
    let toe =
        sent.toe.map_or(String::new(), |toe| format!(", toe=datetime.fromtimestamp({toe}, timezone.utc)"));
    let datetime = if sent.toe.is_some() { "from datetime import datetime, timezone\n" } else { "" };
    format!(
        "{os}{datetime}from pathlib import Path
from ssf_transmitter import {class}CustomEvent, Receiver, SigningKey, Transmitter

key = SigningKey.from_pem(Path(\"signing-key.pem\").read_bytes())
receiver = Receiver(
    {endpoint},
    {audience},
    dialect={dialect},
{credentials}    allow_loopback=True,
)
event = CustomEvent(
    uri={uri},
    claims={claims},
)
subject = {subject}

with Transmitter({issuer}, key) as transmitter:
    receipt = transmitter.emit(event, subject, receiver{txn}{toe})
    print(receipt.jti, \"delivered with status\", receipt.status)
",
        endpoint = quoted(sent.endpoint),
        audience = quoted(sent.audience),
        dialect = quoted(sent.dialect),
        uri = quoted(sent.uri),
        claims = PYTHON.object(sent.members, 4),
        subject = sent.subject.map_or("None".to_owned(), |subject| PYTHON.object(subject, 0)),
        issuer = quoted(sent.issuer),
    )
}

pub(super) fn node(sent: &Sent<'_>) -> String {
    let quoted = text::node;
    let credentials = sent.token.map_or(String::new(), |(url, id)| {
        let (url, id) = (quoted(url), quoted(id));
        let secret = "clientSecret: process.env.SSF_CLIENT_SECRET";
        format!("    clientCredentials: {{ tokenUrl: {url}, clientId: {id}, {secret} }},\n")
    });
    let txn = sent.txn.map_or(String::new(), |txn| format!(", txn: {}", quoted(txn)));
    let toe = sent.toe.map_or(String::new(), |toe| format!(", toe: new Date({toe} * 1000)"));
    format!(
        "import {{ readFile }} from 'node:fs/promises';
import {{ customEvent, Receiver, SigningKey, Transmitter }} from 'ssf-transmitter';

const key = await SigningKey.fromPem(await readFile('signing-key.pem'));
const transmitter = new Transmitter({{ issuer: {issuer}, key }});
const receiver = new Receiver({{
    endpoint: {endpoint},
    audience: {audience},
    dialect: {dialect},
{credentials}    allowLoopback: true,
}});
const event = customEvent({{
    uri: {uri},
    claims: {claims},
}});
const subject = {subject};

const receipt = await transmitter.emit(event, subject, {{ to: receiver{txn}{toe} }});
console.log(`${{receipt.jti}} was taken with status ${{receipt.status}}`);
",
        endpoint = quoted(sent.endpoint),
        audience = quoted(sent.audience),
        dialect = quoted(sent.dialect),
        uri = quoted(sent.uri),
        claims = NODE.object(sent.members, 4),
        subject = sent.subject.map_or("undefined".to_owned(), |subject| NODE.object(subject, 0)),
        issuer = quoted(sent.issuer),
    )
}

pub(super) fn swift(sent: &Sent<'_>) -> String {
    let quoted = text::swift;
    let authorization = sent.token.map_or(String::new(), |(url, id)| {
        let (url, id) = (quoted(url), quoted(id));
        let secret = "ProcessInfo.processInfo.environment[\"SSF_CLIENT_SECRET\"] ?? \"\"";
        format!(
            "    authorization: .clientCredentials(ClientCredentials(
        tokenURL: {url}, clientID: {id}, .basic(secret: {secret}))),\n"
        )
    });
    let txn = sent.txn.map(|txn| format!("txn: {}", quoted(txn)));
    let toe = sent.toe.map(|toe| format!("eventTime: Date(timeIntervalSince1970: {toe})"));
    let options: Vec<_> = txn.into_iter().chain(toe).collect();
    let options =
        if options.is_empty() { String::new() } else { format!(", options: .init({})", options.join(", ")) };
    let subject = sent.subject.map_or("let subject: Subject? = nil".to_owned(), |subject| {
        let members = SWIFT.object(subject, 0);
        let read = "try JSONDecoder().decode(Subject.self, from: JSONEncoder().encode(members))";
        format!("let members: [String: JSONValue] = {members}\nlet subject = {read}")
    });
    format!(
        "import Foundation
import SSFTransmitter

let key = try SigningKey(pem: Data(contentsOf: URL(fileURLWithPath: \"signing-key.pem\")))
let transmitter = try Transmitter(issuer: {issuer}, key: key)
let receiver = try Receiver(
    endpoint: {endpoint},
    audience: {audience},
    dialect: Dialect({dialect}),
{authorization}    options: .init(allowsLoopback: true))
let event = CustomEvent(
    uri: {uri},
    claims: {claims})
{subject}

let receipt = try await transmitter.emit(event, about: subject, to: receiver{options})
print(\"\\(receipt.jti) delivered with status \\(receipt.status)\")
",
        endpoint = quoted(sent.endpoint),
        audience = quoted(sent.audience),
        dialect = quoted(sent.dialect),
        uri = quoted(sent.uri),
        claims = SWIFT.object(sent.members, 4),
        issuer = quoted(sent.issuer),
    )
}

pub(super) fn rust(sent: &Sent<'_>) -> String {
    let quoted = text::rust;
    let credentials = sent.token.map_or(String::new(), |(url, id)| {
        let (url, id) = (quoted(url), quoted(id));
        format!(
            "    .client_credentials(ClientCredentials::new({url}, {id}, std::env::var(\"SSF_CLIENT_SECRET\")?))\n"
        )
    });
    let class = if sent.token.is_some() { ", token::ClientCredentials" } else { "" };
    let subject = sent.subject.map_or("None::<Subject>".to_owned(), |subject| {
        let json = text::pretty_json(&Value::Object(subject.clone()));
        format!("Subject::from_json({})?", text::raw_rust(&json))
    });
    let timestamp = if sent.toe.is_some() { ", Timestamp" } else { "" };
    let txn = sent.txn.map_or(String::new(), |txn| format!(".txn({})", quoted(txn)));
    let toe = sent.toe.map_or(String::new(), |toe| format!(".toe(Timestamp::from_unix_seconds({toe}))"));
    format!(
        "use ssf_transmitter::{{Dialect, Event, Receiver, SigningKey, Subject{timestamp}, Transmitter{class}}};

let key = SigningKey::from_pem(std::fs::read(\"signing-key.pem\")?)?;
let transmitter = Transmitter::builder({issuer}, key).build()?;
let receiver = Receiver::builder({endpoint}, {audience})
    .dialect(&Dialect::built_in({dialect})?)
{credentials}    .allow_loopback()
    .build()?;
let event = Event::from_json({event})?;
let subject = {subject};

let receipt = transmitter.emit(event, subject, &receiver){txn}{toe}.await?;
println!(\"{{}} delivered with status {{}}\", receipt.jti(), receipt.status());
",
        endpoint = quoted(sent.endpoint),
        audience = quoted(sent.audience),
        dialect = quoted(sent.dialect),
        event = text::raw_rust(&text::pretty_json(&json!({ sent.uri: sent.members }))),
        issuer = quoted(sent.issuer),
    )
}
