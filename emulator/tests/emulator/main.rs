//! The emulator as a sender sees it.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../org/mod.rs"]
mod org;

mod any_receiver;
mod api;
mod arrivals;
mod faults;
mod govuk_one_login;
mod keys;
mod lint_agrees;
mod okta;
mod okta_log;
mod okta_providers;
mod rfc8935;
mod script;
mod tls;
