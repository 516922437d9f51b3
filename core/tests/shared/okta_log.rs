//! `tests/vectors/okta-log.json`: what is read in Okta's System Log, and what it says of a SET.

use std::time::Duration;

use crate::common::{failure, file, list, refused, response, run, same, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ssf_transmitter::{
    Error, SignedSet, Timestamp,
    http::Response,
    okta::{
        Certainty, ConfirmAction, ConfirmInput, Confirmation, LogApi, LogEntity, LogEvent, LogQuery,
        Reception, Sent,
    },
};

const ORG: &str = "https://acme.okta.com";
/// 2026-11-29T13:05:00Z, when the SET of each case was answered.
const START: Timestamp = Timestamp::from_unix_seconds(1_795_957_500);

fn cases(what: &str) -> Vec<Value> {
    list(&file("okta-log.json")[what]).to_vec()
}

fn query(value: &Value) -> LogQuery {
    let moment = |name: &str| value[name].as_i64().map(Timestamp::from_unix_millis);
    let mut query = LogQuery::since(moment("since").unwrap());
    if let Some(until) = moment("until") {
        query = query.until(until);
    }
    if let Some(types) = value["event_types"].as_array() {
        query = query.event_types(types.iter().map(text));
    }
    match value["page_size"].as_u64() {
        Some(entries) => query.page_size(entries.try_into().unwrap()),
        None => query,
    }
}

#[test]
fn every_query_is_built_or_refused() {
    run("okta-log.json", "queries", &cases("queries"), |case| {
        let call = LogApi::new(ORG).unwrap().read(&query(&case["query"]));
        if let Some(error) = case.get("error") {
            return refused(call, &error["code"], &error["pointer"]);
        }
        let request = call.map_err(|error| error.to_string())?.request("SSWS 00token".into());
        same("the URL", &request.url(), &format!("{ORG}{}", text(&case["expect"])).as_str())?;
        same("the method", &request.method().as_str(), &"GET")
    });
}

fn entity(entity: LogEntity<'_>) -> Value {
    json!({
        "id": entity.id(),
        "type": entity.kind(),
        "alternate_id": entity.alternate_id(),
        "display_name": entity.display_name(),
    })
}

#[test]
fn every_entry_is_read_as_far_as_it_can_be() {
    run("okta-log.json", "events", &cases("events"), |case| {
        let mut call = LogApi::new(ORG).unwrap().read(&LogQuery::since(START)).unwrap();
        let body = json!([case["event"]]).to_string().into_bytes();
        let page = call.answered(START, &Response::new(200, [], body)).map_err(|error| error.to_string())?;
        let [event] = page.events() else { return Err("no entry".to_owned()) };
        let found = json!({
            "uuid": event.uuid(),
            "published": event.published().map(Timestamp::as_unix_millis),
            "event_type": event.event_type(),
            "severity": event.severity(),
            "display_message": event.display_message(),
            "result": event.result(),
            "reason": event.reason(),
            "actor": event.actor().map(entity),
            "targets": event.targets().map(entity).collect::<Vec<_>>(),
            "debug_data": event.debug_data(),
        });
        same("the entry", &found, &case["expect"])?;
        same("its JSON", &serde_json::to_value(event).unwrap(), &case["event"])?;
        let shown = format!("{event:?} {:?} {:?}", event.actor(), event.targets().collect::<Vec<_>>());
        for hidden in ["ada@example.com", "Ada", "Example EDR", "requestId"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        Ok(())
    });
}

/// The answers of a case, one after the other; the last one again and again.
struct Answers<'a> {
    list: &'a [Value],
    member: &'static str,
    count: usize,
}

impl Answers<'_> {
    fn next(&mut self, elapsed: u64) -> Result<Response, ssf_transmitter::http::Failure> {
        let answer = &self.list[self.count.min(self.list.len() - 1)];
        self.count += 1;
        if let [from, to] = answer["at"].as_array().map_or(&[][..], Vec::as_slice) {
            let expected = from.as_u64().unwrap()..=to.as_u64().unwrap();
            assert!(expected.contains(&elapsed), "asked after {elapsed} ms, not within {expected:?}");
        }
        if let Some(name) = answer["broken"].as_str() {
            return Err(failure(name));
        }
        if answer.get("status").is_some() {
            return Ok(response(answer));
        }
        let next = answer["next"].as_str().map(|next| next.replace("%s", &self.count.to_string()));
        let link = next.map(|next| ("link".to_owned(), format!("<{next}>; rel=\"next\"")));
        Ok(Response::new(200, link, answer[self.member].to_string().into_bytes()))
    }
}

/// What a confirmation read, and when.
#[derive(Default)]
struct Trace {
    reads_at: Vec<u64>,
    targets: Vec<String>,
}

fn confirm(case: &Value) -> (Result<Reception, Error>, Trace) {
    let claims = &case["claims"];
    let header = json!({ "alg": "RS256", "typ": "secevent+jwt", "kid": "1" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let set = SignedSet::parse(&format!("{}.{}.c2ln", part(&header), part(claims))).unwrap();
    let deadline = Duration::from_millis(case["deadline"].as_u64().unwrap());
    let mut confirmation =
        Confirmation::new(ORG, Sent::new(&set, START)).unwrap().with_deadline(deadline).with_seed(7);
    let mut providers = Answers { list: list(&case["providers"]), member: "providers", count: 0 };
    let mut log = Answers { list: list(&case["log"]), member: "events", count: 0 };
    let takes = if case["log"][0]["endless"] == true { 10 } else { 0 };

    let (mut now, mut input, mut trace) = (START, ConfirmInput::Started, Trace::default());
    let result = loop {
        let elapsed = u64::try_from(now.since(START).as_millis()).unwrap();
        input = match confirmation.step(now, input) {
            ConfirmAction::List(mut call) => {
                call.request("SSWS 00token".into());
                ConfirmInput::Listed(match providers.next(elapsed) {
                    Ok(response) => call.answered(now, &response),
                    Err(failure) => Err(call.broken(&failure)),
                })
            }
            ConfirmAction::Read(mut call) => {
                let request = call.request("SSWS 00token".into());
                trace.targets.push(request.url().to_owned());
                trace.reads_at.push(elapsed);
                let outcome = log.next(elapsed);
                now = now.plus(Duration::from_millis(takes));
                ConfirmInput::Read(match outcome {
                    Ok(response) => call.answered(now, &response),
                    Err(failure) => Err(call.broken(&failure)),
                })
            }
            ConfirmAction::Wait { until } => {
                assert!(until > now, "the wait must be positive");
                now = until;
                ConfirmInput::Woken
            }
            ConfirmAction::Done(reception) => break Ok(reception),
            ConfirmAction::Fail(error) => break Err(error),
            action => panic!("{action:?}"),
        };
    };
    assert!(now <= START.plus(deadline), "it took longer than its deadline");
    (result, trace)
}

#[test]
fn every_set_is_found_or_its_absence_explained() {
    run("okta-log.json", "confirmations", &cases("confirmations"), |case| {
        let expected = &case["expect"];
        let (result, trace) = confirm(case);
        if let Some(reads) = expected["reads"].as_u64() {
            same("the reads", &(trace.targets.len() as u64), &reads)?;
        }
        if let Some(times) = expected["reads_at"].as_array() {
            let times: Vec<_> = times.iter().map(|time| time.as_u64().unwrap()).collect();
            same("the times of the reads", &trace.reads_at, &times)?;
        }
        for (position, target) in expected["targets"].as_array().into_iter().flatten().enumerate() {
            let url = trace.targets.get(position).map_or("", String::as_str);
            if !url.contains(text(target)) {
                return Err(format!("read {position} is of {url}"));
            }
        }
        if let Some(since) = expected["since"].as_str() {
            let since = since.replace(':', "%3A");
            assert!(trace.targets[0].contains(&since), "{} lacks {since}", trace.targets[0]);
        }
        let reception = match (result, expected["error"].as_str()) {
            (Err(error), Some(code)) => return same("the code", &error.code().as_str(), &code),
            (Err(error), None) => return Err(error.to_string()),
            (Ok(reception), Some(_)) => return Err(format!("passed: {reception:?}")),
            (Ok(reception), None) => reception,
        };
        let causes = reception.causes().iter();
        let causes =
            causes.map(|cause| json!({ "id": cause.kind().as_str(), "certain": cause.is_certain() }));
        let found = json!({
            "outcome": reception.outcome().as_str(),
            "certainty": reception.certainty().map(Certainty::as_str),
            "events": reception.events().iter().map(LogEvent::uuid).collect::<Vec<_>>(),
            "causes": causes.collect::<Vec<_>>(),
        });
        let written = serde_json::to_value(&reception).unwrap();
        assert_eq!((&written["outcome"], &written["certainty"]), (&found["outcome"], &found["certainty"]));
        for (name, value) in found.as_object().unwrap() {
            same(name, value, &expected[name])?;
        }
        assert!(!format!("{reception:?}").contains("@example.com"));
        Ok(())
    });
}
