//! libFuzzer, and the target that it feeds.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ssf_fuzz::target("metadata")(bytes));
