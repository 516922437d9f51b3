//! Starts an empty PostgreSQL server for tests in other languages, and prints its URL. It ends with whoever holds its standard input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "it is for tests")]

#[path = "../tests/common/server.rs"]
mod server;

use std::io::{Read, stdin};

fn main() {
    println!("{}", server::shared().url());
    let mut rest = Vec::new();
    stdin().read_to_end(&mut rest).ok();
}
