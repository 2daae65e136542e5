//! `ksplat addr` and `ksplat index` as scripts run them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use testkit::{Function, Inline, Vmlinux};

/// A kernel in a file, and a cache of its own for each test.
struct Place {
    folder: PathBuf,
    vmlinux: String,
}

fn kernel() -> Vmlinux {
    let inlined = Inline::new("node_link", "lib/tree.h", 20).range(0x14..0x20).called_at(32);
    let insert = Function::new("tree_insert", 0x40).file("lib/tree.c").line(40).inlined(inlined).row(0x30, 47);
    let twins = [("lib/a.c", 5), ("lib/b.c", 7)];
    let twin = |(file, line)| Function::new("twin", 0x20).file(file).line(line).local();
    twins.map(twin).into_iter().fold(Vmlinux::new().build_id(&[0x3b; 20]).function(insert), Vmlinux::function)
}

impl Place {
    fn new(test: &str) -> Place {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("addr-{test}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let vmlinux = folder.join("vmlinux");
        fs::write(&vmlinux, kernel().write()).unwrap();
        Place { vmlinux: vmlinux.to_str().unwrap().to_owned(), folder }
    }

    fn ksplat(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
        command.args(arguments).env("XDG_CACHE_HOME", self.folder.join("cache"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A child that failed at once reads nothing.
            scope.spawn(move || stdin.write_all(input.as_bytes()).is_ok());
            child.wait_with_output().unwrap()
        })
    }

    fn out(&self, arguments: &[&str], input: &str) -> String {
        let output = self.ksplat(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn indexes(&self) -> Vec<PathBuf> {
        let dir = self.folder.join("cache/ksplat/index");
        fs::read_dir(dir).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
}

fn start(name: &str) -> u64 {
    kernel().symbol(name).address
}

#[test]
fn answers_have_the_form_of_addr2line() {
    let place = Place::new("form");
    let inlined = format!("{:x}", start("tree_insert") + 0x16);
    let file = |name: &str| {
        let whole = place.out(&["addr", "-e", &place.vmlinux, "-i", &inlined], "");
        whole.lines().find(|line| line.contains(name)).unwrap().to_owned()
    };
    let (inner, outer) = (file("tree.h"), file("tree.c"));
    assert!(inner.ends_with("lib/tree.h:20") && outer.ends_with("lib/tree.c:32"), "{inner} {outer}");
    let addr = |flags: &str| place.out(&["addr", "-e", &place.vmlinux, flags, &inlined], "");
    let address = format!("0x{:016x}", start("tree_insert") + 0x16);
    assert_eq!(addr("-s"), "tree.h:20\n");
    assert_eq!(addr("-afi"), format!("{address}\nnode_link\n{inner}\ntree_insert\n{outer}\n"));
    let pretty = format!("{address}: node_link at {inner}\n (inlined by) tree_insert at {outer}\n");
    assert_eq!(addr("-afip"), pretty);
    // Standard input, and what is no address of the text.
    let read = place.out(&["addr", "-e", &place.vmlinux, "-fs"], &format!("0x{inlined}\n0\nnonsense\n"));
    assert_eq!(read, "node_link\ntree.h:20\n??\n??:0\n??\n??:0\n");
}

#[test]
fn answers_are_those_of_addr2line() {
    let place = Place::new("peer");
    let addresses: Vec<String> = (0..0x40).map(|at| format!("{:#x}", start("tree_insert") + at)).collect();
    let arguments: Vec<&str> =
        ["-e", &place.vmlinux, "-afi"].into_iter().chain(addresses.iter().map(String::as_str)).collect();
    let Ok(peer) = Command::new("addr2line").args(&arguments).output() else {
        println!("skipped: answers_are_those_of_addr2line: no addr2line on this machine");
        return;
    };
    let own: Vec<&str> = std::iter::once("addr").chain(arguments).collect();
    // GNU's adds discriminators.
    let peer = String::from_utf8(peer.stdout).unwrap();
    let peer: Vec<&str> = peer.lines().map(|line| line.split(" (discriminator").next().unwrap()).collect();
    assert_eq!(place.out(&own, "").lines().collect::<Vec<_>>(), peer);
}

#[test]
fn a_function_and_an_offset_are_an_address() {
    let place = Place::new("function");
    assert_eq!(
        place.out(&["addr", "-e", &place.vmlinux, "-fs", "tree_insert+0x30/0x40"], ""),
        "tree_insert\ntree.c:47\n"
    );
    // Two functions have that name and size, and both are shown.
    let both = place.out(&["addr", "-e", &place.vmlinux, "-fs", "twin+0x4/0x20"], "");
    assert_eq!(both, "twin\na.c:5\ntwin\nb.c:7\n");
}

#[test]
fn an_index_is_made_used_and_dropped() {
    let place = Place::new("index");
    let ask = || {
        let all: String = (0..0x40).map(|at| format!("{:x}\n", start("tree_insert") + at)).collect();
        place.out(&["addr", "-e", &place.vmlinux, "-afi"], &all)
    };
    let without = ask();
    assert_eq!(place.indexes(), [] as [PathBuf; 0], "a few addresses do not pay for an index");
    let build_id = "3b".repeat(20);
    assert!(place.out(&["index", &place.vmlinux], "").starts_with(&format!("{build_id}  made")));
    assert!(place.out(&["index", &place.vmlinux], "").starts_with(&format!("{build_id}  there")));
    assert_eq!(ask(), without);
    let [index] = &place.indexes()[..] else { panic!("{:?}", place.indexes()) };
    for damage in [damaged as fn(&Path), cut, newer] {
        damage(index);
        assert_eq!(ask(), without, "what is damaged is not believed");
        let again = place.out(&["index", &place.vmlinux], "");
        assert!(again.starts_with(&format!("{build_id}  made")), "and is made anew: {again}");
    }
    assert!(place.out(&["index", "--list"], "").starts_with(&build_id));
    assert!(place.out(&["index", "--prune", "--limit", "0"], "").starts_with(&build_id));
    assert_eq!(place.ksplat(&["index", "--list"], "").status.code(), Some(1));
}

/// A log that is decoded with and without the index has the same lines, also by a stripped copy of the indexed image.
#[test]
fn decode_takes_the_index_that_is_there() {
    let place = Place::new("decode");
    let log: String = (1..0x40).map(|at| format!(" tree_insert+{at:#x}/0x40\n")).collect();
    let decode = || place.out(&["decode", "--quiet", "--vmlinux", &place.vmlinux], &log);
    let without = decode();
    assert_eq!(place.indexes(), [] as [PathBuf; 0], "a short log does not pay for an index");
    place.out(&["index", &place.vmlinux], "");
    // Debug information that is wrong tells who is asked.
    fs::write(&place.vmlinux, kernel().without_dwarf().write()).unwrap();
    assert_eq!(decode(), without);
    assert!(without.contains("lib/tree.c:47"), "{without}");
}

#[test]
fn a_long_log_makes_the_index() {
    let place = Place::new("long");
    let log = " tree_insert+0x30/0x40\n".repeat(20_000);
    let decode = |log: &str| place.out(&["decode", "--quiet", "--vmlinux", &place.vmlinux], log);
    let one = decode(&log[..log.len() / 20_000]);
    assert_eq!(place.indexes(), [] as [PathBuf; 0]);
    assert_eq!(decode(&log), one.repeat(20_000));
    assert_eq!(place.indexes().len(), 1);
}

fn damaged(index: &Path) {
    let mut bytes = fs::read(index).unwrap();
    let at = bytes.len() - 40;
    bytes[at..].fill(0xff);
    bytes[20] ^= 1;
    fs::write(index, bytes).unwrap();
}

fn cut(index: &Path) {
    let bytes = fs::read(index).unwrap();
    fs::write(index, &bytes[..bytes.len() / 2]).unwrap();
}

fn newer(index: &Path) {
    let mut bytes = fs::read(index).unwrap();
    bytes[8] += 1;
    fs::write(index, bytes).unwrap();
}

#[test]
fn what_is_no_image_is_an_error() {
    let place = Place::new("errors");
    let none = place.folder.join("none");
    for arguments in [&["addr", "-e", none.to_str().unwrap(), "0"][..], &["index", none.to_str().unwrap()]] {
        let output = place.ksplat(arguments, "");
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("none: no such file or directory"));
    }
    let section = place.ksplat(&["addr", "-e", &place.vmlinux, "-j", ".data", "0"], "");
    assert_eq!(section.status.code(), Some(2));
}
