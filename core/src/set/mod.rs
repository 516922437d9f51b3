//! Security Event Tokens (RFC 8417): built, signed, taken apart.

mod audience;
mod builder;
mod decoded;
mod payload;
mod signed;
mod unsigned;

pub use audience::Audience;
pub use builder::SetBuilder;
pub use decoded::DecodedSet;
pub use signed::SignedSet;
pub use unsigned::UnsignedSet;
