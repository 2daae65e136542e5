//! Small kernels that gcc and ld build as the real one is built: as `vmlinux.o`, linked with `--emit-relocs`, and linked
//! without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the kernel's headers give to each file.
const HEADER: &str = include_str!("sources/kernel.h");

pub const FIRST: &str = include_str!("sources/first.c");

const FILES: [(&str, &str); 5] = [
    ("lib/first.c", FIRST),
    ("lib/second.c", include_str!("sources/second.c")),
    ("lib/tables.c", include_str!("sources/tables.c")),
    ("fs/journal.c", include_str!("sources/journal.c")),
    ("init/version.c", include_str!("sources/version.c")),
];

/// A kernel's sources, in the order in which they are linked.
#[derive(Clone)]
pub struct Kernel {
    pub files: Vec<(String, String)>,
    pub build_id: &'static str,
    has_debug_information: bool,
    is_aligned: bool,
}

pub fn base() -> Kernel {
    Kernel {
        files: FILES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec(),
        build_id: "0x1111111111111111",
        has_debug_information: true,
        is_aligned: true,
    }
}

impl Kernel {
    /// With one piece of text in place of another, which must be there once or more.
    pub fn with(mut self, from: &str, to: &str) -> Kernel {
        let all: String = self.files.iter().map(|(_, text)| text.as_str()).collect();
        assert!(all.contains(from), "{from}");
        self.files.iter_mut().for_each(|(_, text)| *text = text.replace(from, to));
        self
    }

    /// With two pieces of text in each other's place.
    pub fn swapped(self, one: &str, other: &str) -> Kernel {
        self.with(one, "\u{1}").with(other, one).with("\u{1}", other)
    }

    pub fn renamed(mut self, from: &str, to: &str) -> Kernel {
        let file = self.files.iter_mut().find(|(name, _)| name == from).unwrap();
        file.0 = to.to_owned();
        self
    }

    pub fn without_debug_information(mut self) -> Kernel {
        self.has_debug_information = false;
        self
    }

    /// With code without gaps.
    pub fn without_alignment(mut self) -> Kernel {
        self.is_aligned = false;
        self
    }

    /// Builds it in the three forms.
    pub fn build(&self, folder: &Path) -> [PathBuf; 3] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("kernel.h"), HEADER).unwrap();
        let run = |command: &mut Command| {
            let done = command.current_dir(folder).output().unwrap();
            assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        let debug = if self.has_debug_information { "-g" } else { "-g0" };
        let mut objects = Vec::new();
        for (name, text) in &self.files {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), text).unwrap();
            let object = format!("{name}.o");
            let flags = ["-c", debug, "-O2", "-mcmodel=kernel", "-fno-pic", "-fno-pie", "-ffreestanding", "-I."];
            let more = ["-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-fno-stack-protector"];
            let dense = ["-fno-align-functions", "-fno-align-jumps", "-fno-align-labels", "-fno-align-loops"];
            let dense = if self.is_aligned { &[][..] } else { &dense };
            run(Command::new("gcc").args(flags).args(more).args(dense).args([name, "-o", &object]));
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

/// A folder of a test's own.
pub fn folder(test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("normalized").join(test)
}

/// Exit code and standard output of the command, which has nothing to complain of.
pub fn ksplat(arguments: &[&str], paths: &[&Path]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
    let output = command.args(arguments).args(paths).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn signature(arguments: &[&str], path: &Path) -> String {
    let (code, out) = ksplat(&[&["kernel-signature"], arguments].concat(), &[path]);
    assert_eq!(code, 0);
    out[..64].to_owned()
}

/// What `kernel-diff` says of two kernels in each of the three forms: the verdict, or of different ones all of it.
pub fn compared(test: &str, first: &Kernel, second: &Kernel) -> [String; 3] {
    let folder = folder(test);
    let ours = first.build(&folder.join("a"));
    let theirs = second.build(&folder.join("b"));
    std::array::from_fn(|form| {
        let (ours, theirs) = (ours[form].as_path(), theirs[form].as_path());
        let (code, out) = ksplat(&["kernel-diff", "--names"], &[ours, theirs]);
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

/// In each form the second behaves as the kernel of the tests does.
pub fn equivalent(test: &str, other: Kernel) {
    assert_eq!(compared(test, &base(), &other), ["equivalent"; 3], "{test}");
}

/// In each form the difference from the kernel of the tests is seen, and named.
pub fn different(test: &str, other: Kernel, named: &str) {
    for out in compared(test, &base(), &other) {
        assert!(out.starts_with("different\n") && out.contains(named), "{test}: {out}");
    }
}
