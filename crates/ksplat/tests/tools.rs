//! The law of captures on what the real tools print: util-linux's dmesg and systemd's journalctl, where they are installed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::mutate::{FORMS, Loses, without};

/// Title, and whether the report is corrupted, of all reports.
fn names(capture: &[u8]) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    ksplat::reports(capture, |found| names.push((found.title.title.clone(), found.title.corrupted.is_some())));
    names
}

/// Every tenth labelled log: running a tool costs more than reading what it prints.
fn logs(test: &str) -> Vec<(String, Vec<u8>)> {
    let Some(shared) = testkit::shared_or_skip(test) else { return Vec::new() };
    let folder = shared.join("corpus/report");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let log = |path: &PathBuf| (path.display().to_string(), testkit::unlabelled(std::fs::read(path).unwrap()));
    paths.iter().step_by(10).map(log).collect()
}

fn written(form: &str, log: &[u8]) -> Vec<u8> {
    (FORMS.iter().find(|known| known.name == form).unwrap().write)(log)
}

/// What a command prints for this standard input.
fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let command = command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A tool may have read enough before the end.
    drop(writer.join().unwrap());
    output.stdout
}

fn is_there(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: {tool} is not installed");
    }
    found
}

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_dmesg_prints_has_the_names_of_the_console() {
    if !is_there("dmesg") {
        return;
    }
    let file = folder("dmesg").join("kernel.log");
    // Not `--json`: where 2.38.1 reads a file, each of its messages goes on to the file's end.
    let options: &[&[&str]] = &[
        &[],
        &["-T"],
        &["-x"],
        &["-d"],
        &["-H"],
        &["-e"],
        &["-T", "-d"],
        &["-x", "-T"],
        &["--time-format", "iso"],
        &["--time-format", "delta"],
        &["-r"],
        &["--color=always"],
    ];
    let mut differences = Vec::new();
    for (name, log) in logs("ksplat::tools: dmesg") {
        std::fs::write(&file, written("dmesg -r", &log)).unwrap();
        let want = names(&without(&log, Loses::OTHERS));
        for options in options {
            let capture = run(Command::new("dmesg").arg("-F").arg(&file).args(*options), b"");
            let got = names(&capture);
            if got != want {
                differences.push(format!("{name} by dmesg {options:?}:\n  got  {got:?}\n  want {want:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn what_journalctl_prints_has_the_names_of_the_console() {
    const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
    if !is_there("journalctl") || !is_there(REMOTE) {
        return;
    }
    let file = folder("journal").join("kernel.journal");
    let forms: &[&[&str]] = &[
        &["-o", "short"],
        &["-o", "short", "--no-hostname"],
        &["-o", "short-monotonic"],
        &["-o", "short-monotonic", "--no-hostname"],
        &["-o", "short-precise"],
        &["-o", "short-iso"],
        &["-o", "short-iso-precise"],
        &["-o", "short-full"],
        &["-o", "short-unix"],
        &["-o", "with-unit"],
        &["-o", "verbose"],
        &["-o", "json"],
        &["-o", "json-pretty"],
        &["-o", "json-seq"],
        &["-o", "json-sse"],
        &["-o", "export"],
    ];
    let mut differences = Vec::new();
    for (name, log) in logs("ksplat::tools: journalctl") {
        // The short forms show such messages as `[15B blob data]`.
        let is_shown = std::str::from_utf8(&log).is_ok_and(|text| text.chars().all(|c| c >= ' ' || "\n\t".contains(c)));
        if !is_shown {
            println!("{name} is passed over: journalctl does not show all of its messages");
            continue;
        }
        drop(std::fs::remove_file(&file));
        run(Command::new(REMOTE).arg("-o").arg(&file).arg("-"), &written("journalctl export", &log));
        let want = names(&without(&log, Loses::CALLERS));
        for form in forms {
            let capture =
                run(Command::new("journalctl").args(["--no-pager", "-q", "--file"]).arg(&file).args(*form), b"");
            let got = names(&capture);
            if got != want {
                differences.push(format!("{name} by journalctl {form:?}:\n  got  {got:?}\n  want {want:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
