//! The page that shows how to add a message (`trace/README.md`) is true: what it says is done here, with a copy of the source.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the table is.
const TABLE: &str = "crates/trace/src/format/table.rs";

/// A program beside the copied crate that shows the titles of the log that it reads.
const PROGRAM: &str = r#"//! Shows titles.
use signature::{CrashType, Title};
use trace::{Log, Rules};

fn main() {
    let log = std::io::read_to_string(std::io::stdin()).expect("a log");
    for splat in Log::parse(log.as_bytes(), Rules::Ksplat).splats() {
        let title = Title::of(&splat);
        println!("{}\n  type       {}", title.title, title.crash_type.map_or("none", CrashType::name));
    }
}
"#;

/// The first block of code of this kind in the page that shows how to add a message, without its indentation.
fn block(kind: &str) -> String {
    const PAGE: &str = include_str!("../../trace/README.md");
    let mut lines = PAGE.lines().skip_while(|line| line.trim() != format!("```{kind}")).skip(1).peekable();
    let indent = lines.peek().map_or(0, |line| line.len() - line.trim_start().len());
    let inside = lines.take_while(|line| line.trim() != "```");
    inside.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect()
}

/// The page's row, as it stands in the table.
fn row() -> String {
    block("rust").lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn the_page_shows_a_row_of_the_table() {
    let table = include_str!("../../trace/src/format/table.rs");
    let row = row();
    assert!(row.contains("row(") && table.contains(&row), "the table has no\n{row}");
}

#[test]
fn the_page_shows_the_golden_log() {
    let log = block("log");
    let golden =
        |extension: &str| testkit::workspace_root().join("testdata/reports/irq/nobody-cared").with_extension(extension);
    assert_eq!(std::fs::read_to_string(golden("log")).ok().as_deref(), Some(&*log));
    let golden = std::fs::read_to_string(golden("txt")).unwrap_or_default();
    assert!(golden.contains(&block("title")), "make golden has not been run:\n{golden}");
}

#[test]
fn a_reader_of_the_page_adds_its_message() {
    let (row, log) = (row(), block("log"));
    let source = Source::copied();
    let table = source.read(TABLE);
    let without = table.replacen(&row, "", 1);
    assert!(without.len() < table.len());
    source.write(TABLE, &without);
    assert_eq!(source.titles(&log), "", "the log has a title without the row");
    // The table ends the file.
    let end = without.rfind("];").unwrap();
    source.write(TABLE, &format!("{}{row}{}", &without[..end], &without[end..]));
    assert_eq!(source.titles(&log), block("title"));
}

/// A copy of the workspace's source.
struct Source(PathBuf);

impl Source {
    fn copied() -> Source {
        let (from, to) = (testkit::workspace_root(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("page"));
        drop(fs::remove_dir_all(&to));
        for part in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "benches", "crates"] {
            copy(&from.join(part), &to.join(part));
        }
        let source = Source(to);
        source.write("crates/signature/src/bin/page.rs", PROGRAM);
        source
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the program of this source shows of a log.
    fn titles(&self, log: &str) -> String {
        // What the packages of others are compiled to is there already.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--offline", "--package", "ksplat-signature", "--bin", "page"]);
        cargo.current_dir(&self.0).env("CARGO_TARGET_DIR", target).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = cargo.spawn().unwrap();
        child.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the copy is not built");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Copies a file, or a folder with all that is in it but what was built there.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()) {
        if !["target", "corpus", "artifacts"].iter().any(|built| entry == *built) {
            copy(&from.join(&entry), &to.join(&entry));
        }
    }
}
