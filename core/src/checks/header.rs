//! The JOSE header.

use serde_json::{Map, Value};

use super::Report;
use crate::{
    catalogue::rules,
    jose::{Algorithm, SET_TYPE},
    json::ByName,
};

pub(super) fn check(report: &mut Report<'_>, header: &Map<String, Value>) {
    typ(report, header.member("typ"));
    algorithm(report, header.member("alg"));
    kid(report, header.member("kid"));
    if header.has("crit") {
        report.add(&rules::CRIT_PRESENT, "/crit", "the header has critical extensions (crit)");
    }
}

fn typ(report: &mut Report<'_>, typ: Option<&Value>) {
    match typ {
        None => report.add(&rules::TYP_MISSING, "/typ", "the header has no typ; expected secevent+jwt"),
        Some(Value::String(typ)) if typ == SET_TYPE => {}
        Some(Value::String(typ)) if typ.eq_ignore_ascii_case("application/secevent+jwt") => {
            let message = "the typ must be secevent+jwt, without application/";
            report.add(&rules::TYP_WRONG, "/typ", message);
        }
        Some(_) => report.add(&rules::TYP_WRONG, "/typ", "the typ must be secevent+jwt"),
    }
}

fn algorithm(report: &mut Report<'_>, alg: Option<&Value>) {
    let Some(Value::String(name)) = alg else {
        return report.add(&rules::ALG_MISSING, "/alg", "the header does not name the algorithm (alg)");
    };
    if name.eq_ignore_ascii_case("none") {
        return report.add(&rules::ALG_NONE, "/alg", "the SET is not signed: alg is none");
    }
    if ["HS256", "HS384", "HS512"].contains(&&**name) {
        return report.add(&rules::ALG_SYMMETRIC, "/alg", "the algorithm uses a shared secret");
    }
    let Ok(algorithm) = name.parse::<Algorithm>() else {
        let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        let message =
            format!("alg is not a signature algorithm for SETs; known algorithms: {}", names.join(", "));
        return report.add(&rules::ALG_UNKNOWN, "/alg", message);
    };
    let dialect = report.context.dialect;
    let taken = &dialect.data().set.algorithms;
    if !taken.is_empty() && !taken.iter().any(|taken| taken == name) {
        let title = dialect.title();
        let message = format!("{title} accepts {}, not {algorithm}", taken.join(", "));
        report.add(&rules::ALG_NOT_ACCEPTED, "/alg", message);
    }
}

fn kid(report: &mut Report<'_>, kid: Option<&Value>) {
    let dialect = report.context.dialect;
    let there = kid.and_then(Value::as_str).is_some_and(|kid| !kid.is_empty());
    match (there, dialect.data().set.kid) {
        (true, false) => {
            let message = format!("{} does not expect a kid", dialect.title());
            report.add(&rules::KID_NOT_WANTED, "/kid", message);
        }
        (false, true) => {
            report.add(&rules::KID_MISSING, "/kid", "the header has no key id (kid)");
        }
        (true, true) | (false, false) => {}
    }
}
