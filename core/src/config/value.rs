//! Checks one value by its kind. No error quotes it: it may be a secret in the wrong place.

use toml::de::{DeArray, DeValue};

use super::{
    source::{self, invalid},
    table::{Key, Kind},
};
use crate::{error::Result, key::KeySource, near};

pub(super) fn check(key: &Key, value: &DeValue<'_>) -> Result<()> {
    match key.kind {
        Kind::String | Kind::Path => string(value).map(drop),
        Kind::Url => source::check_url(string(value)?),
        Kind::Secret => source::secret(string(value)?).map(drop),
        Kind::UrlSecret => source::check_url_or_secret(string(value)?),
        Kind::Key => KeySource::parse(string(value)?).map(drop),
        Kind::Number => number(value),
        Kind::Integer => integer(value),
        Kind::Boolean => match value {
            DeValue::Boolean(_) => Ok(()),
            _ => Err(invalid("the value must be true or false, without quotes")),
        },
        Kind::Strings => match value {
            DeValue::Array(array) => strings(array),
            _ => Err(invalid("the value must be a list of strings")),
        },
        Kind::Audience => match value {
            DeValue::Array(array) if array.is_empty() => Err(invalid("the list is empty")),
            DeValue::Array(array) => strings(array),
            value => string(value)
                .map(drop)
                .map_err(|_| invalid("the value must be a string, or a list of strings")),
        },
        Kind::Parameters => match value {
            DeValue::Table(table) => {
                table.iter().try_for_each(|(_, value)| string(value.get_ref()).map(drop))
            }
            _ => Err(invalid("the value must be a table of strings")),
        },
        Kind::Choice => choice(key, string(value)?),
    }
}

fn string<'a>(value: &'a DeValue<'_>) -> Result<&'a str> {
    match value {
        DeValue::String(text) if text.trim().is_empty() => Err(invalid("the value is empty")),
        DeValue::String(text) => Ok(text),
        _ => Err(invalid("the value must be a string, in quotes")),
    }
}

fn strings(array: &DeArray<'_>) -> Result<()> {
    array.iter().try_for_each(|value| string(value.get_ref()).map(drop))
}

fn number(value: &DeValue<'_>) -> Result<()> {
    let number = match value {
        DeValue::Integer(number) => whole(number.as_str(), number.radix()),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if number.is_finite() && number >= 0.0 => Ok(()),
        _ => Err(invalid("the value must be a number, zero or more")),
    }
}

fn whole(digits: &str, radix: u32) -> Option<f64> {
    u32::from_str_radix(digits, radix).ok().map(f64::from)
}

fn integer(value: &DeValue<'_>) -> Result<()> {
    match value {
        DeValue::Integer(number)
            if u32::from_str_radix(number.as_str(), number.radix()).is_ok_and(|number| number > 0) =>
        {
            Ok(())
        }
        _ => Err(invalid("the value must be a whole number, one or more")),
    }
}

fn choice(key: &Key, value: &str) -> Result<()> {
    let values = key.values.iter().map(String::as_str);
    if key.values.iter().any(|known| known == value) {
        return Ok(());
    }
    let list = values.clone().collect::<Vec<_>>().join(", ");
    Err(invalid(&format!("the value must be one of {list}{}", near::did_you_mean(value, values))))
}
