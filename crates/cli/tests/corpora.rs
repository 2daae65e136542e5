//! The labelled reports of `../shared/corpus` through the command: guilty files, readable names, `Code:` listings.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{Function, Inline, Vmlinux};

/// The first record that the command prints for a log on its standard input.
fn first_record(log: &[u8], arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["report", "--format", "ndjson"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    command.stdin.take().unwrap().write_all(log).unwrap();
    let output = command.wait_with_output().unwrap().stdout;
    output.split(|b| *b == b'\n').next().map_or(Value::Null, |line| serde_json::from_slice(line).unwrap())
}

/// A labelled report: its header, and the text behind that.
fn labelled(path: &Path) -> (String, Vec<u8>) {
    let file = std::fs::read(path).unwrap();
    let at = memchr::memmem::find(&file, b"\n\n").unwrap();
    (String::from_utf8(file[..at].to_vec()).unwrap(), file[at + 2..].to_vec())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "an empty folder tests nothing");
    files
}

#[test]
fn every_labelled_report_has_its_guilty_file() {
    let Some(shared) = testkit::shared_or_skip("cli::corpora: guilty files") else { return };
    let mut wrong = Vec::new();
    for path in files(&shared.join("corpus/guilty")) {
        let (header, text) = labelled(&path);
        let want = header.lines().find_map(|line| line.strip_prefix("FILE: ")).unwrap_or("");
        let record = first_record(&text, &[]);
        let got = record["guilty_file"].as_str().unwrap_or("");
        if got != want {
            wrong.push(format!("{}: got {got:?}, want {want:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_report_reads_as_its_label_says() {
    let Some(shared) = testkit::shared_or_skip("cli::corpora: readable names") else { return };
    for path in files(&shared.join("corpus/symbolize")) {
        let (_, text) = labelled(&path);
        let report = memchr::memmem::find(&text, b"\n\nREPORT:\n").unwrap();
        let record = first_record(&text[..report + 2], &[]);
        assert_eq!(record["symbolized"].as_str().unwrap().as_bytes(), &text[report + 10..], "{}", path.display());
        assert_ne!(record["text"], record["symbolized"]);
    }
}

#[test]
fn code_is_listed_where_something_trapped() {
    let Some(shared) = testkit::shared_or_skip("cli::corpora: listings") else { return };
    let inputs: Vec<_> =
        files(&shared.join("corpus/decompile")).into_iter().filter(|path| path.extension().unwrap() == "in").collect();
    for path in inputs {
        let before = std::fs::read(&path).unwrap();
        let after = std::fs::read(path.with_extension("out")).unwrap();
        let want = String::from_utf8(after.strip_prefix(&before[..]).unwrap().to_vec()).unwrap();
        let record = first_record(&before, &[]);
        // Each instruction of objdump's listing: its offset, its bytes, and a `*` for the one that trapped.
        let mut instructions: Vec<(usize, String, bool)> = Vec::new();
        for line in want.lines().filter(|line| line.contains(":\t")) {
            let (offset, rest) = line[1..].split_once(":\t").unwrap();
            let bytes: String = rest.split('\t').next().unwrap().split_whitespace().collect();
            if rest.contains('\t') {
                let offset = usize::from_str_radix(offset.trim(), 16).unwrap();
                instructions.push((offset, bytes, line.starts_with('*')));
            } else {
                instructions.last_mut().unwrap().1 += &bytes;
            }
        }
        let got = &record["disassembly"];
        let trapping = got["trapping"].as_u64();
        let listed = got["instructions"].as_array().into_iter().flatten().enumerate();
        let listed: Vec<_> = listed
            .map(|(n, i)| {
                let offset = usize::try_from(i["offset"].as_u64().unwrap()).unwrap();
                (offset, i["bytes"].as_str().unwrap().to_owned(), Some(n as u64) == trapping)
            })
            .collect();
        assert_eq!(listed, instructions, "{}", path.display());
        let text = record["symbolized"].as_str().or(record["text"].as_str()).unwrap();
        let listing = text.find("----------------\nCode disassembly").map_or("", |at| &text[at..]);
        assert_eq!(listing.lines().count(), want.lines().count(), "{}", path.display());
    }
}

#[test]
fn symbolizing_finds_the_guilty_file() {
    let read = Inline::new("read_it", "drivers/net/phy/b.h", 3).range(0x10..0x20).called_at(12);
    let kernel =
        Vmlinux::new().function(Function::new("probe_it", 0x40).file("drivers/net/a.c").line(10).inlined(read));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpora");
    std::fs::create_dir_all(&folder).unwrap();
    let vmlinux = folder.join("vmlinux");
    std::fs::write(&vmlinux, kernel.write()).unwrap();
    let frame = kernel.frame("probe_it", 0x14);
    let log = format!(
        "[    1.000000] BUG: kernel NULL pointer dereference, address: 0\n\
         [    1.000000] RIP: 0010:{frame}\n\
         [    1.000000] Call Trace:\n\
         [    1.000000]  {frame}\n\
         [    1.000000]  ret_from_fork+0x1/0x2\n"
    );
    let record = first_record(log.as_bytes(), &["--vmlinux", vmlinux.to_str().unwrap()]);
    let text = record["symbolized"].as_str().unwrap();
    assert!(text.contains("RIP: 0010:read_it drivers/net/phy/b.h:3 [inline]\n"), "{text}");
    assert!(text.contains(&format!("RIP: 0010:{frame} drivers/net/a.c:12\n")), "{text}");
    assert_eq!(record["guilty_file"], "drivers/net/a.c");
    assert_eq!(first_record(log.as_bytes(), &[])["guilty_file"], Value::Null);
}
