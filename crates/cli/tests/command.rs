//! The command as a user runs it: exit codes and the one line that says what is wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of its own for each test, below cargo's.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn ksplat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ksplat")).args(arguments).output().unwrap()
}

/// Exit code and standard error.
fn outcome(arguments: &[&str]) -> (i32, String) {
    let output = ksplat(arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn log(name: &str) -> String {
    testkit::workspace_root().join("testdata/logs").join(name).to_str().unwrap().to_owned()
}

#[test]
fn logs_without_a_report_are_nothing_found() {
    let folder = folder("nothing");
    let empty = folder.join("empty.log");
    fs::write(&empty, "").unwrap();
    let quiet = folder.join("quiet.log");
    fs::write(&quiet, "all is well\n").unwrap();
    for file in [&empty, &quiet] {
        let file = file.to_str().unwrap();
        assert_eq!(outcome(&["report", file]), (1, "ksplat: no report found\n".into()));
        assert_eq!(outcome(&["dedup", file]), (1, "ksplat: no report found\n".into()));
        assert_eq!(outcome(&["report", "--quiet", file]), (1, String::new()));
    }
    let walked = outcome(&["report", folder.to_str().unwrap()]);
    assert_eq!(walked, (1, "ksplat: no report found\n".into()), "a directory is walked");
}

#[test]
fn a_gigabyte_of_zeros_is_nothing_found() {
    let zeros = folder("zeros").join("zeros");
    let file = fs::File::create(&zeros).unwrap();
    file.set_len(1_000_000_000).unwrap();
    let zeros = zeros.to_str().unwrap();
    assert_eq!(outcome(&["report", zeros]), (1, "ksplat: no report found\n".into()));
    assert_eq!(outcome(&["kernel-signature", zeros]), (2, format!("ksplat: {zeros}: not an ELF file\n")));
    let decoded = outcome(&["decode", "--vmlinux", zeros, &log("bug.log")]);
    assert_eq!(decoded, (2, format!("ksplat: {zeros}: not an ELF file\n")));
    fs::remove_file(zeros).unwrap();
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_others_go_on() {
    let folder = folder("unreadable");
    let missing = folder.join("missing.log");
    let missing = missing.to_str().unwrap();
    let output = ksplat(&["report", missing, &log("bug.log")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("ksplat: {missing}: no such file or directory\n"));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("kernel BUG in cr_bug\n"));
}

#[test]
fn a_file_without_permission_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let secret = folder("permission").join("secret.log");
    fs::write(&secret, "BUG: x\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    let path = secret.to_str().unwrap();
    if fs::File::open(&secret).is_ok() {
        // Root reads everything, so the command runs as somebody else.
        let id = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        let binary = folder("permission").join("ksplat");
        fs::copy(env!("CARGO_BIN_EXE_ksplat"), &binary).unwrap();
        let shell = format!("cd / && exec {id} {} report {path}", binary.display());
        let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        if error.contains("setpriv:") || output.status.code() == Some(126) || output.status.code() == Some(127) {
            println!("skipped: this machine does not let another user run the command: {error}");
            return;
        }
        assert_eq!((output.status.code(), error), (Some(2), format!("ksplat: {path}: permission denied\n")));
        return;
    }
    assert_eq!(outcome(&["report", path]), (2, format!("ksplat: {path}: permission denied\n")));
}

#[test]
fn images_that_are_none_are_errors() {
    let folder = folder("images");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let ko = testkit::workspace_root().join("testdata/lab/ko/crashme.ko");
    let whole = fs::read(&ko).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("truncated"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("head"), &whole[..40]).unwrap();
    for (name, why) in [("empty", "empty file"), ("truncated", "bad ELF"), ("head", "bad ELF")] {
        let file = path(name);
        for arguments in [vec!["kernel-signature", &file], vec!["decode", "--vmlinux", &file, &log("bug.log")]] {
            let (code, error) = outcome(&arguments);
            assert_eq!(code, 2, "{arguments:?}");
            assert!(error.starts_with(&format!("ksplat: {file}: {why}")), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
    let here = folder.to_str().unwrap();
    let is_directory = format!("ksplat: {here}: is a directory\n");
    assert_eq!(
        outcome(&["kernel-signature", here]),
        (1, "ksplat: no kernel found\n".into()),
        "no file is called like one"
    );
    assert_eq!(outcome(&["decode", "--vmlinux", here, &log("bug.log")]), (2, is_directory));
}

#[test]
fn a_truncated_log_gives_what_is_there() {
    let text = fs::read(log("bug.log")).unwrap();
    let start = String::from_utf8_lossy(&text).find("kernel BUG at").unwrap();
    let cut = folder("truncated").join("cut.log");
    fs::write(&cut, &text[..start + 200]).unwrap();
    let output = ksplat(&["report", cut.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.starts_with("kernel BUG in "), "{report}");
    assert!(report.contains("\n  corrupted "), "{report}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let logs = testkit::workspace_root().join("testdata/reports");
    let logs = logs.to_str().unwrap();
    for command in ["report", "dedup"] {
        let one = ksplat(&[command, "--jobs", "1", "--format", "ndjson", logs]).stdout;
        assert!(!one.is_empty());
        assert_eq!(one, ksplat(&[command, "--jobs", "4", "--format", "ndjson", logs]).stdout, "{command}");
    }
}

#[test]
fn archives_are_read_through() {
    let folder = folder("archives");
    let text = fs::read(testkit::workspace_root().join("testdata/reports/oops/null-deref.log")).unwrap();
    let gz = folder.join("a.log.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&gz).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &text).unwrap();
    encoder.finish().unwrap();
    let tar = folder.join("b.tar.zst");
    let mut builder = tar::Builder::new(zstd::Encoder::new(fs::File::create(&tar).unwrap(), 1).unwrap());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "logs/c.log", &text[..]).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    let output = ksplat(&["report", gz.to_str().unwrap(), tar.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(report.matches("BUG: unable to handle kernel NULL pointer dereference in tank_store\n").count(), 2);
    assert!(report.contains("b.tar.zst/logs/c.log, report 0"), "{report}");
}

#[test]
fn decode_keeps_every_other_byte() {
    let folder = folder("decode");
    let ko = testkit::workspace_root().join("testdata/lab/ko");
    let input = fs::read(log("deep_inline.log")).unwrap();
    let path = folder.join("log");
    fs::write(&path, &input).unwrap();
    let output = ksplat(&["decode", "--quiet", "--modules", ko.to_str().unwrap(), path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let decoded = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(decoded.contains("il_store testdata/lab/inline.c:10 [inline] [crashme]"), "{decoded}");
    // The listing of the code stands below its line: a rule, a headline, and instructions from offset 0 to 3f.
    let listing = decoded.find("[    3.297039] ----------------\n").unwrap();
    let behind = listing + decoded[listing..].find("3f:").unwrap();
    let behind = behind + decoded[behind..].find('\n').unwrap() + 1;
    assert!(
        decoded[listing..behind].contains("* 2a:\t89 0f                \tmov    %ecx,(%rdi) <-- trapping instruction"),
        "{decoded}"
    );
    let kept = [&decoded[..listing], &decoded[behind..]].concat();
    let lines =
        |text: &str| text.split('\n').filter(|line| !line.contains("[crashme]")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&kept), lines(&String::from_utf8_lossy(&input)));
    // What is symbolized is left alone.
    fs::write(&path, &output.stdout).unwrap();
    let again = ksplat(&["decode", "--quiet", "--modules", ko.to_str().unwrap(), path.to_str().unwrap()]);
    assert_eq!(again.stdout, output.stdout);
}

#[test]
fn escape_sequences_of_a_log_stay_out_of_the_report() {
    let path = folder("escapes").join("log");
    fs::write(&path, "BUG: Bad page map\nCPU: 0 PID: 1 Comm: \x1b]0;x\x07 Not tainted 6.1.0 #1\n").unwrap();
    let output = ksplat(&["report", path.to_str().unwrap()]);
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&7));
}

#[test]
fn the_seed_report_has_its_title() {
    let Some(shared) = testkit::shared_or_skip("cli::the_seed_report_has_its_title") else { return };
    let text = fs::read(shared.join("corpus/seed-bisection.txt")).unwrap();
    let start = String::from_utf8_lossy(&text).find("\ncrash:").unwrap() + 1;
    let path = folder("seed").join("log");
    fs::write(&path, &text[start..]).unwrap();
    let output = ksplat(&["report", "--format", "ndjson", path.to_str().unwrap()]);
    let first: serde_json::Value =
        serde_json::from_slice(output.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!((&first["title"], &first["type"]), (&"possible deadlock in send_sigio".into(), &"LOCKDEP".into()));
}
