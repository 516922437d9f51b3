//! From an exchange to its explanation.

use serde_json::{Map, Value};

use super::{Cause, Explanation, answers};
use crate::{
    catalogue::{EVENTS, Effect, EventType, Severity},
    checks::Context,
    delivery::{Verdict, code_of, verdict},
    dialect::AnswerRules,
    finding::Finding,
    http::Response,
    near,
    reason::{Reason, Redaction},
    web::media_type,
};

/// What is known of an exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) findings: Vec<Finding>,
    /// The SET as it was given; empty if it is not known.
    pub(crate) set: &'a str,
    /// The claims of the SET, if it has any.
    pub(crate) claims: Option<Map<String, Value>>,
    /// The content type that it was sent with, if it is known.
    pub(crate) sent_as: Option<&'a str>,
    pub(crate) answer: &'a Response,
}

impl Exchange<'_> {
    pub(crate) fn explain(self) -> Explanation {
        let dialect = self.context.dialect;
        let redaction = Redaction::default().set(self.set, self.claims.as_ref());
        let said = Reason::of(self.answer, &redaction);
        let verdict = verdict(self.answer, &said, dialect);
        let (err, said) = (said.code, said.description);
        let delivered = verdict == Verdict::Delivered;
        let (reason, cause, possible) = match (verdict, self.answer.status) {
            (Verdict::Delivered, _) => ("delivered".to_owned(), self.accepted(), self.silent()),
            (Verdict::DeliveredOtherwise, _) => self.unexpected(),
            (Verdict::Duplicate, status) if status != 400 => self.duplicate(status),
            (_, 400) => self.refused(err.as_deref(), said.as_deref().unwrap_or_default()),
            (_, status) => self.by_status(status),
        };
        Explanation { delivered, reason, cause, possible, findings: self.findings, said }
    }

    fn accepted(&self) -> Cause {
        let title = self.context.dialect.title();
        Cause::new(
            format!("{title} accepted the SET. It does not say how it processes it."),
            "No action is needed. If nothing happens, check the possible causes.",
        )
    }

    /// Why nothing may happen although the SET was accepted.
    fn silent(&self) -> Vec<Cause> {
        let found = self.findings.iter().filter(|finding| {
            finding.severity() > Severity::Note && finding.rule().effect != Effect::Refuses
        });
        let known = &self.context.dialect.data().answers.silent;
        let known = known.iter().map(|reason| Cause::new(&*reason.cause, &*reason.remedy));
        found.map(Cause::of).chain(known).collect()
    }

    fn unexpected(&self) -> (String, Cause, Vec<Cause>) {
        let (title, status) = (self.context.dialect.title(), self.answer.status);
        let cause = format!("{title} answers 202 when it accepts a SET, but this answer is {status}.");
        let remedy =
            "Check that the URL is the push endpoint; a web page or a proxy answers 200 to any request.";
        ("receiver_answer_unexpected".to_owned(), Cause::new(cause, remedy), self.silent())
    }

    /// A refusal of the SET itself (RFC 8935 §2.3).
    fn refused(&self, err: Option<&str>, said: &str) -> (String, Cause, Vec<Cause>) {
        let mut causes: Vec<(String, Cause)> = Vec::new();
        if let Some(wrong) = self.content_type() {
            causes.push(("content-type".to_owned(), wrong));
        }
        let named = self.named(said);
        if let Some((reason, cause)) = named {
            causes.push((reason, cause));
        }
        let errors = self.findings.iter().filter(|finding| finding.severity() == Severity::Error);
        let by_rule = |finding: &&Finding| (finding.rule().id.to_owned(), Cause::of(finding));
        let fitting = errors.clone().filter(|finding| finding.rule().err == err);
        causes.extend(fitting.map(|finding| by_rule(&finding)));
        let generic = err.and_then(|err| Some((err.to_owned(), answers::of_err(err)?)));
        // Where the key is proven to be right, a code about keys means something else.
        let unmasked = self.misleading(err);
        if self.key_is_right() && err == Some("invalid_key") {
            causes.extend(unmasked);
            causes.extend(generic);
        } else {
            let others = errors.filter(|finding| err.is_none() || finding.rule().err != err);
            let others = others.map(|finding| by_rule(&finding));
            causes.extend(if err.is_none() || err == Some("invalid_request") {
                others.chain(generic).collect::<Vec<_>>()
            } else {
                generic.into_iter().chain(others).collect()
            });
            causes.extend(unmasked);
        }
        if causes.is_empty() {
            return self.by_status(400);
        }
        let (reason, first) = causes.remove(0);
        let mut possible: Vec<Cause> = Vec::new();
        for (_, cause) in causes {
            if cause != first && !possible.contains(&cause) {
                possible.push(cause);
            }
        }
        (reason, first, possible)
    }

    /// The receiver has a SET with this `jti`, and says so by the status alone.
    fn duplicate(&self, status: u16) -> (String, Cause, Vec<Cause>) {
        match answers::of_err("dup") {
            Some(cause) => ("dup".to_owned(), cause, Vec::new()),
            None => self.by_status(status),
        }
    }

    /// Any other failure, by its status.
    fn by_status(&self, status: u16) -> (String, Cause, Vec<Cause>) {
        let code = code_of(status);
        if status == 415
            && let Some(wrong) = self.content_type()
        {
            return ("content-type".to_owned(), wrong, Vec::new());
        }
        (code.as_str().to_owned(), Cause::new(code.meaning(), code.remedy()), Vec::new())
    }

    /// That the request had the wrong content type.
    fn content_type(&self) -> Option<Cause> {
        (media_type(self.sent_as?) != "application/secevent+jwt").then(|| {
            Cause::new(
                "The content type of the request was not application/secevent+jwt. Receivers often report this as another error.",
                "Send the header Content-Type: application/secevent+jwt.",
            )
        })
    }

    /// Whether the published key is there and verifies the SET.
    fn key_is_right(&self) -> bool {
        let about_key = |finding: &Finding| {
            let (id, err) = (finding.rule().id, finding.rule().err);
            finding.severity() == Severity::Error
                && (err == Some("invalid_key") || id.starts_with("signature-") || id.starts_with("alg-"))
        };
        self.context.jwks.is_some() && !self.findings.iter().any(about_key)
    }

    /// What else the receiver's code may mean.
    fn misleading(&self, err: Option<&str>) -> Vec<(String, Cause)> {
        let known = &self.context.dialect.data().answers.misleading;
        let same = known.iter().filter(|known| Some(known.err.as_str()) == err);
        same.map(|known| {
            let reason =
                if known.cause.contains("content type") { "content-type" } else { known.err.as_str() };
            (reason.to_owned(), Cause::new(&*known.cause, &*known.remedy))
        })
        .collect()
    }

    /// The member that a description names, in the words of the specification.
    fn named(&self, said: &str) -> Option<(String, Cause)> {
        let dialect = self.context.dialect;
        let rules = &dialect.data().answers;
        if !rules.camel_case {
            return None;
        }
        let words =
            || said.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| is_camel(word));
        let events = self.claims.as_ref().and_then(|claims| claims.get("events")).and_then(Value::as_object);
        let sent = events.and_then(|events| events.keys().next()).and_then(|uri| dialect.event_type(uri));
        let kind = words().find_map(|word| event_named(rules, word)).or(sent);
        let members =
            |kind: &'static EventType| kind.fields.iter().map(|field| field.name).chain(["subject"]);
        let member = words().find_map(|word| {
            let own = kind.into_iter().flat_map(members);
            let all = EVENTS.iter().flat_map(members);
            own.chain(all).find(|name| near::same(name, word)).map(|name| (word, name))
        });
        let (word, member) = member?;
        let at =
            |finding: &&Finding| finding.pointer().split('/').any(|step| step == dialect.wire_name(member));
        if let Some(finding) =
            self.findings.iter().filter(|finding| finding.severity() == Severity::Error).find(at)
        {
            return Some((finding.rule().id.to_owned(), Cause::of(finding)));
        }
        let what = rules.phrases.iter().find(|(phrase, _)| said.contains(phrase.as_str()));
        let what = what.map_or("is invalid", |(_, meaning)| meaning.as_str());
        let of = kind.map_or(String::new(), |kind| format!(" of the event {}", kind.id));
        let title = dialect.title();
        let cause = format!("The member `{member}`{of}, which {title} calls {word}, {what}.");
        let own = kind.into_iter().chain(EVENTS).flat_map(|kind| kind.fields);
        let remedy = own.filter(|field| field.name == member).map(|field| field.doc).next().map_or_else(
            || format!("Correct the `{member}` in the event."),
            |doc| format!("Correct `{member}`. Its content: {doc}"),
        );
        Some(("invalid_request".to_owned(), Cause::new(cause, remedy)))
    }
}

/// The event that a description calls by a name of the receiver's own.
fn event_named(rules: &AnswerRules, word: &str) -> Option<&'static EventType> {
    let (before, after) = rules.event_names.as_deref()?.split_once("{}")?;
    let name = word.strip_prefix(before)?.strip_suffix(after)?;
    EVENTS.iter().find(|kind| near::same(kind.id.split_once('.').map_or(kind.id, |(_, local)| local), name))
}

/// Whether a word is written in camelCase.
fn is_camel(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_lowercase())
        && word.contains(|letter: char| letter.is_ascii_uppercase())
        || word == "subject"
}
