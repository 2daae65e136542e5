//! What `kernel-diff` prints.

use std::process::Command;

use crate::kernel::{base, folder, ksplat};

#[test]
fn changed_functions_are_shown_side_by_side() {
    let folder = folder("side-by-side");
    let ours = base().build(&folder.join("a"));
    let theirs = base().with("4711", "4712").with("return first(2);", "return second(2);").build(&folder.join("b"));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let (code, out) = ksplat(&["kernel-diff"], &[ours, theirs]);
        assert_eq!(code, 1);
        assert!(out.contains("\nfirst (lib/first.c:5): changed\n  @ lib/first.c:11\n"), "{out}");
        let row = out.lines().find(|line| line.contains("$0x1267")).unwrap();
        assert!(row.contains(" | ") && row.contains("$0x1268"), "{row}");
        let (_, json) = ksplat(&["kernel-diff", "--format", "ndjson"], &[ours, theirs]);
        let records: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&records[0]["kind"], &records[0]["verdict"]), (&"verdict".into(), &"different".into()));
        let first = records.iter().find(|record| record["kind"] == "function" && record["name"] == "first").unwrap();
        assert_eq!((&first["change"], &first["place"]), (&"bytes".into(), &"lib/first.c:5".into()));
        assert!(first["hunks"][0]["rows"].as_array().unwrap().iter().any(|row| row["same"] == false));
    }
}

#[test]
fn threads_do_not_change_anything() {
    let folder = folder("threads");
    let [_, ours, _] = base().build(&folder.join("a"));
    let [_, theirs, _] = base().with("4711", "4712").build(&folder.join("b"));
    let one = ksplat(&["kernel-diff", "--jobs", "1"], &[&ours, &theirs]);
    assert_eq!(one, ksplat(&["kernel-diff", "--jobs", "4"], &[&ours, &theirs]));
}

#[test]
fn without_symbols_only_sections_are_compared() {
    let folder = folder("stripped");
    let [_, ours, theirs] = base().build(&folder);
    let theirs_changed = base().with("4711", "4712").build(&folder.join("b"))[2].clone();
    for path in [&theirs, &theirs_changed] {
        assert!(Command::new("strip").arg(path).status().unwrap().success());
    }
    assert_eq!(ksplat(&["kernel-diff"], &[&ours, &theirs]), (0, "identical\n".into()));
    let output =
        Command::new(env!("CARGO_BIN_EXE_ksplat")).arg("kernel-diff").args([&theirs, &theirs_changed]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no symbols"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("different\n"));
}
