//! Says how the module is linked into Node.js.

fn main() {
    napi_build::setup();
}
