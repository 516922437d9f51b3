//! Checks a subject identifier against its format.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::FORMAT;
use crate::{
    catalogue::{Check, MemberType, Open, SUBJECT_FORMATS, SubjectFormat, SubjectMember},
    error::{Error, ErrorCode, Result, pointer_step},
    json::ByName,
    near,
};

/// Checks the members of a subject identifier; `private` allows formats that the catalogue does not know.
pub(super) fn check(members: &Map<String, Value>, private: bool) -> Result<()> {
    let Some(format) = known_format(members, private)? else {
        return Ok(());
    };

    for member in format.members {
        match members.member(member.name) {
            Some(value) => check_member(format, member, value, private)
                .map_err(|error| error.within(&pointer_step(member.name)))?,
            None if member.required => {
                let message =
                    format!("a subject of format {} requires the member {}", format.name, member.name);
                let error = Error::new(ErrorCode::SubjectMemberMissing, message);
                return Err(error.at(pointer_step(member.name)));
            }
            None => {}
        }
    }
    check_others(format, members, private)
}

/// The format that `format` names; `None` for a private one.
fn known_format(members: &Map<String, Value>, private: bool) -> Result<Option<&'static SubjectFormat>> {
    let place = format!("/{FORMAT}");
    let name = match members.member(FORMAT) {
        None => {
            let message = "a subject identifier requires the member format";
            return Err(Error::new(ErrorCode::SubjectFormatMissing, message).at(place));
        }
        Some(Value::String(name)) => name,
        Some(_) => {
            return Err(Error::new(ErrorCode::SubjectMemberType, "the member format is a string").at(place));
        }
    };
    if let Some(format) = SubjectFormat::by_name(name) {
        return Ok(Some(format));
    }
    let folded = fold(name);
    if let Some(meant) = SUBJECT_FORMATS.iter().find(|format| {
        let known = fold(format.name);
        known == folded || known.strip_suffix("number") == Some(&folded)
    }) {
        let message = format!("not a subject identifier format; did you mean {}?", meant.name);
        return Err(Error::new(ErrorCode::SubjectFormatUnknown, message).at(place));
    }
    if private && !name.is_empty() {
        return Ok(None);
    }
    let names = SUBJECT_FORMATS.iter().map(|format| format.name);
    let message = format!("not a subject identifier format{}", near::suggestion(name, names));
    Err(Error::new(ErrorCode::SubjectFormatUnknown, message).at(place))
}

/// Old spellings differ in case, hyphens and underscores only: `iss-sub`, `ip_addresses`.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn check_member(format: &SubjectFormat, member: &SubjectMember, value: &Value, private: bool) -> Result<()> {
    let wrong_type = |expected: &str| {
        let message =
            format!("the member {} of a subject of format {} is {expected}", member.name, format.name);
        Err(Error::new(ErrorCode::SubjectMemberType, message))
    };
    let text = |value: &Value| match value {
        Value::String(text) => match violated(member.check, text) {
            Some(expected) => {
                let message = format!("the member {} is {expected}", member.name);
                Err(Error::new(ErrorCode::SubjectMemberValue, message))
            }
            None => Ok(()),
        },
        _ => wrong_type("a string"),
    };
    let at_least_one = |items: &[Value]| {
        if items.is_empty() {
            let message = format!("the member {} must have at least one item", member.name);
            return Err(Error::new(ErrorCode::SubjectMemberValue, message));
        }
        Ok(())
    };

    match (member.kind, value) {
        (MemberType::String, _) => text(value),
        (MemberType::Strings, Value::Array(items)) => {
            at_least_one(items)?;
            each(items, text)
        }
        (MemberType::Strings, _) => wrong_type("a list of strings"),
        (MemberType::Subject, _) => check_inner(value, private, &["complex"]),
        (MemberType::Subjects, Value::Array(items)) => {
            at_least_one(items)?;
            each(items, |item| check_inner(item, private, &["aliases", "complex"]))?;
            // RFC 9493 §3.2.8: no exact duplicates.
            match items.iter().enumerate().position(|(index, item)| items[..index].contains(item)) {
                Some(index) => {
                    let error = Error::new(
                        ErrorCode::SubjectMemberValue,
                        "the list already contains this identifier",
                    );
                    Err(error.at(format!("/{index}")))
                }
                None => Ok(()),
            }
        }
        (MemberType::Subjects, _) => wrong_type("a list of subject identifiers"),
    }
}

fn each(items: &[Value], check: impl Fn(&Value) -> Result<()>) -> Result<()> {
    items
        .iter()
        .enumerate()
        .try_for_each(|(index, item)| check(item).map_err(|error| error.within(&format!("/{index}"))))
}

/// A subject inside another: RFC 9493 §3.2.8 forbids aliases within aliases, SSF 1.0 §3.3 complex subjects anywhere.
fn check_inner(value: &Value, private: bool, forbidden: &[&str]) -> Result<()> {
    let Value::Object(members) = value else {
        return Err(Error::new(ErrorCode::SubjectMemberType, "a subject identifier must be a JSON object"));
    };
    let format = members.member(FORMAT).and_then(Value::as_str);
    if let Some(name) = format.filter(|name| forbidden.contains(name)) {
        let message = format!("a subject of format {name} cannot be nested");
        return Err(Error::new(ErrorCode::SubjectNesting, message));
    }
    check(members, private)
}

/// Members that the format does not list.
fn check_others(format: &SubjectFormat, members: &Map<String, Value>, private: bool) -> Result<()> {
    let listed = |name: &str| name == FORMAT || format.members.iter().any(|member| member.name == name);
    for (name, value) in members.iter().filter(|(name, _)| !listed(name)) {
        let place = || pointer_step(name);
        match format.open {
            Open::Any => {}
            Open::Subject => {
                check_inner(value, private, &["complex"]).map_err(|error| error.within(&place()))?;
            }
            Open::No => {
                let names = format.members.iter().map(|member| member.name).filter(|name| !members.has(name));
                let suggestion = near::did_you_mean(name, names);
                let message = format!("a subject of format {} has no such member{suggestion}", format.name);
                return Err(Error::new(ErrorCode::SubjectMemberUnknown, message).at(place()));
            }
        }
    }
    if format.open == Open::Subject && members.len() < 2 {
        let message = format!("a subject of format {} needs at least one member", format.name);
        return Err(Error::new(ErrorCode::SubjectMemberMissing, message));
    }
    Ok(())
}

/// What `text` should have been, if it is not.
fn violated(check: Check, text: &str) -> Option<&'static str> {
    let (holds, expected) = match check {
        Check::NonEmpty => (!text.is_empty(), "not empty"),
        Check::AcctUri => (is_acct_uri(text), "an acct: URI, such as acct:user@example.com"),
        Check::Email => (is_email(text), "a bare email address, such as user@example.com"),
        Check::E164 => (is_e164(text), "an E.164 number: + and up to 15 digits, without separators"),
        Check::Did => (is_did(text), "a DID or DID URL, such as did:example:123"),
        Check::Uri => (is_uri(text), "a URI"),
        Check::IpAddress => (text.parse::<IpAddr>().is_ok(), "a list of IPv4 or IPv6 addresses"),
    };
    (!holds).then_some(expected)
}

/// RFC 3986: a scheme, a colon, whole percent-encodings, and no white space, control or delimiter characters.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !is_delimiter(byte))
        && rest.split('%').skip(1).all(|part| {
            let digits = part.as_bytes().get(..2);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        })
}

/// What stands around URIs, and in none (RFC 3986 §2, appendix C).
const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'"' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'`')
}

/// RFC 7565: `acct:`, a user part, `@`, a host.
fn is_acct_uri(text: &str) -> bool {
    is_uri(text)
        && text
            .strip_prefix("acct:")
            .and_then(|rest| rest.rsplit_once('@'))
            .is_some_and(|(user, host)| !user.is_empty() && !user.contains('@') && is_host(host))
}

/// RFC 5322 §3.4.1 addr-spec, without comments and folding: a dot-atom or a quoted string, `@`, a domain.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter) || !letter.is_ascii()
            })
    };
    (is_quoted(local) || local.split('.').all(atom)) && (is_host(domain) || is_address_literal(domain))
}

/// RFC 5322 §3.2.4 quoted-string, not empty: quotation marks and backslashes inside stand behind a backslash.
fn is_quoted(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.next());
        let fits = match escaped {
            None => letter != '"' && (letter == '\t' || !letter.is_control()),
            Some(next) => next.is_some_and(|next| next == '\t' || !next.is_control()),
        };
        if !fits {
            return false;
        }
    }
    !inside.is_empty()
}

/// A domain: labels of letters, digits and hyphens, internationalized ones included.
fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
        })
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
fn is_address_literal(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inside| inside.strip_prefix("IPv6:").unwrap_or(inside).parse::<IpAddr>().is_ok())
}

/// `+`, a digit that is not zero, and up to 15 digits in all.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `did:`, a method of lower-case letters and digits, `:`, an identifier.
fn is_did(text: &str) -> bool {
    is_uri(text)
        && text.strip_prefix("did:").and_then(|rest| rest.split_once(':')).is_some_and(|(method, id)| {
            !method.is_empty()
                && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && !id.is_empty()
                && !id.starts_with(['/', '?', '#'])
        })
}
