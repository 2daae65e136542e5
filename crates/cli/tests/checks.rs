//! What `ksplat decode` says of the image that it decodes by.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use testkit::{Function, Vmlinux};

const BANNER: &str = "Linux version 6.1.0 (a@b) (gcc) #1 SMP";

/// `root` calls `leaf` at 0x15; nothing calls from `other`.
fn kernel() -> Vmlinux {
    let functions = [
        Function::new("leaf", 0x20).file("mm/leaf.c").line(10).code(0x8, &[0x48, 0x31, 0xc0]),
        Function::new("root", 0x40).file("mm/root.c").line(20).calls("leaf", 0x15),
        Function::new("other", 0x20).file("mm/other.c").line(30).code(0x5, &[0x48, 0x31, 0xc0]),
    ];
    functions.into_iter().fold(Vmlinux::new().banner(BANNER), Vmlinux::function)
}

/// A folder with the kernel in it.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("checks-{test}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("vmlinux"), kernel().write()).unwrap();
    folder
}

/// Decodes a log that arrives in these parts; standard output and standard error.
fn decode(test: &str, arguments: &[&str], parts: &[&str]) -> (String, String) {
    let folder = folder(test);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["decode", "--vmlinux", "vmlinux"])
        .args(arguments)
        .current_dir(&folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for part in parts {
        stdin.write_all(part.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn oops(code: &str) -> Vec<String> {
    let lines = [
        &format!("[ 0.0] {BANNER}"),
        "[ 1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "[ 1.0] RIP: 0010:leaf+0x8/0x20",
        &format!("[ 1.0] Code: {code}"),
        "[ 1.0] Call Trace:",
        "[ 1.0]  <TASK>",
        "[ 1.0]  leaf+0x4/0x20",
        "[ 1.0]  ? other+0x8/0x20",
        "[ 1.0]  root+0x15/0x40",
        "[ 1.0]  </TASK>",
    ];
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn sizes_code_and_calls_are_counted_wherever_the_log_is_cut() {
    let said = "ksplat: vmlinux: verified: same version; 4 of 4 sizes agree, 1 of 1 instructions agree, \
                1 of 1 calls agree, 1 of 1 doubted frames are stale\n";
    let lines = oops("<48> 31 c0");
    assert_eq!(decode("whole", &[], &[&lines.concat()]).1, said);
    assert_eq!(decode("cut", &[], &lines.iter().map(String::as_str).collect::<Vec<_>>()).1, said);
    assert_eq!(decode("quiet", &["--quiet"], &[&lines.concat()]).1, "");
    let other = decode("code", &[], &[&oops("<48> 31 c9").concat()]).1;
    assert!(other.contains("0 of 1 instructions agree"), "{other}");
    assert!(!decode("identity", &["--proof", "identity"], &[&lines.concat()]).1.contains(" of "));
}

#[test]
fn a_stale_frame_is_shown_dimmed_where_there_are_colours() {
    let lines = oops("<48> 31 c0").concat();
    let plain = decode("plain", &["--quiet"], &[&lines]).0;
    assert!(plain.contains("]  ? other+0x8/0x20 mm/other.c:30\n"), "{plain}");
    let colored = decode("colored", &["--quiet", "--color", "always"], &[&lines]).0;
    assert!(colored.contains("\u{1b}[2m[ 1.0]  ? other+0x8/0x20 mm/other.c:30\u{1b}[22m\n"), "{colored}");
    assert_eq!(colored.replace("\u{1b}[2m", "").replace("\u{1b}[22m", ""), plain);
}

#[test]
fn links_are_for_a_terminal_only() {
    let lines = oops("<48> 31 c0").concat();
    let piped = decode("piped", &["--quiet", "--link", "elixir"], &[&lines]).0;
    assert!(!piped.contains('\u{1b}'), "{piped}");
    let folder = folder("terminal");
    fs::write(folder.join("log"), &lines).unwrap();
    let ksplat = env!("CARGO_BIN_EXE_ksplat");
    let command = format!("{ksplat} decode --quiet --color never --link elixir --vmlinux vmlinux log");
    // script(1) gives it a terminal.
    let Ok(output) = Command::new("script").args(["-qec", &command, "/dev/null"]).current_dir(&folder).output() else {
        println!("skipped: links_are_for_a_terminal_only: script is missing");
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    let link = "root+0x15/0x40 \u{1b}]8;;https://elixir.bootlin.com/linux/v6.1/source/mm/root.c#L20\u{1b}\\mm/root.c:20\u{1b}]8;;\u{1b}\\";
    assert!(shown.contains(link), "{shown:?}");
}
