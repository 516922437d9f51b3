//! Says how the module is linked into Node.js.

fn main() {
    napi_build::setup();
    // Node.js closes the module when the last worker thread that loaded it ends, but our threads go on.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
