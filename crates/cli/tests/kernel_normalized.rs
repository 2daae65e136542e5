//! What the normalised signature ignores and what it does not (crates/image/NORMALIZED.md), on small kernels that gcc
//! and ld build as the real one is built: as `vmlinux.o`, linked with `--emit-relocs`, and linked without.

#![cfg(target_arch = "x86_64")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the kernel's headers give to each file.
const HEADER: &str = include_str!("normalized/kernel.h");

const FIRST: &str = include_str!("normalized/first.c");

const SECOND: &str = include_str!("normalized/second.c");

const BASE: &str = include_str!("normalized/version.c");

/// A kernel's sources, in the order in which they are linked.
#[derive(Clone)]
struct Kernel {
    files: Vec<(String, String)>,
    build_id: &'static str,
}

fn base() -> Kernel {
    let files = [("lib/first.c", FIRST), ("lib/second.c", SECOND), ("init/version.c", BASE)];
    Kernel {
        files: files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec(),
        build_id: "0x1111111111111111",
    }
}

impl Kernel {
    /// With one piece of text in place of another, which must be there once or more.
    fn with(mut self, from: &str, to: &str) -> Kernel {
        let all: String = self.files.iter().map(|(_, text)| text.as_str()).collect();
        assert!(all.contains(from), "{from}");
        self.files.iter_mut().for_each(|(_, text)| *text = text.replace(from, to));
        self
    }

    fn renamed(mut self, from: &str, to: &str) -> Kernel {
        let file = self.files.iter_mut().find(|(name, _)| name == from).unwrap();
        file.0 = to.to_owned();
        self
    }

    /// Builds it in the three forms.
    fn build(&self, folder: &Path) -> [PathBuf; 3] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("kernel.h"), HEADER).unwrap();
        let run = |command: &mut Command| {
            let done = command.current_dir(folder).output().unwrap();
            assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        let mut objects = Vec::new();
        for (name, text) in &self.files {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), text).unwrap();
            let object = format!("{name}.o");
            let flags = ["-c", "-g", "-O2", "-mcmodel=kernel", "-fno-pic", "-fno-pie", "-ffreestanding", "-I."];
            let more = ["-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-fno-stack-protector"];
            run(Command::new("gcc").args(flags).args(more).args([name, "-o", &object]));
            objects.push(object);
        }
        let link = ["-e", "start", "-z", "noexecstack", "-Ttext=0xffffffff81000000"];
        let id = format!("--build-id={}", self.build_id);
        run(Command::new("ld").args(["-r", "-o", "vmlinux.o"]).args(&objects));
        run(Command::new("ld").args(link).args([&id, "--emit-relocs", "-o", "vmlinux.relocs"]).args(&objects));
        run(Command::new("ld").args(link).args([&id, "-o", "vmlinux"]).args(&objects));
        ["vmlinux.o", "vmlinux.relocs", "vmlinux"].map(|name| folder.join(name))
    }
}

fn ksplat(arguments: &[&str], paths: &[&Path]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    let output = command.args(arguments).args(paths).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// The first word of what the command prints.
fn signature(arguments: &[&str], path: &Path) -> String {
    let (code, out) = ksplat(&[&["kernel-signature"], arguments].concat(), &[path]);
    assert_eq!(code, 0);
    out[..64].to_owned()
}

/// The verdict of `kernel-diff` in each of the three forms.
fn verdicts(test: &str, other: Kernel) -> [String; 3] {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized").join(test);
    let ours = base().build(&folder.join("a"));
    let theirs = other.build(&folder.join("b"));
    std::array::from_fn(|form| {
        let (ours, theirs) = (ours[form].as_path(), theirs[form].as_path());
        let (code, out) = ksplat(&["kernel-diff", "--summary"], &[ours, theirs]);
        let verdict = out.lines().next().unwrap().to_owned();
        let equal = signature(&["--normalized"], ours) == signature(&["--normalized"], theirs);
        let same = signature(&[], ours) == signature(&[], theirs);
        match verdict.as_str() {
            "identical" => assert!(equal && same && code == 0),
            "equivalent" => assert!(equal && !same && code == 0),
            _ => assert!(!equal && !same && code == 1, "{out}"),
        }
        if verdict == "different" { out } else { verdict }
    })
}

fn equivalent(test: &str, other: Kernel) {
    assert_eq!(verdicts(test, other), ["equivalent"; 3], "{test}");
}

/// In each form the difference is seen, and named.
fn different(test: &str, other: Kernel, named: &str) {
    for out in verdicts(test, other) {
        assert!(out.starts_with("different\n") && out.contains(named), "{test}: {out}");
    }
}

#[test]
fn the_same_source_is_the_same_kernel() {
    assert_eq!(verdicts("same", base()), ["identical"; 3]);
}

#[test]
fn a_comment_above_a_warning_does_not_count() {
    equivalent("comment", base().with("\tWARN(x > 1000);", "\t/*\n\t * A comment.\n\t */\n\tWARN(x > 1000);"));
    equivalent("comment-2", base().with("static struct place", "\n\nstatic struct place"));
}

#[test]
fn the_name_of_a_file_does_not_count() {
    equivalent("renamed", base().renamed("lib/first.c", "drivers/a/much/longer.c"));
    equivalent("renamed-2", base().renamed("lib/second.c", "s.c"));
}

#[test]
fn the_order_of_functions_does_not_count() {
    let start = FIRST.find("int choose").unwrap();
    let end = FIRST.rfind('}').unwrap() + 2;
    let choose = &FIRST[start..end];
    let moved = base().with(choose, "").with("int first(int x)\n{", &format!("{choose}int first(int x)\n{{"));
    let moved = moved.with("int choose", "extern int limits[4];\nint choose");
    equivalent("moved", moved);
}

#[test]
fn the_order_of_files_does_not_count() {
    let mut other = base();
    other.files.swap(0, 2);
    equivalent("linked", other);
}

#[test]
fn versions_and_times_do_not_count() {
    let other = base().with("6.1.0-syz", "6.1.99-something").with("Thu Jan 1 00:00:00 UTC 1970", "Fri Feb 2 2024");
    equivalent("version", other);
    equivalent("compiler", base().with("(gcc 12)", "(gcc 12.2.0, somewhere else)"));
}

#[test]
fn build_ids_types_and_keys_do_not_count() {
    // The note of a build-id is no part of either signature.
    let mut other = base();
    other.build_id = "0x22222222222222222222";
    assert_eq!(verdicts("build-id", other)[0], "identical");
    // The image of the vDSO lies in the kernel's data with its own notes.
    let note = |id: &str| {
        let note = r##"asm(".data\n.balign 4\nraw_data: .long 9, 4, 8, 3\n.asciz \"GNU\"\n.quad ID\n.previous");"##;
        format!("{}\nvoid start(void)", note.replace("ID", id))
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized/note");
    let one = base().with("void start(void)", &note("1")).build(&folder.join("a"));
    let two = base().with("void start(void)", &note("2")).build(&folder.join("b"));
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(ksplat(&["kernel-diff"], &[one, two]).1.lines().next(), Some("equivalent"));
    }
    equivalent("types", base().with("types one", "other types"));
    equivalent("key", base().with("key one", "another key"));
}

#[test]
fn a_string_counts() {
    different("string", base().with("first is", "First is"), "  first\n");
    different("string-2", base().with("\"three\"", "\"drei\""), "  choose");
}

#[test]
fn a_constant_counts() {
    different("constant", base().with("4711", "4712"), "  first\n");
    different("table", base().with("{ 10, 20, 30, 40 }", "{ 10, 21, 30, 40 }"), "  limits\n");
    different("argument", base().with("second(7)", "second(8)"), "  choose");
}

#[test]
fn what_is_called_counts() {
    different("callee", base().with("return first(2);", "return second(2);"), "  choose");
    // Two static functions have one name.
    different("static", base().with("x * 5 + 2", "x * 5 + 3"), "  helper\n");
}

#[test]
fn cases_of_a_switch_count() {
    let swapped = base().with("case 0:", "case 9:").with("case 3:", "case 0:").with("case 9:", "case 3:");
    different("switch", swapped, "  choose");
}

#[test]
fn flags_of_a_warning_count() {
    let other = base().with("WARN(x == 5);", "\n#undef FLAGS\n#define FLAGS 2307\nWARN(x == 5);");
    different("flags", other, "tables changed: 1\n");
}

#[test]
fn the_order_of_initcalls_counts() {
    let other = base()
        .with("12_34_alpha6: .long first", "12_34_gamma6: .long second")
        .with("13_56_beta6: .long second", "13_56_alpha6: .long first")
        .with("gamma6", "beta6");
    for out in verdicts("initcalls", other) {
        assert!(out.starts_with("different\n"), "{out}");
    }
}

#[test]
fn a_removed_function_counts() {
    let start = FIRST.find("int choose").unwrap();
    let end = FIRST.rfind('}').unwrap() + 2;
    different("removed", base().with(&FIRST[start..end], ""), "functions removed: 2\n  choose\n  choose.cold\n");
}

#[test]
fn changed_functions_are_shown_side_by_side() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized/side-by-side");
    let ours = base().build(&folder.join("a"));
    let theirs = base().with("4711", "4712").with("return first(2);", "return second(2);").build(&folder.join("b"));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let (code, out) = ksplat(&["kernel-diff"], &[ours, theirs]);
        assert_eq!(code, 1);
        assert!(out.contains("\nfirst changed (lib/first.c:5)\n  @ lib/first.c:11\n"), "{out}");
        let row = out.lines().find(|line| line.contains("$0x1267")).unwrap();
        assert!(row.contains(" | ") && row.contains("$0x1268"), "{row}");
        let (_, json) = ksplat(&["kernel-diff", "--format", "ndjson"], &[ours, theirs]);
        let records: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&records[0]["kind"], &records[0]["verdict"]), (&"verdict".into(), &"different".into()));
        let first = records.iter().find(|record| record["kind"] == "function" && record["name"] == "first").unwrap();
        assert_eq!((&first["change"], &first["place"]), (&"bytes".into(), &"lib/first.c:5".into()));
        assert!(first["hunks"][0]["rows"].as_array().unwrap().iter().any(|row| row["same"] == false));
    }
}

#[test]
fn threads_do_not_change_anything() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized/threads");
    let [_, ours, _] = base().build(&folder.join("a"));
    let [_, theirs, _] = base().with("4711", "4712").build(&folder.join("b"));
    let one = ksplat(&["kernel-diff", "--jobs", "1"], &[&ours, &theirs]);
    assert_eq!(one, ksplat(&["kernel-diff", "--jobs", "4"], &[&ours, &theirs]));
}

#[test]
fn without_symbols_only_sections_are_compared() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized/stripped");
    let [_, ours, theirs] = base().build(&folder);
    let theirs_changed = base().with("4711", "4712").build(&folder.join("b"))[2].clone();
    for path in [&theirs, &theirs_changed] {
        assert!(Command::new("strip").arg(path).status().unwrap().success());
    }
    assert_eq!(ksplat(&["kernel-diff"], &[&ours, &theirs]), (0, "identical\n".into()));
    let output =
        Command::new(env!("CARGO_BIN_EXE_ksplat")).arg("kernel-diff").args([&theirs, &theirs_changed]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no symbols"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("different\n"));
}
