//! How long a test goes on: short by itself, as long as `cargo xtask stress outbox` asks for.

/// The rounds of the stress run, or those of a short one.
pub(crate) fn rounds(short: u32) -> u32 {
    let asked = std::env::var("SSF_STRESS_ROUNDS").ok();
    asked.map_or(short, |asked| asked.parse().expect("SSF_STRESS_ROUNDS is a number"))
}
