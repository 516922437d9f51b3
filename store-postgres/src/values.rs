//! Parameters of statements with their types: so PostgreSQL is not asked for them, and a statement is one round trip.

use tokio_postgres::types::{ToSql, Type};

/// A parameter.
pub(crate) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A Rust type as a type of PostgreSQL.
pub(crate) trait Typed: ToSql + Sync {
    const TYPE: Type;
    const ARRAY: Type;
}

macro_rules! typed {
    ($($rust:ty => $one:ident, $array:ident;)*) => {$(
        impl Typed for $rust {
            const TYPE: Type = Type::$one;
            const ARRAY: Type = Type::$array;
        }
    )*};
}

typed! {
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
}

impl<T: Typed> Typed for Option<T> {
    const TYPE: Type = T::TYPE;
    const ARRAY: Type = T::ARRAY;
}

/// One value.
pub(crate) fn one<T: Typed>(value: &T) -> Value<'_> {
    (value, T::TYPE)
}

/// One value for each row.
pub(crate) fn each<T: Typed>(values: &Vec<T>) -> Value<'_> {
    (values, T::ARRAY)
}
