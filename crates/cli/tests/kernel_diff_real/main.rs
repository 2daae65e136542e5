//! `ksplat kernel-diff` on two kernels of Debian, against an independent method: the bytes of each function and object, with the fields
//! that relocations fill zeroed, read from the ELF file here, what relocations refer to by name, and lines of instructions by eu-addr2line.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod code;
mod elf;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use code::{Counts, Lines, independent};
use elf::{Kernel, Part, Parts};
use serde_json::Value;

/// The two kernels.
fn kernels(test: &str) -> Option<[PathBuf; 2]> {
    let paths = ["KSPLAT_VMLINUX_47", "KSPLAT_VMLINUX"].map(|name| std::env::var_os(name).map(PathBuf::from));
    let [Some(first), Some(second)] = paths else {
        println!("skipped: {test}: KSPLAT_VMLINUX_47 or KSPLAT_VMLINUX is not set (testdata/lab/packages env)");
        return None;
    };
    Some([first, second])
}

/// What the command says of them, a record for each part that differs.
fn records(paths: &[PathBuf; 2]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    let output = command.args(["kernel-diff", "--names", "--format", "ndjson"]).args(paths).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(1), "".into()));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Parts of a kind that were changed, added and removed, by the bytes that do not depend on where things lie.
fn counted(records: &[Value], kind: &str) -> Counts {
    let mut found = Counts::new();
    for record in records.iter().filter(|record| record["kind"] == kind) {
        let what = match record["change"].as_str().unwrap() {
            "bytes" | "offsets" => "bytes",
            "removed" => "removed",
            "added" => "added",
            // The same bytes refer to another function or text, which the masks hide.
            _ => continue,
        };
        *found.entry((record["name"].as_str().unwrap().to_owned(), what)).or_insert(0) += 1;
    }
    found
}

/// What only the first has, or in another number.
fn only(a: &Counts, b: &Counts) -> Vec<String> {
    let differs = a.iter().filter(|(key, count)| b.get(key) != Some(count));
    differs.map(|(key, count)| format!("{key:?} {count}")).collect()
}

fn count(found: &Counts, what: &str) -> usize {
    found.iter().filter(|((_, other), _)| *other == what).map(|(_, count)| count).sum()
}

#[test]
fn functions_that_differ_are_those_whose_masked_bytes_differ() {
    let Some(paths) = kernels("functions_that_differ…") else { return };
    let [first, second] = &paths;
    let (ours, theirs) = (Kernel::read(first), Kernel::read(second));
    let mut lines = [Lines::default(), Lines::default()];
    let mut expected = independent(&ours, &theirs, &lines);
    while lines[0].learn(first) | lines[1].learn(second) {
        expected = independent(&ours, &theirs, &lines);
    }
    let records = records(&paths);
    let found = counted(&records, "function");
    // Code that was folded has several names, of which the command says one.
    let named = |name: &str| ours.functions.get(name).map(|same| ours.at(same[0].address).unwrap().0.to_owned());
    expected.retain(|(name, what), _| {
        let folded = named(name).filter(|other| other != name);
        !folded.is_some_and(|other| found.contains_key(&(other, what)))
    });
    assert_eq!((only(&expected, &found), only(&found, &expected)), (vec![], vec![]));
    let [changed, added, removed] = ["bytes", "added", "removed"].map(|what| count(&found, what));
    println!("{changed} changed, {added} added, {removed} removed");
    assert!(changed > 1000 && added > 10 && removed > 10);

    // Functions of the same bytes that refer to something else: some reference of theirs goes to another name or text, or one that the
    // assembler resolved, or to one of several parts with one name.
    let mut confirmed = 0;
    let is_other = |record: &&Value| record["kind"] == "function" && record["change"] == "references";
    for record in records.iter().filter(is_other) {
        let name = record["name"].as_str().unwrap();
        let pairs = ours.functions[name].iter().flat_map(|a| theirs.functions[name].iter().map(move |b| (a, b)));
        let differs = |(a, b): (&Part, &Part)| a.bytes != b.bytes || ours.refer_to_others(a, &theirs, b);
        assert!(pairs.clone().any(differs), "{name} refers to the same");
        confirmed += 1;
    }
    println!("{confirmed} refer to something else");
    assert!(confirmed > 10);
}

/// Objects that hold the release or the date of the build, or an image with a build-id (the vDSO), and numbers of the debug types.
const OF_THE_BUILD: &[&str] = &["fips_version", "init_uts_ns", "linux_banner", "vermagic", "raw_data"];

/// The bytes of an object that count: a debug message's line does not (`struct _ddebug`), nor does whether what lies
/// behind it, up to the next word, is part of it.
fn counting(name: &str, part: &Part) -> Vec<u8> {
    let mut bytes = part.bytes.clone();
    if name == "__UNIQUE_ID_ddebug" || name == "descriptor" {
        bytes[32..34].fill(0);
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

#[test]
fn objects_that_differ_are_those_whose_masked_bytes_differ() {
    let Some(paths) = kernels("objects_that_differ…") else { return };
    let [ours, theirs] = paths.each_ref().map(|path| Kernel::read(path).objects);
    let is_compared = |name: &str| !name.starts_with("__BTF_ID__") && !OF_THE_BUILD.contains(&name);
    let (mut expected, mut objects) = (Counts::new(), 0);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(|name| is_compared(name)).collect();
    for name in &names {
        let bytes = |parts: &Parts| -> Vec<Vec<u8>> {
            parts.get(*name).into_iter().flatten().map(|part| counting(name, part)).collect()
        };
        let (mut a, mut b) = (bytes(&ours), bytes(&theirs));
        objects += a.len();
        a.retain(|one| match b.iter().position(|other| other == one) {
            Some(at) => {
                b.swap_remove(at);
                false
            }
            None => true,
        });
        let changed = a.len().min(b.len());
        let whats = [("bytes", changed), ("removed", a.len() - changed), ("added", b.len() - changed)];
        expected.extend(
            whats.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (((*name).clone(), what), count)),
        );
    }
    // What has no size in the symbol table (`__ksymtab_…`) is not read here.
    let mut found: BTreeMap<_, _> = counted(&records(&paths), "data");
    found.retain(|(name, _), _| names.contains(name));
    assert_eq!((only(&expected, &found), only(&found, &expected)), (vec![], vec![]));
    let [changed, added, removed] = ["bytes", "added", "removed"].map(|what| count(&found, what));
    println!("{objects} objects: {changed} changed, {added} added, {removed} removed");
    assert!(objects > 20000 && changed > 10);
}
