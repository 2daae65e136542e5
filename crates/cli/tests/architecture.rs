//! Invariants of `crates/README.md` that no lint guards.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    testkit::workspace_root().join("crates")
}

/// Sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn one_file_is_unsafe() {
    let lint = concat!("unsafe", "_code");
    let with: Vec<PathBuf> =
        sources(&crates()).into_iter().filter(|path| fs::read_to_string(path).unwrap().contains(lint)).collect();
    assert_eq!(with, [crates().join("cli/src/mmap.rs")]);
}

#[test]
fn test_kit_and_laws_are_for_tests_only() {
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path();
        if folder.ends_with("laws") || folder.ends_with("fuzz") {
            continue;
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        let normal = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        assert!(!normal.contains("testkit") && !normal.contains("laws"), "{manifest}");
    }
}

#[test]
fn stages_do_not_know_each_other() {
    let forbidden = [
        ("trace", &["image", "symbolize", "signature", "ksplat", "rayon"][..]),
        ("image", &["trace", "symbolize", "signature", "ksplat", "rayon"]),
        ("symbolize", &["signature", "ksplat", "rayon"]),
        ("signature", &["image", "symbolize", "ksplat", "rayon"]),
        ("bisect", &["image", "symbolize", "ksplat", "rayon"]),
    ];
    for (name, others) in forbidden {
        let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
        let normal = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        for other in others {
            let depends = normal.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(other));
            assert!(!depends, "{name} depends on {other}");
        }
    }
}
