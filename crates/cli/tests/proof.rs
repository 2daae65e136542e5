//! Reports of the real kernel held against it, and against its neighbour.
//!
//! Needs `KSPLAT_VMLINUX` and `KSPLAT_VMLINUX_47` (`make test` sets them).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use serde_json::Value;

/// The records of our logs with an image of a kernel; `None` where there is none.
fn records(test: &str, image: &str, arguments: &[&str]) -> Option<Vec<Value>> {
    let Some(vmlinux) = std::env::var_os(image) else {
        println!("skipped: proof::{test}: {image} is not set");
        return None;
    };
    let data = testkit::workspace_root().join("testdata");
    let output = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["report", "--format", "ndjson", "--vmlinux"])
        .arg(vmlinux)
        .arg("--modules")
        .arg(data.join("lab/ko"))
        .args(arguments)
        .arg(data.join("logs"))
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn count(records: &[Value], what: &str, verdict: &str) -> u64 {
    records.iter().filter_map(|record| record["image"][what][verdict].as_u64()).sum()
}

#[test]
fn all_of_a_report_agrees_with_its_kernel() {
    let Some(records) = records("all_of_a_report_agrees_with_its_kernel", "KSPLAT_VMLINUX", &[]) else { return };
    for record in &records {
        let standing = record["image"]["standing"].as_str().unwrap();
        // Logs without a version line and reports without a header exist.
        let is_named = record["release"].is_string();
        assert!(standing == "verified" || standing == "unverified" && !is_named, "{}", record["image"]);
    }
    for what in ["sizes", "code", "calls"] {
        assert_eq!(count(&records, what, "differ"), 0, "{what}");
        assert!(count(&records, what, "agree") > 250, "{what}: {}", count(&records, what, "agree"));
    }
    // A doubted frame that nothing returns to, or whose call goes elsewhere, is stale.
    let frames = || records.iter().flat_map(|record| record["traces"].as_array().unwrap_or(EMPTY).iter());
    let frames = || frames().flat_map(|trace| trace["frames"].as_array().unwrap());
    let doubted =
        |verdict: &str| frames().filter(|frame| frame["reliable"] == false && frame["call"] == verdict).count();
    assert!(doubted("agrees") > 100, "{}", doubted("agrees"));
}

const EMPTY: &Vec<Value> = &Vec::new();

#[test]
fn the_kernel_beside_it_is_a_mismatch() {
    let test = "the_kernel_beside_it_is_a_mismatch";
    let Some(records) = records(test, "KSPLAT_VMLINUX_47", &["--force"]) else { return };
    let named: Vec<Value> = records.into_iter().filter(|record| record["release"].is_string()).collect();
    assert!(named.iter().all(|record| record["image"]["standing"] == "mismatch" && record["image"]["by"] == "version"));
    // The two kernels have most functions in common, so few sizes tell them apart: only the version line proves it.
    assert!(count(&named, "sizes", "agree") > 10 * count(&named, "sizes", "differ"));
    println!("sizes: {} differ, {} agree", count(&named, "sizes", "differ"), count(&named, "sizes", "agree"));
}

#[test]
fn an_image_without_symbols_says_so_and_is_no_mismatch() {
    let test = "an_image_without_symbols_says_so_and_is_no_mismatch";
    let Some(records) = records(test, "KSPLAT_VMLINUZ", &[]) else { return };
    let named: Vec<Value> = records.into_iter().filter(|record| record["release"].is_string()).collect();
    assert!(named.iter().all(|record| record["image"]["standing"] == "verified"), "a bzImage has the version line");
    assert_eq!(count(&named, "sizes", "differ"), 0);
    let traces = named.iter().flat_map(|record| record["traces"].as_array().unwrap_or(EMPTY));
    let mut frames = traces.flat_map(|trace| trace["frames"].as_array().unwrap());
    assert!(frames.any(|frame| frame["miss"] == "the image has no symbols"));
}
