//! Which image is taken for a log: found by release and build-id, refused where it is proved to be another kernel's.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use testkit::{Function, Vmlinux};

/// A machine of its own: a root with images, a directory to work in.
struct Machine(PathBuf);

impl Machine {
    fn new(test: &str) -> Machine {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("which-image").join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("work")).unwrap();
        Machine(folder)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ksplat"))
            .args(arguments)
            .args(["--sysroot", "../root"])
            .current_dir(self.0.join("work"))
            .env("XDG_CACHE_HOME", self.0.join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// What `decode` writes of a log, without errors.
    fn decode(&self, arguments: &[&str], log: &str) -> String {
        let (code, out, error) = self.run(&[&["decode", "--quiet"], arguments].concat(), log.as_bytes());
        assert_eq!((code, error.as_str()), (0, ""), "{out}");
        out
    }
}

/// A kernel of a release, whose one function stands at a line of its own.
fn kernel(release: &str, line: u32) -> Vmlinux {
    Vmlinux::new()
        .banner(&format!("Linux version {release} (a@b) (gcc) #1 SMP"))
        .function(Function::new("tank_fill", 0x40).file("mm/tank.c").line(line))
}

fn module(line: u32) -> Vmlinux {
    Vmlinux::module("pond_x").function(Function::new("pond_open", 0x40).file("drivers/pond.c").line(line))
}

fn oops(release: &str, more: &str) -> String {
    format!(
        "[ 1.0] BUG: x in tank_fill+0x4/0x40\n[ 1.0] CPU: 0 PID: 1 Comm: sh Not tainted {release} #1{more}\n\
         [ 1.0]  pond_open+0x4/0x40 [pond_x]\n"
    )
}

#[test]
fn each_boot_of_a_log_has_its_kernel() {
    let machine = Machine::new("boots");
    machine.put("root/usr/lib/debug/boot/vmlinux-6.1.0", &kernel("6.1.0", 10).write());
    machine.put("root/boot/vmlinux-6.2.0", &kernel("6.2.0", 20).write());
    machine.put("root/usr/lib/debug/lib/modules/6.1.0/x/pond-x.ko", &module(11).write());
    machine.put("root/lib/modules/6.2.0/x/pond-x.ko.zst", &zstd::encode_all(&*module(21).write(), 1).unwrap());
    let log = [oops("6.1.0", ""), oops("6.2.0", ""), oops("6.1.0", "")].concat();
    let decoded = machine.decode(&[], &log);
    let lines: Vec<&str> = decoded.lines().filter_map(|line| Some(line.split_once(".c:")?.1)).collect();
    assert_eq!(lines, ["10", "11 [pond_x]", "20", "21 [pond_x]", "10", "11 [pond_x]"], "{decoded}");
}

#[test]
fn a_tree_of_several_kernels_is_chosen_from_by_what_the_log_says() {
    let machine = Machine::new("tree");
    let id = "5a".repeat(20);
    machine.put("tree/a/vmlinux", &kernel("6.1.0", 10).write());
    machine.put("tree/b/vmlinux", &kernel("6.2.0", 20).write());
    machine.put(&format!("tree/.build-id/5a/{}.debug", &id[2..]), &kernel("6.1.0", 30).build_id(&[0x5a; 20]).write());
    let decode = |log: &str| machine.decode(&["--debug-dir", "../tree"], log);
    assert!(decode(&oops("6.1.0", "")).contains("mm/tank.c:10"));
    assert!(decode(&oops("6.2.0", "")).contains("mm/tank.c:20"));
    assert!(decode(&oops("6.1.0", &format!(" {id}"))).contains("mm/tank.c:30"));
    let banner = "[ 0.0] Linux version 6.2.0 (a@b) (gcc) #1 SMP\n[ 1.0]  tank_fill+0x4/0x40\n";
    assert!(decode(banner).contains("mm/tank.c:20"));
    // Nothing says which.
    let (code, out, error) = machine.run(&["decode", "--debug-dir", "../tree"], b" tank_fill+0x4/0x40\n");
    assert_eq!((code, out.as_str()), (2, " tank_fill+0x4/0x40\n"));
    assert!(error.contains("2 kernels are found"), "{error}");
    // The command line does.
    let (code, out, _) = machine.run(&["decode", "--debug-dir", "../tree", "-r", "6.2.0"], b" tank_fill+0x4/0x40\n");
    assert!(code == 0 && out.contains("mm/tank.c:20"), "{out}");
    // What the log says counts more.
    let (_, out, _) = machine.run(&["decode", "--debug-dir", "../tree", "-r", "6.1.0"], banner.as_bytes());
    assert!(out.contains("mm/tank.c:20"), "{out}");
}

#[test]
fn a_build_in_the_working_directory_is_taken_with_its_modules() {
    let machine = Machine::new("build");
    machine.put("work/vmlinux", &kernel("6.1.0", 10).write());
    machine.put("work/modules.order", b"drivers/pond-x.o\n");
    machine.put("work/drivers/pond-x.ko", &module(11).write());
    let decoded = machine.decode(&[], &oops("6.1.0", ""));
    assert!(decoded.contains("mm/tank.c:10") && decoded.contains("drivers/pond.c:11"), "{decoded}");
    let (_, out, error) = machine.run(&["decode"], b" tank_fill+0x4/0x40\n");
    assert!(out.contains("mm/tank.c:10"), "the log says nothing against it: {out}");
    assert_eq!(error, "ksplat: ./vmlinux: unverified: nothing to tell the build by; 1 of 1 sizes agree\n");
    let (_, _, error) = machine.run(&["decode"], b" tank_fill+0x4/0x50\n");
    assert!(
        error.starts_with("ksplat: ./vmlinux: mismatch: nothing to tell the build by; 0 of 1 sizes agree\n"),
        "{error}"
    );
    let (code, _, error) = machine.run(&["decode"], oops("6.2.0", "").as_bytes());
    assert_eq!(code, 2);
    assert!(error.starts_with("ksplat: no kernel found for 6.2.0: give --vmlinux"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn bare_addresses_mean_what_the_boot_says() {
    let machine = Machine::new("bare");
    let image = kernel("6.1.0", 10);
    machine.put("work/vmlinux", &image.write());
    let start = image.symbol("tank_fill").address;
    let boot = |by: u64, tells: &str| {
        let address = start + by + 4;
        format!("Linux version 6.1.0 (a@b) (gcc) #1 SMP\nRIP: 0010:{address:#x}\n [<{address:x}>]\n{tells}\n")
    };
    let lines = |log: &str| {
        let (_, out, error) = machine.run(&["decode"], log.as_bytes());
        let lines: Vec<String> =
            out.lines().filter_map(|line| Some(line.split_once(" tank_fill mm/")?.1.into())).collect();
        (lines, error)
    };
    let moved = |by: u64| format!("Kernel Offset: {by:#x} from 0xffffffff81000000");
    // Each boot was loaded elsewhere.
    let (found, _) = lines(&(boot(0x1b40_0000, &moved(0x1b40_0000)) + &boot(0x200_0000, &moved(0x200_0000))));
    assert_eq!(found, ["tank.c:10"; 4]);
    let named = format!(" [<{:x}>] tank_fill+0x9/0x40", start + 0x300_0009);
    assert_eq!(lines(&boot(0x300_0000, &named)).0, ["tank.c:10"; 2], "a frame with both tells it");
    assert_eq!(lines(&boot(0, "Kernel Offset: disabled")).0, ["tank.c:10"; 2]);
    let (found, error) = lines(&boot(0x1b40_0000, ""));
    assert_eq!(found, [""; 0]);
    assert!(error.contains("2 bare address, and it is not known where the kernel was loaded"), "{error}");
    let (found, error) = lines(&boot(0x1b40_0000, &moved(0)));
    assert_eq!(found, [""; 0]);
    assert!(error.contains("2 address is not in the text"), "{error}");
}

#[test]
fn links_out_of_a_debug_directory_are_not_followed() {
    let machine = Machine::new("links");
    let outside = machine.put("outside/vmlinux", &kernel("6.1.0", 10).write());
    fs::create_dir_all(machine.0.join("tree")).unwrap();
    std::os::unix::fs::symlink(outside, machine.0.join("tree/vmlinux-6.1.0")).unwrap();
    let (code, out, _) = machine.run(&["decode", "--debug-dir", "../tree"], oops("6.1.0", "").as_bytes());
    assert_eq!((code, out), (2, oops("6.1.0", "")));
}

#[test]
fn a_proved_mismatch_is_refused_and_the_text_passes() {
    let machine = Machine::new("refused");
    machine.put("work/other", &kernel("6.2.0", 20).build_id(&[1; 20]).write());
    let id = "02".repeat(20);
    for (log, why) in [
        (oops("6.1.0", ""), "version is 6.2.0, the log's is 6.1.0".to_owned()),
        (oops("6.2.0", &format!(" {id}")), format!("build-id is {}, the log's is {id}", "01".repeat(20))),
    ] {
        let (code, out, error) = machine.run(&["decode", "--vmlinux", "other"], log.as_bytes());
        assert_eq!((code, out), (2, log.clone()), "byte for byte");
        assert_eq!(error, format!("ksplat: other: {why}: nothing is symbolized (unless by --force)\n"));
        let (code, out, _) = machine.run(&["decode", "--vmlinux", "other", "--force"], log.as_bytes());
        assert!(code == 0 && out.contains("mm/tank.c:20"), "{out}");
    }
    assert!(machine.decode(&["--vmlinux", "other"], &oops("6.2.0", "")).contains("mm/tank.c:20"));
}

#[test]
fn doctor_says_where_it_looked_and_what_it_found() {
    let machine = Machine::new("doctor");
    machine.put("root/boot/vmlinux-6.1.0", &kernel("6.1.0", 10).write());
    machine.put("root/usr/lib/debug/boot/vmlinux-6.1.0", &kernel("6.1.0", 10).without_dwarf().write());
    machine.put("work/vmlinux", &kernel("6.2.0", 20).write());
    machine.put("tree/pond-x.ko", &module(11).write());
    let log = machine.put("work/log", oops("6.1.0", "").as_bytes());
    let (code, out, error) = machine.run(&["doctor", log.to_str().unwrap(), "--modules", "../tree"], b"");
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    for line in [
        "kernel 6.1.0\n",
        "  image     ./vmlinux: version is 6.2.0, the log's is 6.1.0, ",
        "  image     ../root/usr/lib/debug/boot/vmlinux-6.1.0: same release, 7 symbols, without debug information\n",
        "  image     ../root/boot/vmlinux-6.1.0: taken: same release, 7 symbols, with debug information\n",
        "  image     ../root/lib/modules/6.1.0/build/vmlinux: not there\n",
        "  modules   ../tree: searched\n",
        "  module    ../tree/pond-x.ko: taken: nothing to tell the build by, ",
        ": not made\n",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (code, out, _) = machine.run(&["doctor", "-"], oops("5.0", "").as_bytes());
    assert_eq!(code, 1);
    assert!(out.contains("pond_x: no file of that name"), "{out}");
}

/// The real kernel, the real log, and the debug tree of two kernels.
#[test]
fn debians_kernels_are_told_apart() {
    let (Some(own), Some(_)) = (std::env::var_os("KSPLAT_VMLINUX"), std::env::var_os("KSPLAT_VMLINUX_47")) else {
        println!("skipped: images::debians_kernels_are_told_apart: KSPLAT_VMLINUX or KSPLAT_VMLINUX_47 is not set");
        return;
    };
    let machine = Machine::new("debian");
    let log = fs::read(testkit::workspace_root().join("testdata/logs/core_warn.log")).unwrap();
    // The packages are unpacked beside each other.
    let both = Path::new(&own).ancestors().nth(6).unwrap().to_str().unwrap();
    let (code, out, error) = machine.run(&["doctor", "-", "--debug-dir", both], &log);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("50-cloud-amd64: taken: same version, "), "{out}");
    assert!(out.contains("47-cloud-amd64: version is 6.1.0-47-cloud-amd64 #1"), "{out}");
    let (_, decoded, _) = machine.run(&["decode", "--debug-dir", both], &log);
    assert!(decoded.contains(" fs/read_write.c:582"), "{decoded}");
}
