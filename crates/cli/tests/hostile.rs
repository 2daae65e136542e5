//! Hostile input: whatever it is, the command ends, says in a line what is wrong, and stays within bounds.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use testkit::HOSTILE;

/// A new folder of its own for each test, below cargo's.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// MiB that the command may map, its own code and the stacks of its threads included.
const MEMORY: usize = 400;
/// Seconds that it may work.
const SECONDS: usize = 100;

/// Runs the command within bounds, with this input. Beyond them it is killed, or cannot allocate: it has no exit code then.
fn within_bounds(arguments: &[&str], input: &[u8]) -> Output {
    let limits = format!("ulimit -v {} -t {SECONDS} -c 0 && exec \"$0\" \"$@\"", MEMORY << 10);
    let mut child = Command::new("bash")
        .args(["-c", &limits, env!("CARGO_BIN_EXE_ksplat"), "--jobs", "2"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // What is not read any more is no failure of the one who writes.
        scope.spawn(move || stdin.write_all(input).is_ok());
        child.wait_with_output().unwrap()
    })
}

/// Exit code and standard error.
fn outcome(arguments: &[&str]) -> (Option<i32>, String) {
    let output = within_bounds(arguments, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn fifty_megabytes_of_hostile_lines_are_read_within_bounds() {
    let size = (50 << 20) / HOSTILE.len();
    let log: Vec<u8> = HOSTILE.iter().flat_map(|kind| [kind.log(size), b"\n".to_vec()].concat()).collect();
    assert!(log.len() >= 50_000_000);
    for arguments in [&["report"][..], &["dedup"]] {
        let output = within_bounds(arguments, &log);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(is_plain(&output.stdout), "{arguments:?}");
    }
}

#[test]
fn fifty_megabytes_that_nobody_could_remember() {
    for name in
        ["a line without end", "zeroes", "newlines", "nested arrays", "a string without end", "fragments", "quotes"]
    {
        let kind = HOSTILE.iter().find(|kind| kind.name == name).unwrap();
        let output = within_bounds(&["report", "--quiet"], &kind.log(50 << 20));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{name}: {code:?} {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// True where a terminal would show each byte, and obey none.
fn is_plain(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(|c| c.is_control() && c != '\n'))
}

/// The logs of all kinds of report, with bytes that a terminal obeys between those that a report is made of.
fn escaped(folder: &Path) -> Vec<PathBuf> {
    let sequences: [&[u8]; 6] = [b"\x1b[31m", b"\x1b]0;x\x07", b"\x9b2J", b"\x08", b"\xc2\x9b31m", b"\xff"];
    let mut paths = Vec::new();
    for (number, log) in testkit::logs().into_iter().enumerate() {
        let mut numbers = testkit::Numbers::new(number as u64);
        let mut bytes = Vec::new();
        for word in log.bytes.split_inclusive(|b| *b == b' ') {
            bytes.extend_from_slice(word);
            if numbers.below(4) == 0 {
                bytes.extend_from_slice(sequences[numbers.below(sequences.len())]);
            }
        }
        paths.push(folder.join(format!("\x1b[1m{number}\u{9b}.log")));
        fs::write(paths.last().unwrap(), bytes).unwrap();
    }
    paths
}

#[test]
fn no_escape_sequence_reaches_a_terminal() {
    let folder = folder("escapes");
    let paths = escaped(&folder);
    for command in ["report", "dedup"] {
        let output = within_bounds(&[command, text(&folder)], b"");
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.len() > 1000 && is_plain(&output.stdout), "{command}");
        let records = within_bounds(&[command, "--format", "ndjson", text(&folder)], b"").stdout;
        let records = String::from_utf8(records).unwrap();
        assert!(records.lines().count() > 10, "{command}");
        for line in records.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{line}");
        }
    }
    fs::write(&paths[0], b"").unwrap();
    let (code, error) = outcome(&["report", text(&paths[0]), text(&folder.join("\x1b[2J"))]);
    assert_eq!(code, Some(2));
    assert!(is_plain(error.as_bytes()) && error.ends_with("\u{fffd}[2J: no such file or directory\n"), "{error:?}");
}

#[test]
fn decoding_keeps_every_byte_that_is_not_a_frames() {
    let folder = folder("decode");
    let modules = testkit::workspace_root().join("testdata/lab/ko");
    for path in escaped(&folder).iter().step_by(4) {
        let input = fs::read(path).unwrap();
        let output = within_bounds(&["decode", "--quiet", "--modules", text(&modules), text(path)], b"").stdout;
        let mut rest = &output[..];
        for line in input.split_inclusive(|b| *b == b'\n') {
            if let Some(behind) = rest.strip_prefix(line) {
                rest = behind;
                continue;
            }
            // A decoded line: the frame's own line comes last, and is the line with a place behind the symbol.
            let frame = loop {
                let length = rest.iter().position(|b| *b == b'\n').unwrap() + 1;
                let decoded;
                (decoded, rest) = rest.split_at(length);
                if !decoded.windows(9).any(|w| w == b" [inline]") {
                    break decoded;
                }
            };
            let same = frame.iter().zip(line).take_while(|(a, b)| a == b).count();
            let end = frame.iter().rev().zip(line.iter().rev()).take_while(|(a, b)| a == b).count();
            assert!(
                same + end >= line.len(),
                "{:?} for {:?}",
                frame.escape_ascii().to_string(),
                line.escape_ascii().to_string()
            );
        }
        assert_eq!(rest, b"", "{}", path.display());
    }
}

#[test]
fn bombs_are_read_within_bounds() {
    let folder = folder("bombs");
    let zeroes = vec![0; 1 << 20];
    let mut gz =
        flate2::write::GzEncoder::new(fs::File::create(folder.join("b.gz")).unwrap(), flate2::Compression::fast());
    let mut zst = zstd::Encoder::new(fs::File::create(folder.join("b.zst")).unwrap(), 1).unwrap();
    (0..500).for_each(|_| gz.write_all(&zeroes).and_then(|()| zst.write_all(&zeroes)).unwrap());
    gz.finish().unwrap();
    zst.finish().unwrap();
    // Archives are read through once: what is compressed again is a log without reports.
    let inner = fs::read(folder.join("b.gz")).unwrap();
    let mut again =
        flate2::write::GzEncoder::new(fs::File::create(folder.join("c.gz")).unwrap(), flate2::Compression::fast());
    again.write_all(&inner).unwrap();
    again.finish().unwrap();
    assert_eq!(outcome(&["report", text(&folder)]), (Some(1), "ksplat: no report found\n".into()));
}

/// A tar archive's member with a header that claims whatever it wants.
fn member(kind: tar::EntryType, name: &str, claimed: u64, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(claimed);
    header.set_mode(0o644);
    header.set_cksum();
    let padding = bytes.len().next_multiple_of(512) - bytes.len();
    [header.as_bytes(), bytes, &vec![0; padding]].concat()
}

#[test]
fn tar_archives_that_lie_are_errors() {
    let folder = folder("tar");
    let path = folder.join("a.tar");
    let log = b"BUG: Bad page map\n";
    let whole = member(tar::EntryType::Regular, "../../etc/\x1b[1m", log.len() as u64, log);
    fs::write(&path, &whole).unwrap();
    let output = within_bounds(&["report", text(&path)], b"");
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("a.tar/../../etc/\u{fffd}[1m, report 0") && is_plain(report.as_bytes()), "{report}");
    for (name, archive) in [
        ("a member that claims exabytes", member(tar::EntryType::Regular, "x", u64::MAX >> 1, log)),
        (
            "a name that claims exabytes",
            [member(tar::EntryType::GNULongName, "x", u64::MAX >> 1, log), whole.clone()].concat(),
        ),
        ("a sparse member that claims exabytes", member(tar::EntryType::GNUSparse, "x", u64::MAX >> 1, log)),
    ] {
        fs::write(&path, archive).unwrap();
        let (code, error) = outcome(&["report", text(&path)]);
        assert!(matches!(code, Some(0..=2)) && error.lines().count() <= 1, "{name}: {code:?} {error}");
    }
    // A name of 800 MB, which is 800 KB in the file.
    let long = member(tar::EntryType::GNULongName, "x", 800 << 20, &vec![b'a'; 800 << 20]);
    let path = folder.join("b.tar.gz");
    let mut gz = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
    gz.write_all(&long).and_then(|()| gz.write_all(&whole)).unwrap();
    gz.finish().unwrap();
    let error = format!("ksplat: {}: a header of over 1 MiB in a tar archive\n", path.display());
    assert_eq!(outcome(&["report", text(&path)]), (Some(2), error));
}

#[test]
fn damaged_archives_are_errors() {
    let folder = folder("damaged");
    let log = fs::read(testkit::workspace_root().join("testdata/logs/bug.log")).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.join("whole.zip")).unwrap());
    zip.start_file("bug.log", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&log).unwrap();
    zip.finish().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&log).unwrap();
    let archives =
        [fs::read(folder.join("whole.zip")).unwrap(), gz.finish().unwrap(), zstd::encode_all(&log[..], 1).unwrap()];
    let mut numbers = testkit::Numbers::new(1);
    for (kind, archive) in ["zip", "gz", "zst"].iter().zip(&archives) {
        for _ in 0..12 {
            let mut bytes = archive.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bytes.len());
                if numbers.below(3) == 0 { bytes.truncate(at.max(8)) } else { bytes[at] = numbers.below(256) as u8 }
            }
            let path = folder.join(format!("damaged.{kind}"));
            fs::write(&path, bytes).unwrap();
            let (code, error) = outcome(&["report", text(&path)]);
            assert!(matches!(code, Some(0..=2)) && error.lines().count() <= 1, "{kind}: {code:?} {error}");
            assert!(is_plain(error.as_bytes()));
        }
    }
}

#[test]
fn folders_with_anything_in_them_are_walked() {
    let folder = folder("walk");
    fs::write(folder.join("a.log"), "BUG: Bad page map\n").unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("nowhere")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket"));
    let output = within_bounds(&["report", text(&folder)], b"");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("BUG: Bad page map\n").count(), 1);
}

#[test]
fn a_pipe_is_read_from_its_first_byte() {
    let fifo = folder("pipe").join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (log, title) in [
        (&b"BUG: Bad page map\n"[..], "BUG: Bad page map\n"),
        (b"PK\x03\x04 BUG: Bad page map\n", "BUG: Bad page map\n"),
    ] {
        let report = std::thread::scope(|scope| {
            scope.spawn(|| fs::write(&fifo, log).unwrap());
            within_bounds(&["report", text(&fifo)], b"").stdout
        });
        assert!(String::from_utf8(report).unwrap().starts_with(title));
    }
}
