//! Reports what a receiver would reject, drop or misread before a SET is sent, and explains its answer afterwards.
//!
//! A [`Finding`] names a [`Rule`], the place, and what is wrong there. [`Linter`] checks an event, a SET, or a token
//! from other software; [`jwks`] checks published keys. `emit` does the same by itself: see [`LintPolicy`]. All rules are
//! in [`RULES`].

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
