//! Random addresses of the real kernel and of its modules against independent readers: what differs is explained.
//!
//! Needs `KSPLAT_VMLINUX` and `KSPLAT_KERNEL_DIR` (`make test` sets them) and the readers of `make tools`. The full count
//! of `crates/symbolize/ACCURACY.md` is `make accuracy`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::Command;

/// Addresses of the kernel, and of the modules; one of them takes elfutils some milliseconds.
const COUNT: &str = "300";
/// The exit status of the script where there are not enough readers.
const NO_READERS: i32 = 69;

/// Runs the script; nothing of ksplat may be unexplained.
fn compare(test: &str, images: &[PathBuf]) {
    let script = testkit::workspace_root().join("testdata/lab/accuracy");
    let output = Command::new("python3")
        .arg(script)
        .args(["--count", COUNT, "--seed", "7", "--ksplat", env!("CARGO_BIN_EXE_ksplat")])
        .args(images)
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(NO_READERS) {
        println!("skipped: accuracy::{test}: {said}");
        return;
    }
    assert!(output.status.success(), "{said}{wrong}");
    assert!(said.contains(&format!("of {COUNT} differ")), "{said}");
    println!("{said}");
}

#[test]
fn addresses_of_the_kernel_have_the_chain_of_most_readers() {
    let test = "addresses_of_the_kernel_have_the_chain_of_most_readers";
    if let Some(vmlinux) = testkit::vmlinux_or_skip(&format!("accuracy::{test}")) {
        compare(test, &[vmlinux]);
    }
}

#[test]
fn addresses_of_modules_have_the_chain_of_most_readers() {
    let test = "addresses_of_modules_have_the_chain_of_most_readers";
    let Some(kernel) = std::env::var_os("KSPLAT_KERNEL_DIR") else {
        println!("skipped: accuracy::{test}: KSPLAT_KERNEL_DIR is not set");
        return;
    };
    let files = walkdir::WalkDir::new(kernel).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let modules: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "ko")).collect();
    assert!(modules.len() >= 6, "{modules:?}");
    compare(test, &modules);
}
