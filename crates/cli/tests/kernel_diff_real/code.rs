//! Functions of two kernels, byte by byte: which differ otherwise than in lines and in what they call.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::elf::{Kernel, Part, word};

/// How two functions of one name compare, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compared {
    /// The same bytes, save in calls and jumps that the assembler resolved, and that go to the same function, and in
    /// numbers that are the line of the instruction that has them: `mov $1970,%edx`.
    Same,
    /// Save in what such calls go to.
    Callees,
    Bytes,
}

/// The lines of instructions, inlined calls included, of addresses of one kernel that were asked for.
#[derive(Default)]
pub struct Lines {
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
    pub fn learn(&mut self, kernel: &Path) -> bool {
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

pub fn compare(first: &Part, second: &Part, functions: [&Kernel; 2], lines: &[Lines; 2]) -> Compared {
    let (a, b) = (&first.bytes, &second.bytes);
    if a.len() != b.len() {
        return Compared::Bytes;
    }
    let target = |function: &Part, field: usize, of: &Kernel| {
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
            let is_line = |side: usize, function: &Part| {
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
pub type Counts = BTreeMap<(String, &'static str), usize>;

/// What differs, as far as lines are known.
pub fn independent(first: &Kernel, second: &Kernel, lines: &[Lines; 2]) -> Counts {
    let mut counts = Counts::new();
    let names = first.functions.keys().chain(second.functions.keys());
    for name in names.collect::<BTreeSet<_>>() {
        let mut ours: Vec<&Part> = first.functions.get(name).into_iter().flatten().collect();
        let mut theirs: Vec<&Part> = second.functions.get(name).into_iter().flatten().collect();
        for allowed in [Compared::Same, Compared::Callees] {
            ours.retain(|function| {
                let fits = |other: &&Part| compare(function, other, [first, second], lines) <= allowed;
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
