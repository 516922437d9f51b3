//! Fuzz targets: for each parser that reads foreign bytes, a function that reads some and panics if a promise is
//! broken.
//!
//! A target goes through the public API. It asserts more than that nothing panics: what is read and written again is
//! equal, an error has a code and a place that the input has, and no message contains what is secret.

mod judge;
pub mod seeds;
mod targets;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. `fuzz_targets/` has a program for each.
pub const TARGETS: &[Target] = &[
    ("access_token", targets::access_token),
    ("authorization", targets::authorization),
    ("certificate", targets::certificate),
    ("claims", targets::claims),
    ("config", targets::config),
    ("der", targets::der),
    ("dialect", targets::dialect),
    ("encrypted_key", targets::encrypted_key),
    ("event", targets::event),
    ("jwk", targets::jwk),
    ("jwks", targets::jwks),
    ("key_source", targets::key_source),
    ("metadata", targets::metadata),
    ("okta_answer", targets::okta_answer),
    ("outbox_payload", targets::outbox_payload),
    ("outbox_row", targets::outbox_row),
    ("pem", targets::pem),
    ("poll_request", targets::poll_request),
    ("push_answer", targets::push_answer),
    ("retry_after", targets::retry_after),
    ("set", targets::set),
    ("stream_request", targets::stream_request),
    ("subject", targets::subject),
    ("token_answer", targets::token_answer),
    ("url", targets::url),
];

/// The target with this name.
///
/// # Panics
///
/// If there is none.
pub fn target(name: &str) -> fn(&[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no target {name}")).1
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, panic};

    use super::{TARGETS, seeds};

    #[test]
    fn every_seed_goes_through_its_target() {
        let mut failed = Vec::new();
        for (name, run) in TARGETS {
            let seeds = seeds::of(name);
            assert!(seeds.len() >= 5, "{name} has {} seeds", seeds.len());
            // What is wrong, the panic has said.
            let fails = |seed: &&Vec<u8>| panic::catch_unwind(|| run(seed)).is_err();
            failed.extend(
                seeds.iter().filter(fails).map(|seed| format!("{name}: {:?}", String::from_utf8_lossy(seed))),
            );
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }

    #[test]
    fn every_target_has_a_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets");
        let mut programs = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(
                fs::read_to_string(&path).unwrap().contains(&format!("ssf_fuzz::target(\"{name}\")(bytes)")),
                "{name}"
            );
            programs.insert(name);
        }
        let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
        let built: BTreeSet<_> = manifest["bin"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bin| bin["name"].as_str().unwrap().to_owned())
            .collect();
        let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!((&programs, &built), (&targets, &targets));
    }
}
