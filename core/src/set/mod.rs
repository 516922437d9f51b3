//! Security Event Tokens (RFC 8417): built, signed, taken apart.

mod builder;
mod decoded;
mod payload;
mod signed;
mod unsigned;

pub use crate::audience::Audience;
pub use builder::SetBuilder;
pub use decoded::DecodedSet;
pub use signed::SignedSet;
pub use unsigned::UnsignedSet;
