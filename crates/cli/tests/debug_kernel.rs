//! All logs of `../shared/kernels/debug-6.12`, a kernel with KASAN and lockdep: every module frame has a line, and every
//! kernel frame a chain or the reason why there is none.
//!
//! Needs `KSPLAT_DEBUG_KERNEL`, the unpacked vmlinux (`make test` sets it).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn decode(vmlinux: &Path, folder: &Path, arguments: &[&str], log: &Path) -> (i32, Vec<u8>) {
    let output = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["decode", "--quiet", "--vmlinux"])
        .arg(vmlinux)
        .arg("--modules")
        .arg(folder)
        .args(arguments)
        .arg(log)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}: {}", log.display(), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), output.stdout)
}

/// The kernel, its folder and its logs.
fn kernel(test: &str) -> Option<(PathBuf, PathBuf, Vec<PathBuf>)> {
    let folder = testkit::shared_or_skip(test)?.join("kernels/debug-6.12");
    let Some(vmlinux) = std::env::var_os("KSPLAT_DEBUG_KERNEL").map(PathBuf::from) else {
        println!("skipped: {test}: KSPLAT_DEBUG_KERNEL is not set");
        return None;
    };
    let mut logs: Vec<_> = std::fs::read_dir(folder.join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    assert_eq!(logs.len(), 101);
    logs.sort();
    Some((vmlinux, folder, logs))
}

#[test]
fn every_frame_has_a_chain_or_a_reason() {
    let Some((vmlinux, folder, logs)) = kernel("debug_kernel::every_frame_has_a_chain_or_a_reason") else { return };
    let (mut kernel, mut module, mut missed) = (0, 0, 0);
    for log in &logs {
        let (code, records) = decode(&vmlinux, &folder, &["--format", "ndjson"], log);
        assert!(code < 2, "{}", log.display());
        for record in records.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let record: Value = serde_json::from_slice(record).unwrap();
            let traces = record["traces"].as_array().into_iter().flatten();
            for frame in traces.flat_map(|trace| trace["frames"].as_array().unwrap()) {
                let calls = frame["calls"].as_array().map_or(&[][..], |calls| calls);
                let lined = !calls.is_empty() && calls.iter().all(|call| call["file"].is_string());
                if frame["module"].is_string() {
                    let outermost = calls.last().and_then(|call| call["line"].as_u64());
                    assert!(lined && outermost.is_some(), "{}: {frame}", log.display());
                    module += 1;
                } else if frame["miss"].is_string() {
                    missed += 1;
                } else {
                    assert!(lined, "{}: {frame}", log.display());
                    kernel += 1;
                }
            }
        }
    }
    println!("{kernel} kernel frames and {module} module frames with a chain, {missed} with a reason");
    assert!(kernel > 1000 && module > 100 && missed * 50 < kernel);
}

#[test]
fn other_lines_stay_as_they_were() {
    let Some((vmlinux, folder, logs)) = kernel("debug_kernel::other_lines_stay_as_they_were") else { return };
    for log in &logs {
        let before = std::fs::read(log).unwrap();
        let (_, after) = decode(&vmlinux, &folder, &[], log);
        // Lines with an offset are frames; an inlined call's line ends in its mark or in the module's name behind it.
        let after = without_listings(&after);
        let others = |text: &[u8]| -> Vec<Vec<u8>> {
            let is_frame =
                |line: &[u8]| [&b"+0x"[..], b" [inline]"].iter().any(|mark| memchr::memmem::find(line, mark).is_some());
            text.split(|b| *b == b'\n').filter(|line| !is_frame(line)).map(<[u8]>::to_vec).collect()
        };
        assert_eq!(others(&before), others(&after), "{}", log.display());
    }
}

/// The text without the listings that stand below `Code:` lines: a rule, a headline, and instructions up to offset 3f.
fn without_listings(text: &[u8]) -> Vec<u8> {
    let mut is_listing = false;
    let mut kept: Vec<&[u8]> = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        let is_rule =
            line.trim_ascii_end().ends_with(b"----------------") && line.iter().filter(|b| **b == b'-').count() == 16;
        let is_head = memchr::memmem::find(line, b"Code disassembly (best guess)").is_some();
        // An offset is in front of the bytes of an instruction, and in front of those that did not fit beside the others.
        let is_instruction = memchr::memmem::find(line, b":\t").is_some();
        is_listing = is_rule || is_listing && (is_head || is_instruction);
        if !is_listing {
            kept.push(line);
        }
    }
    kept.join(&b'\n')
}
