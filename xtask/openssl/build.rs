//! Builds OpenSSL with the options of the feature `vendored` of openssl-sys, and tells where it is.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let built = openssl_src::Build::new().build();
    println!("cargo::rustc-env=OPENSSL_INCLUDE_DIR={}", built.include_dir().display());
    println!("cargo::rustc-env=OPENSSL_LIB_DIR={}", built.lib_dir().display());
}
