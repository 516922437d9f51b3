//! Scripts: what goes wrong, and when, as data.

mod fault;
mod run;
mod status;

use serde::Deserialize;
use serde_json::Value;

use super::{Error, Result};

pub use fault::{Fault, TlsFault};
pub(crate) use run::{Current, Running, Seen};
pub use status::{Ends, RetryAfter, Status};

/// What goes wrong, and when: a list of rules, of which the first that matches decides. Where none does, the receiver
/// is honest.
///
/// In JSON it is the list of rules, or an object with that list and the seed of everything that is drawn:
///
/// ```json
/// {
///   "seed": 7,
///   "rules": [
///     { "on": "token", "nth": 1, "fault": { "status": { "status": 503 } } },
///     { "on": "push", "first": 2, "fault": { "status": { "status": 429, "retry_after": 1 } } },
///     { "on": "push", "nth": 3, "fault": "lost_answer" },
///     { "on": "push", "issuer": "https://other.example.org", "fault": "never" },
///     { "on": "push", "percent": 5, "fault": { "one_of": ["close", { "slow_headers": { "ms": 20 } }] } }
///   ]
/// }
/// ```
///
/// A rule says where (`on`: `push`, the default, `token`, `api`, `log`, or `connection`), when (one of `nth`, `from`, `first`,
/// `every`, `percent`; without any, always), and what ([`Fault`]). Each rule counts from 1 the requests it is about:
/// those to that endpoint, and with `issuer` only pushes of SETs with that `iss`, whether another rule decided about
/// them or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    seed: u64,
    rules: Vec<Rule>,
}

/// One rule of a [`Script`]. Without a word about when, it is for every request.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    on: On,
    issuer: Option<String>,
    when: When,
    fault: Fault,
}

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    #[default]
    Push,
    Token,
    Api,
    Log,
    Connection,
}

impl On {
    fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Token => "token request",
            Self::Api => "request to the API",
            Self::Log => "read of the log",
            Self::Connection => "connection",
        }
    }
}

/// Which of the requests a rule is about, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Nth(u64),
    From(u64),
    First(u64),
    Every(u64),
    Percent(f64),
}

impl Rule {
    /// Something goes wrong with pushes.
    pub fn push(fault: impl Into<Fault>) -> Self {
        Self::new(On::Push, fault)
    }

    /// Something goes wrong with token requests.
    pub fn token(fault: impl Into<Fault>) -> Self {
        Self::new(On::Token, fault)
    }

    /// Something goes wrong with requests to the API by which transmitters are registered.
    pub fn api(fault: impl Into<Fault>) -> Self {
        Self::new(On::Api, fault)
    }

    /// Something goes wrong with reads of the System Log.
    pub fn log(fault: impl Into<Fault>) -> Self {
        Self::new(On::Log, fault)
    }

    /// Something goes wrong with connections, before there is a request: `close`, `reset`, `never` or `tls`.
    pub fn connection(fault: impl Into<Fault>) -> Self {
        Self::new(On::Connection, fault)
    }

    fn new(on: On, fault: impl Into<Fault>) -> Self {
        Self { on, issuer: None, when: When::Always, fault: fault.into() }
    }

    /// Only pushes of SETs with this `iss`, whether it is true or not.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Only the n-th.
    pub fn nth(self, n: u64) -> Self {
        self.when(When::Nth(n))
    }

    /// The n-th and all after it.
    pub fn from(self, n: u64) -> Self {
        self.when(When::From(n))
    }

    /// The first n.
    pub fn first(self, n: u64) -> Self {
        self.when(When::First(n))
    }

    /// Every n-th.
    pub fn every(self, n: u64) -> Self {
        self.when(When::Every(n))
    }

    /// So many of a hundred: which ones follows from the seed.
    pub fn percent(self, percent: f64) -> Self {
        self.when(When::Percent(percent))
    }

    fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    fn check(&self) -> Result<(), fault::Defect> {
        let defect = |member: &str, text: &str| Err(fault::Defect::at(format!("/{member}"), text));
        if self.issuer.is_some() && self.on != On::Push {
            return defect("issuer", "only a push has an issuer");
        }
        let counted =
            |n: u64, member: &str| if n == 0 { defect(member, "counting begins at 1") } else { Ok(()) };
        match self.when {
            When::Always => Ok(()),
            When::Nth(n) => counted(n, "nth"),
            When::From(n) => counted(n, "from"),
            When::First(n) => counted(n, "first"),
            When::Every(n) => counted(n, "every"),
            When::Percent(percent) if (0.0..=100.0).contains(&percent) => Ok(()),
            When::Percent(_) => defect("percent", "has to be 0 to 100"),
        }?;
        self.fault
            .check(self.on)
            .map_err(|defect| fault::Defect { pointer: format!("/fault{}", defect.pointer), ..defect })
    }
}

impl Script {
    /// A script without rules, under which nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a script.
    ///
    /// # Errors
    /// [`Error::is_configuration`], with the JSON pointer to the rule that is wrong.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| wrong("", &error.to_string()))?;
        let (seed, rules, place) = match value {
            Value::Array(rules) => (0, rules, ""),
            value => {
                let document: Document =
                    serde_json::from_value(value).map_err(|error| wrong("", &error.to_string()))?;
                (document.seed, document.rules, "/rules")
            }
        };
        let rule = |(position, value)| Rule::parse(value, &format!("{place}/{position}"));
        Ok(Self { seed, rules: rules.into_iter().enumerate().map(rule).collect::<Result<_>>()? })
    }

    /// With another rule after those that are there.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// With another seed. The same script with the same seed draws the same.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With faults for so many of a hundred pushes that the rules before leave alone: 429 with `Retry-After: 0`, 503,
    /// a connection closed before and after the SET was taken, an answer that is slow by 20 milliseconds.
    pub fn mix(self, percent: f64) -> Self {
        self.rule(Rule::push(Fault::retryable()).percent(percent))
    }

    /// Refuses rules that were put together wrongly, and those about what the receiver does not have.
    pub(crate) fn check(&self, has_tokens: bool, has_api: bool, has_tls: bool) -> Result<()> {
        for (position, rule) in self.rules.iter().enumerate() {
            let place = format!("/{position}");
            rule.check().map_err(|defect| wrong(&format!("{place}{}", defect.pointer), &defect.text))?;
            if !has_tokens && (rule.on == On::Token || rule.has(|fault| *fault == Fault::InvalidToken)) {
                return Err(wrong(&place, "the receiver has no token endpoint"));
            }
            if !has_api && [On::Api, On::Log].contains(&rule.on) {
                return Err(wrong(&place, "the receiver has no API"));
            }
            if !has_tls && rule.has(|fault| matches!(fault, Fault::Tls(_))) {
                return Err(wrong(&place, "the receiver is without TLS"));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    seed: u64,
    rules: Vec<Value>,
}

/// A rule as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    on: On,
    issuer: Option<String>,
    nth: Option<u64>,
    from: Option<u64>,
    first: Option<u64>,
    every: Option<u64>,
    percent: Option<f64>,
    fault: Value,
}

impl Rule {
    fn parse(value: Value, place: &str) -> Result<Self> {
        let at = |pointer: &str, text: &str| wrong(&format!("{place}{pointer}"), text);
        let written: Written = serde_json::from_value(value).map_err(|error| at("", &error.to_string()))?;
        let whens: Vec<When> = [
            written.nth.map(When::Nth),
            written.from.map(When::From),
            written.first.map(When::First),
            written.every.map(When::Every),
            written.percent.map(When::Percent),
        ]
        .into_iter()
        .flatten()
        .collect();
        let when = match whens[..] {
            [] => When::Always,
            [when] => when,
            _ => return Err(at("", "only one of nth, from, first, every, percent")),
        };
        let fault =
            serde_json::from_value(written.fault).map_err(|error| at("/fault", &error.to_string()))?;
        let rule = Self { on: written.on, issuer: written.issuer, when, fault };
        rule.check().map_err(|defect| at(&defect.pointer, &defect.text))?;
        Ok(rule)
    }

    /// Whether one of the faults of this rule is like that.
    fn has(&self, like: impl Fn(&Fault) -> bool) -> bool {
        match &self.fault {
            Fault::OneOf(faults) => faults.iter().any(like),
            fault => like(fault),
        }
    }
}

fn wrong(pointer: &str, text: &str) -> Error {
    match pointer {
        "" => Error::configuration(format!("the script is wrong: {text}")),
        _ => Error::configuration(format!("the script is wrong at {pointer}: {text}")),
    }
}
