//! The `ksplat` command.
fn main() {}
