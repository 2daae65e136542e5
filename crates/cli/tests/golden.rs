//! Each log of `testdata/reports` has beside it what `ksplat report` says of it. `make golden` writes these files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use testkit::golden;

fn main() {
    let logs = testkit::workspace_root().join("testdata/reports");
    golden::main(golden::tests(&logs, "log", report));
}

/// What the command prints for a log on its standard input.
fn report(log: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .arg("report")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command was built");
    command.stdin.take().expect("it is piped").write_all(log).expect("the command reads its input");
    let output = command.wait_with_output().expect("the command ends");
    String::from_utf8(output.stdout).expect("the output is text")
}
