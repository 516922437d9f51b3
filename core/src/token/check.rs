//! Credentials as people set them: what cannot be meant is left out, what cannot be right is named.
//!
//! White space and invisible characters at the ends come from files and clipboards, and are left out. Whatever else is
//! wrong is an error: sent as it is, it would only be a 401 of the other side.

use zeroize::Zeroizing;

use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    secret::Secret,
};

/// Schemes that stand before a token in the header `Authorization`.
const SCHEMES: [&str; 5] = ["Bearer", "SSWS", "Basic", "Token", "DPoP"];
const QUOTES: [char; 11] = ['"', '\'', '`', '“', '”', '„', '‘', '’', '«', '»', '´'];
/// A placeholder is not longer than that.
const PLACEHOLDER: usize = 60;

/// A bearer token (RFC 6750 §2.1), without its scheme.
pub(crate) fn bearer_token(token: &Secret<String>) -> Result<Secret<String>> {
    token_alone(trimmed(token.expose()), "the bearer token")
}

/// An API token of Okta, without its scheme.
pub(crate) fn api_token(token: &Secret<String>) -> Result<Secret<String>> {
    token_alone(trimmed(token.expose()), "the API token")
}

/// The value of the header `Authorization` (RFC 9110 §11.6.2): a scheme and what belongs to it.
pub(crate) fn header(value: &Secret<String>) -> Result<Secret<String>> {
    const SETTING: &str = "the authorization header";
    let value = trimmed(value.expose());
    overall(value, SETTING)?;
    let scheme_alone = SCHEMES.iter().find(|scheme| scheme.eq_ignore_ascii_case(value.trim_end_matches(':')));
    if let Some(scheme) = scheme_alone {
        return Err(invalid(SETTING, &format!("has the scheme `{scheme}` without a token")));
    }
    let Some((scheme, credentials)) = value.split_once([' ', '\t']) else {
        return Err(invalid(SETTING, "has no scheme; expected for example `Bearer <token>`"));
    };
    if scheme.ends_with(':') {
        return Err(invalid(SETTING, "has a colon after its scheme; expected for example `Bearer <token>`"));
    }
    // RFC 9110 §5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !scheme.bytes().all(is_token) {
        return Err(invalid(SETTING, "does not start with a scheme; expected for example `Bearer <token>`"));
    }
    let credentials = trimmed(credentials);
    let credentials = match SCHEMES.iter().find(|known| known.eq_ignore_ascii_case(scheme)) {
        Some(&"Basic") => basic(credentials, SETTING)?,
        Some(_) => token_alone(credentials, SETTING)?,
        None => {
            let unfit = credentials.char_indices().find(|(_, letter)| !matches!(letter, ' '..='~'));
            if let Some((_, letter)) = unfit {
                return Err(invalid(SETTING, &format!("contains {}", described(letter))));
            }
            Secret::from(credentials)
        }
    };
    Ok(Secret::new(format!("{scheme} {}", credentials.expose())))
}

/// A value of the header `Authorization` that is sent unchanged, if it is a valid field value (RFC 9110 §5.5).
pub(crate) fn verbatim(value: &str) -> Result<Secret<String>> {
    const MOST: usize = 4096;
    let visible = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    if (1..=MOST).contains(&value.len()) && value.bytes().all(visible) && value.trim() == value {
        return Ok(value.into());
    }
    Err(invalid(
        "the authorization header",
        "must be printable ASCII without spaces around it, and at most 4096 bytes long",
    ))
}

/// The id of an OAuth client (RFC 6749 appendix A.1).
pub(crate) fn client_id(id: &str) -> Result<String> {
    client_text(id, "the client id").map(str::to_owned)
}

/// The secret of an OAuth client (RFC 6749 appendix A.2).
pub(crate) fn client_secret(secret: &Secret<String>) -> Result<Secret<String>> {
    const SETTING: &str = "the client secret";
    let secret = client_text(secret.expose(), SETTING)?;
    match scheme_before(secret) {
        Some(scheme) => {
            Err(invalid(SETTING, &format!("starts with the scheme `{scheme}`; set the secret alone")))
        }
        None => Ok(secret.into()),
    }
}

/// Without what files and clipboards leave at the ends.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter))
}

/// Byte order mark, zero-width characters, soft hyphen.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}')
}

/// Ids and secrets may hold spaces, so that one at an end could be meant.
fn client_text<'a>(text: &'a str, setting: &str) -> Result<&'a str> {
    let left_out = |letter: char| letter != ' ' && (letter.is_whitespace() || is_invisible(letter));
    let text = text.trim_matches(left_out);
    overall(text, setting)?;
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(invalid(setting, "starts or ends with a space"));
    }
    // The grammar is ASCII; appendix B encodes everything else as UTF-8, and there are secrets like that.
    let unmeant = |letter: &char| {
        letter.is_control()
            || is_invisible(*letter)
            || (letter.is_whitespace() && *letter != ' ')
            || (QUOTES.contains(letter) && !letter.is_ascii())
            || *letter == '…'
    };
    match text.chars().find(unmeant) {
        Some(letter) => Err(invalid(setting, &format!("contains {}", described(letter)))),
        None => Ok(text),
    }
}

fn token_alone(token: &str, setting: &str) -> Result<Secret<String>> {
    overall(token, setting)?;
    if let Some(scheme) = scheme_before(token) {
        let what = format!("contains the scheme `{scheme}` in the token; remove it from the token");
        return Err(invalid(setting, &what));
    }
    if let Some(letter) = token.chars().find(|letter| !letter.is_ascii_graphic()) {
        return Err(invalid(setting, &format!("contains {}", described(letter))));
    }
    match parts_of_jwt(token) {
        // JWS and JWE in compact form (RFC 7515 §7.1, RFC 7516 §7.1).
        None | Some(3 | 5) => Ok(token.into()),
        Some(parts) => {
            let what = format!("is a JWT with {parts} of 3 parts; copy it completely");
            Err(invalid(setting, &what))
        }
    }
}

/// RFC 7617 §2: base64 of `user:password`.
fn basic(credentials: &str, setting: &str) -> Result<Secret<String>> {
    let decoded = base64::decode_standard(credentials).map(Zeroizing::new);
    match decoded.map(|bytes| bytes.contains(&b':')) {
        Some(true) => Ok(credentials.into()),
        _ => Err(invalid(setting, "must have the base64 of `user:password` after `Basic`")),
    }
}

/// What is wrong with any credential.
fn overall(text: &str, setting: &str) -> Result<()> {
    if text.is_empty() {
        return Err(invalid(setting, "is empty"));
    }
    if text.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("authorization:")) {
        return Err(invalid(setting, "starts with the name of the header; set its value alone"));
    }
    if text.starts_with(QUOTES) && text.ends_with(QUOTES) {
        return Err(invalid(setting, "is in quotes; set it without them"));
    }
    let last_word = text.rsplit(' ').next().unwrap_or(text);
    if is_placeholder(text) || is_placeholder(last_word) {
        return Err(invalid(setting, "is a placeholder; replace it with the real value"));
    }
    Ok(())
}

/// `<token>`, `${TOKEN}`, `$TOKEN`, `{{ token }}`, `%TOKEN%`, `YOUR_TOKEN`: what templates and guides leave to be filled in.
fn is_placeholder(text: &str) -> bool {
    const AROUND: [(&str, &str); 5] = [("<", ">"), ("${", "}"), ("{{", "}}"), ("$(", ")"), ("%", "%")];
    let is_name = |name: &str| {
        !name.trim().is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-.:".contains(&byte))
    };
    let is_variable =
        |name: &str| is_name(name) && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    text.len() <= PLACEHOLDER
        && (AROUND.iter().any(|(left, right)| {
            text.strip_prefix(left).and_then(|rest| rest.strip_suffix(right)).is_some_and(is_name)
        }) || text.strip_prefix('$').is_some_and(is_variable)
            || ["your", "YOUR", "Your"].iter().any(|your| {
                text.strip_prefix(your).is_some_and(|rest| rest.starts_with(['_', '-', ' ']) && is_name(rest))
            }))
}

fn scheme_before(text: &str) -> Option<&'static str> {
    SCHEMES.into_iter().find(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(scheme) && rest.starts_with([' ', '\t'])
    })
}

/// How many parts a JWT has, if the text begins with the header of one (RFC 7519 §5).
fn parts_of_jwt(token: &str) -> Option<usize> {
    let header = base64::decode(token.split('.').next()?)?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&header).ok()?;
    let parts = token.split('.').filter(|part| !part.is_empty()).count();
    // A JWE that encrypts directly has an empty part, and one more dot.
    let is_jwe = header.contains_key("enc") && token.split('.').count() == 5;
    header.contains_key("alg").then_some(if is_jwe { 5 } else { parts })
}

/// A character that does not belong, by its name: none of these is part of a secret.
fn described(letter: char) -> String {
    match letter {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        ' ' => "a space".to_owned(),
        '\u{a0}' => "a no-break space (U+00A0)".to_owned(),
        '\u{feff}' => "a byte order mark (U+FEFF)".to_owned(),
        '…' => "an ellipsis (U+2026): it was copied in part".to_owned(),
        letter if QUOTES.contains(&letter) => format!("a typographic quote (U+{:04X})", u32::from(letter)),
        letter if is_invisible(letter) => format!("an invisible character (U+{:04X})", u32::from(letter)),
        letter if letter.is_control() => format!("a control character (U+{:04X})", u32::from(letter)),
        _ => "a character that is not ASCII".to_owned(),
    }
}

fn invalid(setting: &str, what: &str) -> Error {
    Error::new(ErrorCode::AuthorizationInvalid, format!("{setting} {what}"))
}
