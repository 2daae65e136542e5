//! Each log of `testdata/reports` has beside it what `ksplat report` says of it, and behind that what it says with
//! `--rules ksplat` where that is something else; each of `testdata/bisections` what `ksplat bisect` shows and judges.
//! Each of `testdata/explain` holds arguments of `ksplat explain`, for paths in `testdata`. `make golden` writes these files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use testkit::golden;

fn main() {
    let testdata = testkit::workspace_root().join("testdata");
    let mut tests = golden::tests(&testdata.join("reports"), "log", report);
    tests.extend(golden::tests(&testdata.join("bisections"), "log", |log| {
        ksplat(&["bisect", "show", "-v"], log) + &ksplat(&["bisect", "audit"], log)
    }));
    tests.extend(golden::tests(&testdata.join("explain"), "args", explain));
    golden::main(tests);
}

/// What `ksplat report` says of a log under both rules.
fn report(log: &[u8]) -> String {
    let syzbot = ksplat(&["report"], log);
    let ours = ksplat(&["report", "--rules", "ksplat"], log);
    if ours == syzbot { syzbot } else { format!("{syzbot}==== --rules ksplat\n\n{ours}") }
}

/// What `ksplat explain` prints with these arguments, without the line numbers of the table: rows come and go.
fn explain(arguments: &[u8]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .current_dir(testkit::workspace_root().join("testdata"))
        .arg("explain")
        .args(String::from_utf8_lossy(arguments).split_whitespace())
        .output()
        .expect("the command was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the output is text");
    let mut parts = text.split("table.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "table.rs:LINE" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// What the command prints for a log on its standard input.
fn ksplat(arguments: &[&str], log: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command was built");
    command.stdin.take().expect("it is piped").write_all(log).expect("the command reads its input");
    let output = command.wait_with_output().expect("the command ends");
    String::from_utf8(output.stdout).expect("the output is text")
}
