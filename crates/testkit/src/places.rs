//! Where tests find what lies outside of their crate. What may be missing says so in a line that cargo does not swallow.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The root of the workspace, absolute.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies in crates/testkit").to_owned()
}

/// The folder `shared` beside the workspace, with the corpora that have other authors; `None` where it is missing.
pub fn shared() -> Option<PathBuf> {
    let path = workspace_root().parent()?.join("shared");
    path.is_dir().then_some(path)
}

/// [`shared`], or a line `skipped: …` that names the test.
pub fn shared_or_skip(test: &str) -> Option<PathBuf> {
    let found = shared();
    if found.is_none() {
        skip(test, "../shared is missing");
    }
    found
}

/// The real vmlinux that `KSPLAT_VMLINUX` names, or a line `skipped: …` that names the test.
///
/// # Panics
///
/// If the variable names something that is not a file: whoever sets it wants the test to run.
pub fn vmlinux_or_skip(test: &str) -> Option<PathBuf> {
    let Some(value) = std::env::var_os("KSPLAT_VMLINUX").filter(|value| !value.is_empty()) else {
        skip(test, "KSPLAT_VMLINUX is not set");
        return None;
    };
    let path = PathBuf::from(value);
    assert!(path.is_file(), "KSPLAT_VMLINUX: {} is not a file", path.display());
    Some(path)
}

/// Prints past the capture of libtest, which would hide the line of a test that passes.
fn skip(test: &str, why: &str) {
    // A closed standard output is no reason for a test to fail.
    let _ = writeln!(std::io::stdout().lock(), "skipped: {test}: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        assert!(manifest.starts_with("[workspace]"));
    }
}
