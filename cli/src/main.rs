//! The command `ssf`.

fn main() {}
