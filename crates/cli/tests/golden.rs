//! Each log of `testdata/reports` has beside it what `ksplat report` says of it, and behind that what it says with
//! `--rules ksplat` where that is something else; each of `testdata/bisections` what `ksplat bisect` shows and judges.
//! `make golden` writes these files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use testkit::golden;

fn main() {
    let testdata = testkit::workspace_root().join("testdata");
    let mut tests = golden::tests(&testdata.join("reports"), "log", report);
    tests.extend(golden::tests(&testdata.join("bisections"), "log", |log| {
        ksplat(&["bisect", "show", "-v"], log) + &ksplat(&["bisect", "audit"], log)
    }));
    golden::main(tests);
}

/// What `ksplat report` says of a log under both rules.
fn report(log: &[u8]) -> String {
    let syzbot = ksplat(&["report"], log);
    let ours = ksplat(&["report", "--rules", "ksplat"], log);
    if ours == syzbot { syzbot } else { format!("{syzbot}==== --rules ksplat\n\n{ours}") }
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
