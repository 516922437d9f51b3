//! `tests/vectors/okta.json`: requests and answers of Okta's SSF Receiver API.

use crate::common::{failure, file, list, refused, response, run, same, text};
use serde_json::{Value, json};
use ssf_transmitter::{
    Error, ErrorCode, Timestamp,
    error::Retry,
    http::{Failure, Request, Response},
    okta::{ApiError, Call, NewProvider, Page, ProviderSettings, ProvidersApi, SecurityEventsProvider},
};

const ORG: &str = "https://acme.okta.com";
/// 2027-01-01: far from the clock of the answers, so that it shows which one counts.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_798_761_600);

fn api() -> ProvidersApi {
    ProvidersApi::new(ORG).unwrap()
}

fn new_provider(value: &Value) -> NewProvider {
    let settings = &value["settings"];
    let settings = match settings.get("well_known_url") {
        Some(url) => ProviderSettings::well_known(text(url)),
        None => ProviderSettings::issuer(text(&settings["issuer"]), text(&settings["jwks_url"])),
    };
    NewProvider::new(text(&value["name"]), text(&value["type"]), settings)
}

/// A call of any kind.
enum Any {
    Provider(Call<SecurityEventsProvider>),
    Page(Call<Page>),
    Done(Call<()>),
}

impl Any {
    /// The call of a case; where a case does not say for what, for anything.
    fn of(case: &Value) -> Result<Self, Error> {
        let id = case.get("id").map_or("sse1", text);
        let provider = case.get("provider").filter(|provider| provider.get("settings").is_some());
        let provider = provider.map_or_else(|| new_provider(&any_provider()), new_provider);
        Ok(match text(&case["call"]) {
            "create" => Self::Provider(api().create(&provider)?),
            "list" => Self::Page(api().list()),
            "read" => Self::Provider(api().read(id)?),
            "replace" => Self::Provider(api().replace(id, &provider)?),
            "activate" => Self::Provider(api().activate(id)?),
            "deactivate" => Self::Provider(api().deactivate(id)?),
            "delete" => Self::Done(api().delete(id)?),
            other => panic!("no call: {other}"),
        })
    }

    fn request(&mut self) -> Request {
        let authorization = "SSWS 00token".into();
        match self {
            Self::Provider(call) => call.request(authorization),
            Self::Page(call) => call.request(authorization),
            Self::Done(call) => call.request(authorization),
        }
    }

    /// The result of an attempt, in the form of the cases.
    fn judge(&mut self, outcome: Result<Response, Failure>) -> Result<Value, Error> {
        match (self, outcome) {
            (Self::Provider(call), Ok(response)) => {
                call.answered(NOW, &response).map(|provider| json!({ "provider": shown(&provider) }))
            }
            (Self::Page(call), Ok(response)) => call.answered(NOW, &response).map(|page| {
                let ids: Vec<_> = page.providers().iter().map(SecurityEventsProvider::id).collect();
                let next = page.next().map(|mut call| call.request("SSWS 00token".into()).url().to_owned());
                json!({ "page": { "ids": ids, "next": next } })
            }),
            (Self::Done(call), Ok(response)) => {
                call.answered(NOW, &response).map(|()| json!({ "done": true }))
            }
            (Self::Provider(call), Err(failure)) => Err(call.broken(&failure)),
            (Self::Page(call), Err(failure)) => Err(call.broken(&failure)),
            (Self::Done(call), Err(failure)) => Err(call.broken(&failure)),
        }
    }
}

fn any_provider() -> Value {
    json!({ "name": "n", "type": "t", "settings": { "well_known_url": "https://edr.example.com/" } })
}

fn shown(provider: &SecurityEventsProvider) -> Value {
    json!({
        "id": provider.id(),
        "name": provider.name(),
        "type": provider.kind(),
        "status": provider.status().as_str(),
        "issuer": provider.issuer(),
        "jwks_url": provider.jwks_url(),
        "well_known_url": provider.well_known_url(),
        "settable": provider.to_new(),
    })
}

fn same_request(request: &Request, expected: &Value) -> Result<(), String> {
    same("the method", &request.method().as_str(), &text(&expected["method"]))?;
    same("the URL", &request.url(), &format!("{ORG}{}", text(&expected["target"])).as_str())?;
    let body: Value = match request.body() {
        "" => Value::Null,
        body => serde_json::from_str(body).unwrap(),
    };
    same("the body", &body, &expected["body"])?;
    let headers: Vec<_> = request.headers().collect();
    let mut wanted = vec![("accept", "application/json"), ("authorization", "SSWS 00token")];
    if !expected["body"].is_null() {
        wanted.insert(0, ("content-type", "application/json"));
    }
    same("the headers", &headers, &wanted)
}

#[test]
fn what_okta_prints_is_what_is_sent_and_read() {
    run("okta.json", "exchanges", list(&file("okta.json")["exchanges"]), |case| {
        let mut call = api().create(&new_provider(&case["provider"])).map_err(|error| error.to_string())?;
        same_request(&call.request("SSWS 00token".into()), &case["request"])?;
        let body = &case["response"]["body"];
        let provider = call.answered(NOW, &Response::new(200, [], body.to_string().into_bytes()));
        let provider = provider.map_err(|error| error.to_string())?;
        same("the provider", &shown(&provider), &case["expect"])?;
        // Nothing of it is lost, `_links` included.
        same("its JSON", &serde_json::to_value(&provider).unwrap(), body)
    });
}

#[test]
fn every_request_is_built_or_refused() {
    run("okta.json", "requests", list(&file("okta.json")["requests"]), |case| {
        let call = Any::of(case);
        if let Some(error) = case.get("error") {
            return refused(call, &error["code"], &error["pointer"]);
        }
        same_request(&call.map_err(|error| error.to_string())?.request(), &case["expect"])
    });
}

#[test]
fn every_answer_is_read_or_judged() {
    run("okta.json", "answers", list(&file("okta.json")["answers"]), |case| {
        let mut call = Any::of(case).unwrap();
        call.request();
        for before in case.get("before").map_or(&[][..], list) {
            let earlier = match before {
                Value::String(name) => Err(failure(name)),
                status => Ok(Response::new(status.as_u64().unwrap().try_into().unwrap(), [], Vec::new())),
            };
            assert!(call.judge(earlier).is_err());
        }
        let outcome = case.get("broken").map_or_else(|| Ok(response(case)), |name| Err(failure(text(name))));
        match (call.judge(outcome), case.get("error")) {
            (Ok(value), None) => {
                let (what, value) = value.as_object().unwrap().iter().next().unwrap();
                same(what, value, &case[what.as_str()])
            }
            (Err(error), Some(expected)) => same_error(&error, expected),
            (Ok(value), Some(_)) => Err(format!("passed: {value}")),
            (Err(error), None) => Err(error.to_string()),
        }
    });
}

fn same_error(error: &Error, expected: &Value) -> Result<(), String> {
    let object = std::error::Error::source(error).and_then(|source| source.downcast_ref::<ApiError>());
    let found = json!({
        "code": error.code().as_str(),
        "status": error.status(),
        "receiver_error": error.receiver_error(),
        "receiver_description": error.receiver_description(),
        "retry_after": error.retry_after().map(|wait| u64::try_from(wait.as_millis()).unwrap()),
        "object": object.map(|object| json!({
            "code": object.code(),
            "summary": object.summary(),
            "link": object.link(),
            "id": object.id(),
            "causes": object.causes().collect::<Vec<_>>(),
        })),
    });
    // Members that a case does not name are absent.
    let mut wanted = json!({
        "status": null, "receiver_error": null, "receiver_description": null, "retry_after": null, "object": null,
    });
    wanted.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
    same("the error", &found, &wanted)?;
    let shown = format!("{error} {error:?} {object:?}");
    let written = [error.receiver_description(), object.map(ApiError::summary)];
    for text in written.into_iter().flatten().filter(|text| text.len() > 1) {
        assert!(!shown.contains(text), "what the other side writes is shown: {shown}");
    }
    Ok(())
}

#[test]
fn only_what_does_no_harm_is_to_be_tried_again() {
    for case in list(&file("okta.json")["answers"]) {
        let code = case["error"]["code"].as_str();
        if case["call"] == "create" && code.is_some() {
            let unsent = ["api_throttled", "dns_failed", "connection_failed"];
            let code = ErrorCode::ALL.iter().find(|known| Some(known.as_str()) == code).unwrap();
            assert_eq!(code.retry() == Retry::Later, unsent.contains(&code.as_str()), "{}", case["name"]);
        }
    }
}

#[test]
fn an_org_is_named_by_its_url_alone() {
    for url in [
        "acme.okta.com",
        "http://acme.okta.com",
        "http://127.0.0.1",
        "https://acme.okta.com/api",
        "https://acme.okta.com/?a",
        "https://a:b@acme.okta.com",
    ] {
        assert_eq!(ProvidersApi::new(url).unwrap_err().code(), ErrorCode::EndpointInvalid, "{url}");
    }
    assert_eq!(ProvidersApi::new("https://acme.okta.com/").unwrap().host(), "acme.okta.com");
}

#[test]
fn neither_token_nor_body_is_shown() {
    let mut call = api().create(&new_provider(&any_provider())).unwrap();
    let request = call.request("SSWS 00token".into());
    let shown = format!("{call:?} {request:?}");
    assert!(!shown.contains("00token") && !shown.contains("edr.example.com"), "{shown}");
}
