//! What a receiver would refuse, drop or misread, told before it is sent; and what its answer means, told after.
//!
//! A [`Finding`] names a [`Rule`], the place, and what is wrong there. [`Linter`] looks at an event, at a SET, or at a token
//! that something else made; [`jwks`] at published keys. `emit` does the same by itself: see [`LintPolicy`]. All rules are
//! in `docs/rules.md`.

mod jwks;
mod linter;
mod text;

pub use jwks::jwks;
pub use linter::Linter;
pub(crate) use text::claims;

pub use crate::{
    catalogue::{Effect, RULES, Rule, Severity},
    checks::LintPolicy,
    finding::Finding,
};
