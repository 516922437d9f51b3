//! Empty: the build script is what this package is for.
