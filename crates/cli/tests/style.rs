//! The forms that `decode` writes: its own, decode_stacktrace.sh's, with source, and line by line on a pipe.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::{Function, Inline, Vmlinux};

fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("style").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("mm")).unwrap();
    let inlined = Inline::new("fish_set", "include/fish.h", 3).range(0x10..0x20).called_at(2);
    let fill = Function::new("tank_fill", 0x40).file("mm/tank.c").line(2).inlined(inlined);
    fs::write(folder.join("vmlinux"), Vmlinux::new().function(fill).write()).unwrap();
    let pond = Function::new("pond_open", 0x40).file("drivers/pond.c").line(9);
    fs::write(folder.join("pond.ko"), Vmlinux::module("pond").function(pond).write()).unwrap();
    fs::write(folder.join("mm/tank.c"), "one\ntwo\nthree\n").unwrap();
    folder
}

fn decode(folder: &Path, arguments: &[&str], log: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    command.args(["decode", "--quiet"]).args(arguments).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(log.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    // 1: there was nothing to decode.
    assert!(output.status.code().unwrap() < 2);
    String::from_utf8(output.stdout).unwrap()
}

const LOG: &str = "[ 1.0]  tank_fill+0x14/0x40\n[ 1.0]  ? pond_open+0x8/0x40 [pond]\nother\n";

#[test]
fn the_kernels_style_and_its_scripts_arguments() {
    let folder = folder("kernel");
    let want =
        "[ 1.0]  tank_fill (include/fish.h:3 mm/tank.c:2)\n[ 1.0]  ? pond_open (drivers/pond.c:9) [pond]\nother\n";
    let flags = ["--style", "kernel", "--vmlinux", "vmlinux", "--modules", "."];
    assert_eq!(decode(&folder, &flags, LOG), want);
    assert_eq!(decode(&folder, &["--style", "kernel", "vmlinux", "auto", "."], LOG), want);
    // What has that form already is left alone.
    assert_eq!(decode(&folder, &flags, want), want);
    // A base path is what is cut.
    let based = decode(&folder, &["--style", "kernel", "vmlinux", "/usr/src", "."], LOG);
    assert!(based.contains("(linux/include/fish.h:3 linux/mm/tank.c:2)"), "{based}");
    let stripped = decode(&folder, &["--vmlinux", "vmlinux", "--strip-prefix", "/usr/src/linux/mm"], LOG);
    assert!(stripped.contains(" tank.c:2\n") && stripped.contains("/usr/src/linux/include/fish.h:3"), "{stripped}");
}

#[test]
fn source_is_shown_below_its_frame() {
    let folder = folder("source");
    let out = decode(&folder, &["--vmlinux", "vmlinux", "--source", "."], LOG);
    let want = "[ 1.0]  fish_set include/fish.h:3 [inline]\n[ 1.0]  tank_fill+0x14/0x40 mm/tank.c:2\n\
                [ 1.0]        1 one\n[ 1.0]  >     2 two\n[ 1.0]        3 three\n[ 1.0]  ? pond_open+0x8/0x40 [pond]\n";
    assert!(out.starts_with(want), "{out}");
}

#[test]
fn a_line_is_decoded_before_the_next_one_comes() {
    let folder = folder("pipe");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    command.args(["decode", "--quiet", "--vmlinux", "vmlinux"]).current_dir(&folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for at in 1..4 {
        // The next line is sent only when the answer to this one is there.
        writeln!(stdin, "tank_fill+{at:#x}/0x40").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("tank_fill+{at:#x}/0x40 mm/tank.c:2"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// The script looks a return address up as it is printed, which is the line behind the call. Asked for one byte less it has
/// to say what we say.
#[test]
fn the_kernels_style_is_its_scripts() {
    let test = "style::the_kernels_style_is_its_scripts";
    let set = |name: &str| std::env::var(name).map_err(|_| println!("skipped: {test}: {name} is not set")).ok();
    let (Some(vmlinux), Some(scripts)) = (set("KSPLAT_VMLINUX"), set("KSPLAT_KERNEL_SCRIPTS")) else { return };
    let folder = folder("script");
    let log = fs::read_to_string(testkit::workspace_root().join("testdata/logs/core_warn.log")).unwrap();
    let start = log.find("[ cut here ]").unwrap();
    let trace = &log[start..][..log[start..].find("[ end trace").unwrap()];
    // The kernel's frames; each question costs the script a third of a second.
    let frames: Vec<&str> = trace.lines().filter(|line| line.contains("+0x") && !line.contains("[crashme]")).collect();
    assert!(frames.len() > 10);
    let ours = decode(&folder, &["--style", "kernel", &vmlinux], &(frames.join("\n") + "\n"));
    let mut asked = String::new();
    for line in &frames {
        let (before, behind) = line.split_once("+0x").unwrap();
        let (offset, size) = behind.split_once('/').unwrap();
        let is_exact = before.contains("RIP:") || before.contains("WARNING:");
        let offset = u64::from_str_radix(offset, 16).unwrap() - u64::from(!is_exact);
        asked += &format!("{before}+{offset:#x}/{size}\n");
    }
    fs::write(folder.join("log"), asked).unwrap();
    let output = Command::new("bash")
        .arg(Path::new(&scripts).join("decode_stacktrace.sh"))
        .args([&vmlinux, "auto"])
        .stdin(fs::File::open(folder.join("log")).unwrap())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let plain = |text: &str| -> Vec<String> {
        let cut = text.replace("/build/reproducible-path/linux-6.1.176/", "").replace(" (discriminator 1)", "");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        cut.lines().map(words).collect()
    };
    assert_eq!(plain(&ours), plain(&String::from_utf8(output.stdout).unwrap()));
}
