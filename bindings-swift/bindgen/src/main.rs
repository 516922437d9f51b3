//! Writes `SSFTransmitterFFI.swift` and `CSSFTransmitter.h` from the compiled library: `ssf-swift-bindgen LIBRARY FOLDER`.

use std::{env, process::ExitCode};

use uniffi_bindgen::bindings::{SwiftBindingsOptions, generate_swift_bindings};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(library), Some(folder)) = (arguments.next(), arguments.next()) else {
        return failed("usage: ssf-swift-bindgen LIBRARY FOLDER");
    };
    let options = SwiftBindingsOptions {
        generate_swift_sources: true,
        generate_headers: true,
        source: library.into(),
        out_dir: folder.into(),
        ..SwiftBindingsOptions::default()
    };
    match generate_swift_bindings(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("{error:#}")),
    }
}

#[allow(clippy::print_stderr, reason = "a command says what went wrong")]
fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
