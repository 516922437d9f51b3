//! The stream API from outside: requests and answers, from the first stream to the last acknowledgement.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod access;
mod attacks;
mod maintenance;
mod management;
mod polls;
mod signing;
mod world;
