//! `ksplat kernel-diff` on two kernels of Debian, against an independent method: the bytes of each function, with the fields
//! that relocations fill zeroed, read from the ELF file here, and lines of instructions by eu-addr2line.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A function: its address, and its bytes without relocated fields.
struct Function {
    address: u64,
    bytes: Vec<u8>,
}

/// The functions of a kernel by name, without the parts of the name that compilers number.
struct Functions {
    by_name: BTreeMap<String, Vec<Function>>,
    /// Start, end and name, sorted.
    places: Vec<(u64, u64, String)>,
}

struct Section {
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: usize,
    info: usize,
}

fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()).into()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

impl Functions {
    fn read(path: &PathBuf) -> Functions {
        let file = File::open(path).unwrap();
        let read = |offset: u64, size: u64| {
            let mut bytes = vec![0; size as usize];
            file.read_exact_at(&mut bytes, offset).unwrap();
            bytes
        };
        let header = read(0, 64);
        let table = read(long(&header, 0x28), 64 * half(&header, 0x3c) as u64);
        let sections: Vec<Section> = table
            .chunks_exact(64)
            .map(|row| Section {
                kind: word(row, 4),
                flags: long(row, 8),
                address: long(row, 16),
                offset: long(row, 24),
                size: long(row, 32),
                link: word(row, 40) as usize,
                info: word(row, 44) as usize,
            })
            .collect();
        // PROGBITS that is loaded and executed.
        let mut code: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (index, section) in sections.iter().enumerate() {
            if section.kind == 1 && section.flags & 6 == 6 {
                code.insert(index, read(section.offset, section.size));
            }
        }
        for relocations in sections.iter().filter(|section| section.kind == 4) {
            let Some(bytes) = code.get_mut(&relocations.info) else { continue };
            for entry in read(relocations.offset, relocations.size).chunks_exact(24) {
                let at = (long(entry, 0) - sections[relocations.info].address) as usize;
                let width = match word(entry, 8) {
                    1 | 24 => 8,
                    2 | 4 | 10 | 11 => 4,
                    0 => 0,
                    other => panic!("relocation type {other}"),
                };
                bytes[at..at + width].fill(0);
            }
        }
        let symbols = sections.iter().find(|section| section.kind == 2).unwrap();
        let strings = read(sections[symbols.link].offset, sections[symbols.link].size);
        let mut functions = Functions { by_name: BTreeMap::new(), places: Vec::new() };
        for symbol in read(symbols.offset, symbols.size).chunks_exact(24) {
            let (section, address, size) = (half(symbol, 6), long(symbol, 8), long(symbol, 16));
            let Some(bytes) = code.get(&section).filter(|_| symbol[4] & 15 == 2 && size > 0) else { continue };
            let name = strings[word(symbol, 0) as usize..].split(|byte| *byte == 0).next().unwrap();
            let pieces = std::str::from_utf8(name).unwrap().split('.');
            let plain: Vec<&str> = pieces.filter(|piece| !piece.bytes().all(|byte| byte.is_ascii_digit())).collect();
            let at = (address - sections[section].address) as usize;
            let bytes = bytes[at..at + size as usize].to_vec();
            functions.places.push((address, address + size, plain.join(".")));
            functions.by_name.entry(plain.join(".")).or_default().push(Function { address, bytes });
        }
        functions.places.sort();
        functions.by_name.values_mut().for_each(|same| same.sort_by_key(|function| function.address));
        functions
    }

    /// Name and offset of a place; of several names of a function the first.
    fn at(&self, address: u64) -> Option<(&str, u64)> {
        let after = self.places.partition_point(|(start, ..)| *start <= address);
        let (start, ..) = self.places[..after].last()?;
        let first = self.places.partition_point(|(other, ..)| other < start);
        let (start, end, name) = &self.places[first];
        (address < *end).then_some((name, address - start))
    }
}

/// How two functions of one name compare, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Compared {
    /// The same bytes, save in calls and jumps that the assembler resolved, and that go to the same function, and in
    /// numbers that are the line of the instruction that has them: `mov $1970,%edx`.
    Same,
    /// Save in what such calls go to.
    Callees,
    Bytes,
}

/// The lines of instructions, inlined calls included, of addresses of one kernel that were asked for.
#[derive(Default)]
struct Lines {
    known: BTreeMap<u64, BTreeSet<u32>>,
    unknown: RefCell<BTreeSet<u64>>,
}

impl Lines {
    /// What is not known may be a line.
    fn may_be(&self, address: u64, number: u32) -> bool {
        match self.known.get(&address) {
            Some(lines) => lines.contains(&number),
            None => {
                self.unknown.borrow_mut().insert(address);
                true
            }
        }
    }

    /// Looks up what was not known; false if there was nothing of that kind.
    fn learn(&mut self, kernel: &Path) -> bool {
        let asked = self.unknown.take();
        let text: String = asked.iter().map(|address| format!("{address:#x}\n")).collect();
        let mut command = Command::new("eu-addr2line");
        command.args(["--addresses", "--inlines", "-e"]).arg(kernel).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let mut lines = None;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some(address) = line.strip_prefix("0x") {
                let address = u64::from_str_radix(address, 16).unwrap();
                lines = Some(self.known.entry(address).or_default());
            } else if let Some(number) = line.split(':').nth(1).and_then(|rest| rest.split(' ').next()) {
                lines.as_mut().unwrap().insert(number.parse().unwrap());
            }
        }
        assert!(asked.iter().all(|address| self.known.contains_key(address)), "{output:?}");
        !asked.is_empty()
    }
}

fn compare(first: &Function, second: &Function, functions: [&Functions; 2], lines: &[Lines; 2]) -> Compared {
    let (a, b) = (&first.bytes, &second.bytes);
    if a.len() != b.len() {
        return Compared::Bytes;
    }
    let target = |function: &Function, field: usize, of: &Functions| {
        let displacement = word(&function.bytes, field) as i32;
        let end = function.address + field as u64 + 4;
        of.at(end.wrapping_add_signed(displacement.into())).map(|(name, by)| (name.to_owned(), by))
    };
    let mut compared = Compared::Same;
    let mut at = 0;
    while let Some(differs) = (at..a.len()).find(|at| a[*at] != b[*at]) {
        // The field starts up to three bytes before, behind `e8`, `e9`, `0f 8x` or, for registers of arguments, `b9` and the like.
        let explain = |field: usize| {
            let opcode = field.checked_sub(1).map_or(0, |at| a[at]);
            let is_jump = field >= 2 && a[field - 2] == 0x0f && opcode & 0xf0 == 0x80;
            if field + 4 > a.len() {
                return Compared::Bytes;
            }
            // In one kernel the function that is called may be in the same section, in the other not: then it is a relocation.
            if opcode == 0xe8 && (word(a, field) == 0) != (word(b, field) == 0) {
                return Compared::Callees;
            }
            if is_jump || opcode == 0xe8 || opcode == 0xe9 {
                return match (target(first, field, functions[0]), target(second, field, functions[1])) {
                    (Some(ours), Some(theirs)) if ours == theirs => Compared::Same,
                    // Of a chance `e8` the target is the middle of some function.
                    (Some((_, 0)), Some((_, 0))) => Compared::Callees,
                    _ => Compared::Bytes,
                };
            }
            // To the registers of arguments.
            let is_move = matches!(opcode, 0xb8 | 0xb9 | 0xba | 0xbe | 0xbf);
            let is_line = |side: usize, function: &Function| {
                lines[side].may_be(function.address + field as u64 - 1, word(&function.bytes, field))
            };
            match is_move && is_line(0, first) & is_line(1, second) {
                true => Compared::Same,
                false => Compared::Bytes,
            }
        };
        let fields = differs.saturating_sub(3)..=differs;
        let (explained, field) = fields.map(|field| (explain(field), field)).min().unwrap();
        compared = compared.max(explained);
        if compared == Compared::Bytes {
            break;
        }
        at = field + 4;
    }
    compared
}

/// How many functions of each name were removed, added and changed.
type Counts = BTreeMap<(String, &'static str), usize>;

/// What differs, as far as lines are known.
fn independent(first: &Functions, second: &Functions, lines: &[Lines; 2]) -> Counts {
    let mut counts = Counts::new();
    let names = first.by_name.keys().chain(second.by_name.keys());
    for name in names.collect::<BTreeSet<_>>() {
        let mut ours: Vec<&Function> = first.by_name.get(name).into_iter().flatten().collect();
        let mut theirs: Vec<&Function> = second.by_name.get(name).into_iter().flatten().collect();
        for allowed in [Compared::Same, Compared::Callees] {
            ours.retain(|function| {
                let fits = |other: &&Function| compare(function, other, [first, second], lines) <= allowed;
                let Some(at) = theirs.iter().position(fits) else { return true };
                theirs.remove(at);
                false
            });
        }
        let changed = ours.len().min(theirs.len());
        let whats = [("bytes", changed), ("removed", ours.len() - changed), ("added", theirs.len() - changed)];
        counts.extend(
            whats.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| ((name.clone(), what), count)),
        );
    }
    counts
}

#[test]
fn functions_that_differ_are_those_whose_masked_bytes_differ() {
    let [Some(first), Some(second)] =
        ["KSPLAT_VMLINUX_47", "KSPLAT_VMLINUX"].map(|name| std::env::var_os(name).map(PathBuf::from))
    else {
        println!(
            "skipped: functions_that_differ…: KSPLAT_VMLINUX_47 or KSPLAT_VMLINUX is not set (testdata/lab/packages env)"
        );
        return;
    };
    let (ours, theirs) = (Functions::read(&first), Functions::read(&second));
    let mut lines = [Lines::default(), Lines::default()];
    let mut expected = independent(&ours, &theirs, &lines);
    while lines[0].learn(&first) | lines[1].learn(&second) {
        expected = independent(&ours, &theirs, &lines);
    }
    let command = Command::new(env!("CARGO_BIN_EXE_ksplat"))
        .args(["kernel-diff", "--names", "--format", "ndjson"])
        .args([&first, &second])
        .output()
        .unwrap();
    assert_eq!((command.status.code(), String::from_utf8_lossy(&command.stderr)), (Some(1), "".into()));
    let mut found = Counts::new();
    let mut references = 0;
    for line in String::from_utf8(command.stdout).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let what = match record["change"].as_str() {
            Some("bytes" | "offsets") => "bytes",
            Some("removed") => "removed",
            Some("added") => "added",
            // The same bytes call another function or print another string, which the masks hide.
            _ => {
                references += usize::from(record["kind"] == "function");
                continue;
            }
        };
        if record["kind"] == "function" {
            *found.entry((record["name"].as_str().unwrap().to_owned(), what)).or_insert(0) += 1;
        }
    }
    // Code that was folded has several names, of which the command says one.
    let named = |name: &str| ours.by_name.get(name).map(|same| ours.at(same[0].address).unwrap().0.to_owned());
    expected.retain(|(name, what), _| {
        let folded = named(name).filter(|other| other != name);
        !folded.is_some_and(|other| found.contains_key(&(other, what)))
    });
    let only = |a: &Counts, b: &Counts| -> Vec<String> {
        a.iter()
            .filter(|(key, count)| b.get(key) != Some(count))
            .map(|(key, count)| format!("{key:?} {count}"))
            .collect()
    };
    assert_eq!((only(&expected, &found), only(&found, &expected)), (vec![], vec![]));
    let count =
        |what: &str| found.iter().filter(|((_, other), _)| *other == what).map(|(_, count)| count).sum::<usize>();
    println!(
        "{} changed, {} added, {} removed, and {references} refer to something else",
        count("bytes"),
        count("added"),
        count("removed")
    );
    assert!(count("bytes") > 1000 && count("added") > 10 && count("removed") > 10);
}
