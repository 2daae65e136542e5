//! `ksplat kernel-signature` as a user runs it: values that others compute too, compressed images, sets, checking.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use testkit::{Function, Vmlinux};

/// What syzkaller's construction gives for a kernel of Debian, by SHA-256.
fn pinned(release: &str) -> String {
    let list = fs::read_to_string(testkit::workspace_root().join("testdata/lab/kernel-signatures")).unwrap();
    let mut rows = list.lines().filter_map(|line| line.split_once(' '));
    rows.find(|(of, _)| *of == release).unwrap().1.to_owned()
}

fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kernel-signature").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn ksplat(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    command.current_dir(folder).arg("kernel-signature").args(arguments).output().unwrap()
}

/// Exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = ksplat(folder, arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn signature(folder: &Path, arguments: &[&str]) -> String {
    let (code, out, error) = run(folder, arguments);
    assert_eq!((code, error.as_str(), out.lines().count()), (0, "", 1), "{out}");
    out.split_once("  ").unwrap().0.to_owned()
}

fn kernel(size: u64) -> Vec<u8> {
    Vmlinux::new().function(Function::new("start", size)).object("counter", 8).write()
}

fn module(name: &str, size: u64) -> Vec<u8> {
    Vmlinux::module(name).function(Function::new("start", size)).write()
}

fn sha256sum(bytes: &[u8]) -> String {
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    String::from_utf8(out).unwrap()[..64].to_owned()
}

/// The kernel signature by readelf and sha256sum.
fn independent(path: &Path) -> String {
    let listed = Command::new("readelf").arg("-SW").arg(path).output().unwrap();
    assert!(listed.status.success());
    let data = fs::read(path).unwrap();
    let mut digests = Vec::new();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        // `  [ 1] .text  PROGBITS  ffffffff81000000 200000 e01ef2 00  AX  0   0 4096`
        let Some((_, row)) = line.trim().strip_prefix('[').and_then(|row| row.split_once("] ")) else { continue };
        let cells: Vec<&str> = row.split_whitespace().collect();
        let [_, kind, _, offset, size, _, flags, ..] = cells[..] else { continue };
        if flags.contains('A') && !["NOBITS", "NOTE", "Type"].contains(&kind) {
            let number = |hex: &str| usize::from_str_radix(hex, 16).unwrap();
            let digest = sha256sum(&data[number(offset)..][..number(size)]);
            digests.extend((0..64).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).unwrap()));
        }
    }
    assert!(!digests.is_empty());
    sha256sum(&digests)
}

#[test]
fn sha256_is_what_readelf_and_sha256sum_compute() {
    let folder = folder("independent");
    fs::write(folder.join("vmlinux"), kernel(0x40)).unwrap();
    let ours = signature(&folder, &["--algorithm", "sha256", "vmlinux"]);
    assert_eq!(ours, independent(&folder.join("vmlinux")));
}

#[test]
fn the_real_kernel_has_the_pinned_value() {
    let Some(vmlinux) = std::env::var_os("KSPLAT_VMLINUX").map(PathBuf::from) else {
        println!(
            "skipped: the_real_kernel_has_the_pinned_value: KSPLAT_VMLINUX is not set (testdata/lab/packages env)"
        );
        return;
    };
    let path = vmlinux.to_str().unwrap();
    let pinned = pinned("6.1.0-50-cloud-amd64");
    assert_eq!(independent(&vmlinux), pinned);
    assert_eq!(signature(Path::new("/"), &["--algorithm", "sha256", path]), pinned);
    let Some(vmlinuz) = std::env::var_os("KSPLAT_VMLINUZ").map(PathBuf::from) else {
        println!("skipped: the bzImage of it: KSPLAT_VMLINUZ is not set (testdata/lab/packages boot)");
        return;
    };
    // What the bzImage unpacks to has other headers, and the same sections.
    assert_eq!(signature(Path::new("/"), &["--algorithm", "sha256", vmlinuz.to_str().unwrap()]), pinned);
}

#[test]
fn the_reference_value_is_the_specifications_and_ours() {
    let pinned = pinned("6.1.0-56-cloud-amd64");
    if let Some(shared) = testkit::shared_or_skip("the_reference_value_is_the_specifications_and_ours") {
        let page = fs::read_to_string(shared.join("spec/console-reports.md")).unwrap();
        assert!(page.contains(&format!("6.1.0-56-cloud-amd64-dbg (file SHA-256 66795ff0…) → `{pinned}`")));
    }
    let Some(vmlinux) = std::env::var_os("KSPLAT_VMLINUX_56").map(PathBuf::from) else {
        println!(
            "skipped: the kernel of the reference value: KSPLAT_VMLINUX_56 is not set (testdata/lab/packages vmlinux-56)"
        );
        return;
    };
    assert!(sha256sum(&fs::read(&vmlinux).unwrap()).starts_with("66795ff0"));
    assert_eq!(signature(Path::new("/"), &["--algorithm", "sha256", vmlinux.to_str().unwrap()]), pinned);
}

#[test]
fn compressed_images_have_the_signature_of_what_is_in_them() {
    let folder = folder("compressed");
    for (name, bytes) in [("vmlinux", kernel(0x40)), ("m.ko", module("m", 0x20))] {
        fs::write(folder.join(name), &bytes).unwrap();
        let plain = signature(&folder, &[name]);
        for (tool, end) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst"), ("bzip2", "bz2")] {
            let packed = Command::new(tool).arg("-c").arg(folder.join(name)).output().unwrap();
            assert!(packed.status.success(), "{tool}");
            fs::write(folder.join(format!("{name}.{end}")), packed.stdout).unwrap();
            assert_eq!(signature(&folder, &[&format!("{name}.{end}")]), plain, "{tool}");
        }
    }
    let both = run(&folder, &["."]);
    assert_eq!((both.0, both.1.lines().count(), both.2), (0, 10, String::new()));
}

#[test]
fn a_bomb_is_an_error() {
    let folder = folder("bomb");
    let zeros = fs::File::create(folder.join("zeros")).unwrap();
    zeros.set_len(100 << 20).unwrap();
    for (tool, end) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        let packed = Command::new(tool).arg("-c").arg(folder.join("zeros")).output().unwrap();
        let name = format!("vmlinux.{end}");
        fs::write(folder.join(&name), packed.stdout).unwrap();
        let (code, out, error) = run(&folder, &[&name]);
        assert_eq!((code, out), (2, String::new()));
        assert!(
            error.starts_with(&format!("ksplat: {name}: unpacks to far more than a kernel of its size does")),
            "{error}"
        );
        let cut = fs::read(folder.join(&name)).unwrap();
        fs::write(folder.join(&name), &cut[..cut.len() / 2]).unwrap();
        assert_eq!(run(&folder, &[&name]).0, 2);
    }
}

#[test]
fn checking_is_as_b3sum_does_it() {
    let folder = folder("check");
    for (size, name) in (0x40..).zip(["one", "two", "with\nline", "back\\slash"]) {
        fs::write(folder.join(name), kernel(size)).unwrap();
    }
    let sums = run(&folder, &["one", "two", "with\nline", "back\\slash"]).1;
    fs::write(folder.join("sums"), &sums).unwrap();
    assert!(sums.contains("  with\\nline\n") && sums.contains("  back\\\\slash\n"), "{sums}");
    let good = "one: OK\ntwo: OK\n\\with\\nline: OK\n\\back\\\\slash: OK\n".to_owned();
    assert_eq!(run(&folder, &["--check", "sums"]), (0, good, String::new()));
    assert_eq!(run(&folder, &["--check", "--quiet", "sums"]), (0, String::new(), String::new()));
    fs::write(folder.join("two"), kernel(0x50)).unwrap();
    fs::remove_file(folder.join("one")).unwrap();
    let (code, out, error) = run(&folder, &["--check", "--quiet", "sums"]);
    assert_eq!(out, "one: FAILED (no such file or directory)\ntwo: FAILED\n");
    assert_eq!((code, error.as_str()), (1, "ksplat: WARNING: 2 computed signatures did NOT match\n"));
    // Signatures made in another way are no other kernels.
    for flags in [&["--algorithm", "sha256"][..], &["--normalized"], &[]] {
        let sums = run(&folder, &[flags, &["two"]].concat()).1;
        fs::write(folder.join("two.sums"), sums).unwrap();
        assert_eq!(run(&folder, &[flags, &["--check", "two.sums"]].concat()).1, "two: OK\n");
        let other = if flags.is_empty() { &["--normalized"][..] } else { &[] };
        let (code, out, _) = run(&folder, &[other, &["--check", "two.sums"]].concat());
        let flags = if flags.is_empty() { "--algorithm blake3".to_owned() } else { flags.join(" ") };
        assert_eq!((code, out), (1, format!("two: FAILED (it is that of {flags})\n")));
    }
    fs::write(folder.join("bad"), "no line\n").unwrap();
    let (code, out, error) = run(&folder, &["--check", "bad"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.starts_with("ksplat: bad: a short line\n"), "{error}");
    assert_eq!(run(&folder, &["--check", "missing"]).0, 2);
}

#[test]
fn a_set_has_one_signature() {
    let folder = folder("set");
    let write = |path: &str, bytes: &[u8]| {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), bytes).unwrap();
    };
    let sign = || signature(&folder, &["--algorithm", "sha256", "--with-modules", "modules", "vmlinux"]);
    write("vmlinux", &kernel(0x40));
    write("modules/b/snd-one.ko", &module("snd_one", 0x20));
    write("modules/a/two.ko", &module("two", 0x30));
    let set = sign();
    // The documented construction, by sha256sum.
    let single = |path: &str| signature(&folder, &["--algorithm", "sha256", path]);
    let [kernel_sum, one, two] = ["vmlinux", "modules/b/snd-one.ko", "modules/a/two.ko"].map(single);
    let parts = [kernel_sum, sha256sum(b"snd_one"), one, sha256sum(b"two"), two].concat();
    let bytes: Vec<u8> =
        (0..parts.len()).step_by(2).map(|at| u8::from_str_radix(&parts[at..at + 2], 16).unwrap()).collect();
    assert_eq!(set, sha256sum(&bytes));
    // Folders and compression do not matter, content and names do.
    fs::rename(folder.join("modules/a/two.ko"), folder.join("modules/two.ko")).unwrap();
    assert!(Command::new("xz").arg(folder.join("modules/b/snd-one.ko")).status().unwrap().success());
    assert_eq!(sign(), set);
    fs::rename(folder.join("modules/two.ko"), folder.join("modules/three.ko")).unwrap();
    assert_ne!(sign(), set);
    fs::rename(folder.join("modules/three.ko"), folder.join("modules/two.ko")).unwrap();
    write("modules/two.ko", &module("two", 0x31));
    assert_ne!(sign(), set);
}

/// A set without its modules, or without one of them, has no signature that could be taken for the set's.
#[test]
fn a_set_that_lacks_a_module_is_not_signed() {
    let folder = folder("set-lacking");
    fs::create_dir_all(folder.join("modules")).unwrap();
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::write(folder.join("vmlinux"), kernel(0x40)).unwrap();
    fs::write(folder.join("modules/one.ko"), module("one", 0x20)).unwrap();
    let (code, out, error) = run(&folder, &["--with-modules", "nowhere", "vmlinux"]);
    assert_eq!((code, out.as_str(), error.as_str()), (2, "", "ksplat: nowhere: no such file or directory\n"));
    let (code, out, error) = run(&folder, &["--with-modules", "empty", "vmlinux"]);
    assert_eq!((code, out.as_str(), error.as_str()), (2, "", "ksplat: empty: no modules below it\n"));
    fs::write(folder.join("modules/two.ko"), &module("two", 0x30)[..100]).unwrap();
    let (code, out, error) = run(&folder, &["--with-modules", "modules", "vmlinux"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.starts_with("ksplat: modules/two.ko: "), "{error}");
}

#[test]
fn a_list_of_sets_says_how_it_was_made() {
    let folder = folder("set-check");
    fs::create_dir_all(folder.join("modules")).unwrap();
    fs::write(folder.join("vmlinux"), kernel(0x40)).unwrap();
    fs::write(folder.join("modules/one.ko"), module("one", 0x20)).unwrap();
    for (list, flags) in [("set", &["--with-modules", "modules"][..]), ("alone", &[])] {
        let (_, out, _) = run(&folder, &[flags, &["vmlinux"]].concat());
        fs::write(folder.join(list), out).unwrap();
    }
    let (code, out, _) = run(&folder, &["--check", "--with-modules", "modules", "set"]);
    assert_eq!((code, out.as_str()), (0, "vmlinux: OK\n"));
    let (code, out, error) = run(&folder, &["--check", "set"]);
    assert_eq!((code, out.as_str()), (1, "vmlinux: FAILED\n"));
    let why = "ksplat: signatures that were made with --with-modules DIR need it here, too\n";
    assert_eq!(error, format!("ksplat: WARNING: 1 computed signature did NOT match\n{why}"));
    let (code, out, _) = run(&folder, &["--check", "--with-modules", "modules", "alone"]);
    assert_eq!(
        (code, out.as_str()),
        (1, "vmlinux: FAILED (it is that of --algorithm blake3, without --with-modules)\n")
    );
}

#[test]
fn what_a_module_calls_is_signed() {
    let folder = folder("calls");
    let compile = |name: &str, callee: &str| {
        let source = folder.join(format!("{name}.c"));
        fs::write(&source, format!("void {callee}(void); void f(void) {{ {callee}(); }}")).unwrap();
        let mut gcc = Command::new("gcc");
        gcc.args(["-c", "-o"]).arg(folder.join(format!("{name}.ko"))).arg(&source);
        assert!(gcc.status().unwrap().success());
        signature(&folder, &[&format!("{name}.ko")])
    };
    assert_eq!(compile("a", "up"), compile("b", "up"));
    assert_ne!(compile("a", "up"), compile("b", "down"));
}

#[test]
fn sections_are_listed_with_their_digests() {
    let folder = folder("sections");
    fs::write(folder.join("vmlinux"), kernel(0x40)).unwrap();
    let (code, out, _) = run(&folder, &["--algorithm", "sha256", "--sections", "vmlinux"]);
    let mut lines = out.lines();
    let whole = &lines.next().unwrap()[..64];
    let digests: Vec<u8> = lines
        .clone()
        .flat_map(|line| {
            (0..64).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!((code, whole), (0, sha256sum(&digests).as_str()));
    assert!(lines.any(|line| line.ends_with("  .text")), "{out}");
    let (_, json, _) = run(&folder, &["--algorithm", "sha256", "--sections", "--format", "ndjson", "vmlinux"]);
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&record["signature"], &record["algorithm"]), (&whole.into(), &"sha256".into()));
    assert!(record["sections"].as_array().unwrap().iter().any(|section| section["name"] == ".text"));
}
