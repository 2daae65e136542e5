//! Each log of `testdata/reports` has beside it what `ksplat report` says of it, each of `testdata/bisections` what
//! `ksplat bisect` shows and judges. `make golden` writes these files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use testkit::golden;

fn main() {
    let testdata = testkit::workspace_root().join("testdata");
    let mut tests = golden::tests(&testdata.join("reports"), "log", |log| ksplat(&["report"], log));
    tests.extend(golden::tests(&testdata.join("bisections"), "log", |log| {
        ksplat(&["bisect", "show", "-v"], log) + &ksplat(&["bisect", "audit"], log)
    }));
    golden::main(tests);
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
