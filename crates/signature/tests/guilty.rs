//! Guilty files and readable names, against the labelled reports in `../shared/corpus/guilty` and `../shared/corpus/symbolize`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use signature::{Title, guilty_file, readable};
use trace::Log;

/// A labelled report: the file that its header names, and the text behind the header.
fn labelled(path: &Path) -> (String, Vec<u8>) {
    let file = std::fs::read(path).unwrap();
    let at = memchr::memmem::find(&file, b"\n\n").unwrap();
    let header = std::str::from_utf8(&file[..at]).unwrap();
    let want = header.lines().find_map(|line| line.strip_prefix("FILE: ")).unwrap_or("");
    (want.to_owned(), file[at + 2..].to_vec())
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    text.strip_suffix(b"\n").unwrap_or(text).split(|b| *b == b'\n')
}

/// What syzkaller's own test does: a text that was filtered is taken whole, without as many bytes as the filtered one
/// has lines in front of its report.
fn by_procedure(text: &[u8]) -> Option<String> {
    let log = Log::parse(text, trace::Rules::Syzbot);
    let splat = log.splats().next()?;
    let title = Title::of(&splat);
    let report = splat.text();
    let before: usize = splat.before.iter().map(|entry| entry.line.body.len() + 1).sum();
    let whole = if text.ends_with(&report) { report } else { text.to_vec() };
    guilty_file(&title.title, lines(&whole[before..]))
}

fn of_splat(text: &[u8]) -> Option<String> {
    let log = Log::parse(text, trace::Rules::Syzbot);
    let splat = log.splats().next()?;
    Title::of(&splat).guilty_file(&splat)
}

#[test]
fn every_labelled_report_has_its_guilty_file() {
    let Some(shared) = testkit::shared_or_skip("signature::guilty") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(shared.join("corpus/guilty")).unwrap() {
        let path = entry.unwrap().path();
        let (want, text) = labelled(&path);
        for (way, got) in [("procedure", by_procedure(&text)), ("splat", of_splat(&text))] {
            if got.as_deref().unwrap_or("") != want {
                wrong.push(format!("{}: {way}: got {got:?}, want {want}", path.display()));
            }
        }
        count += 1;
    }
    assert!(count > 0, "the folder is empty");
    assert!(wrong.is_empty(), "{} differences in {count} reports:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_report_reads_as_its_label_says() {
    let Some(shared) = testkit::shared_or_skip("signature::readable") else {
        return;
    };
    let (_, text) = labelled(&shared.join("corpus/symbolize/1"));
    let report = memchr::memmem::find(&text, b"\n\nREPORT:\n").unwrap();
    let (console, want) = (&text[..report + 2], &text[report + 10..]);
    let log = Log::parse(console, trace::Rules::Syzbot);
    let splat = log.splats().next().unwrap();
    let mut got = Vec::new();
    for line in splat.all_lines() {
        got.extend_from_slice(&readable(line.body));
        got.push(b'\n');
    }
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(want));
}

#[test]
fn a_console_without_sources_has_no_guilty_file() {
    assert_eq!(of_splat(b"BUG: KASAN: use-after-free in f+0x1/0x2\nCall Trace:\n g+0x1/0x2\n"), None);
}
