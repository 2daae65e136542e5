//! The law of captures, over the whole pipeline: whatever form a console was captured in, its reports have the names, types
//! and flags of the console from which the same information was removed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::Path;

use testkit::mutate::{FORMS, Form, without};

/// What the law is about: title, type, whether it is corrupted.
type Name = (String, Option<&'static str>, bool);

/// All successive reports of a capture.
fn names(capture: &[u8]) -> Vec<Name> {
    let mut names = Vec::new();
    ksplat::reports(capture, |found| {
        let title = &found.title;
        names.push((title.title.clone(), title.crash_type.map(|kind| kind.name()), title.corrupted.is_some()));
    });
    names
}

/// How a form did.
#[derive(Default)]
struct Row {
    logs: usize,
    reports: usize,
    /// Logs whose first report, and reports of all, that are as the law says.
    first: usize,
    same: usize,
    differences: Vec<String>,
}

impl Row {
    fn of(form: &Form, logs: &[(String, Vec<u8>)]) -> Row {
        let mut row = Row::default();
        for (name, log) in logs {
            let want = names(&without(log, form.loses));
            let got = names(&(form.write)(log));
            row.logs += 1;
            row.first += usize::from(got.first() == want.first());
            row.reports += want.len();
            row.same += if got.len() == want.len() { got.iter().zip(&want).filter(|(a, b)| a == b).count() } else { 0 };
            if got != want {
                row.differences.push(format!("{name} as {}:\n  got  {got:?}\n  want {want:?}", form.name));
            }
        }
        row
    }
}

/// Each form's row, as a table; the differences behind it.
fn matrix(logs: &[(String, Vec<u8>)]) -> (String, Vec<String>) {
    let mut table = format!("{:<34} {:>6} {:>6} {:>8} {:>6}\n", "form", "logs", "first", "reports", "same");
    let mut differences = Vec::new();
    for form in FORMS {
        let row = Row::of(form, logs);
        let _ =
            writeln!(table, "{:<34} {:>6} {:>6} {:>8} {:>6}", form.name, row.logs, row.first, row.reports, row.same);
        differences.extend(row.differences);
    }
    (table, differences)
}

fn check(logs: &[(String, Vec<u8>)]) {
    assert!(!logs.is_empty(), "no logs test nothing");
    let (table, differences) = matrix(logs);
    println!("{table}");
    let shown = &differences[..differences.len().min(20)];
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
}

fn logs(folder: &Path, log_of: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension == "log"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), log_of(std::fs::read(path).unwrap()))).collect()
}

#[test]
fn captures_of_labelled_logs_have_the_names_of_the_console() {
    let Some(shared) = testkit::shared_or_skip("ksplat::captures") else { return };
    check(&logs(&shared.join("corpus/report"), testkit::unlabelled));
}

#[test]
fn captures_of_our_own_logs_have_the_names_of_the_console() {
    let without_cr = |mut log: Vec<u8>| {
        log.retain(|b| !matches!(b, b'\r' | 0));
        log
    };
    check(&logs(&testkit::workspace_root().join("testdata/logs"), without_cr));
}

/// A console to which the rest was appended in another form: a journal, a mail, a container's log.
#[test]
fn a_capture_may_change_its_form_in_the_middle() {
    let Some(shared) = testkit::shared_or_skip("ksplat::captures: two forms") else { return };
    let (mut tried, mut wrong) = (0, Vec::new());
    for (name, log) in logs(&shared.join("corpus/report"), testkit::unlabelled).iter().step_by(3) {
        let middle = log[..log.len() / 2].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let (before, behind) = log.split_at(middle);
        for form in
            ["syslog", "journalctl", "journalctl short-monotonic", "dmesg -T", "dmesg -x", "kubernetes", "quoted"]
        {
            let form = FORMS.iter().find(|known| known.name == form).unwrap();
            let other = without(behind, form.loses);
            // Fewer lines than that are taken for what a console shows of its machine's syslog.
            if other.split(|b| *b == b'\n').filter(|line| line.starts_with(b"[")).count() < 64 {
                continue;
            }
            tried += 1;
            let (got, want) = (names(&[before, &(form.write)(behind)].concat()), names(&[before, &other].concat()));
            if got != want {
                wrong.push(format!("{name}, then {}:\n  got  {got:?}\n  want {want:?}", form.name));
            }
        }
    }
    assert!(tried > 100, "only {tried} captures have enough lines behind their middle");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}
