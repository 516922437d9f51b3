//! Security Event Tokens (RFC 8417): built, signed, taken apart.

mod builder;
mod claims;
mod decoded;
mod signed;
mod unsigned;

pub use builder::SetBuilder;
pub use claims::Audience;
pub use decoded::DecodedSet;
pub use signed::SignedSet;
pub use unsigned::UnsignedSet;
