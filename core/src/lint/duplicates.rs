//! Finds names that occur twice in one JSON object, which a parsed value does not show any more.

use std::collections::HashSet;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::error::pointer_step;

/// The place of the first name that occurs twice; `None` too where `json` is no JSON.
pub(super) fn first(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<Found>(json).ok()?.0
}

/// The place of the first duplicate inside a value.
struct Found(Option<String>);

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looker)
    }
}

struct Looker;

impl<'de> Visitor<'de> for Looker {
    type Value = Found;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut names = HashSet::new();
        let mut place = None;
        while let Some(name) = map.next_key::<String>()? {
            let Found(inside) = map.next_value()?;
            let here = pointer_step(&name);
            let inside = inside.map(|inside| format!("{here}{inside}"));
            let twice = (!names.insert(name)).then_some(here);
            place = place.or(twice).or(inside);
        }
        Ok(Found(place))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        let mut place = None;
        let mut index = 0;
        while let Some(Found(inside)) = list.next_element()? {
            place = place.or_else(|| inside.map(|inside| format!("/{index}{inside}")));
            index += 1;
        }
        Ok(Found(place))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found(None))
    }
}
