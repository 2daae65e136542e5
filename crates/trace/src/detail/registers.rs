//! Register sets: the instruction pointer, the values and the `Code:` bytes that belong together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::code::CodeLine;
use super::symbol::Symbol;
use super::value::Hex;
use crate::frame::Frame;
use crate::run::{hex, names};
use crate::shape::is_word;

/// The registers of one moment: of a crash, of what an interrupt interrupted, of a system call's user space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Registers<'t> {
    /// The instruction pointer (RIP; `pc` of arm64, NIP of powerpc).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rip: Option<Pointer<'t>>,
    /// The other registers, as far as they are printed as numbers.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub values: Values<'t>,
    /// The code around the instruction pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeLine<'t>>,
    /// The stack trace that the set belongs to, by its number in the report.
    #[serde(skip)]
    pub trace: Option<usize>,
}

/// An instruction pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pointer<'t> {
    /// The code segment's selector (x86): `0x10` is the kernel's, `0x33` that of 64-bit user space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<Hex>,
    /// True where it points into user space.
    pub user: bool,
    /// Where it points to.
    #[serde(flatten)]
    pub at: Symbol<'t>,
}

/// Register values by name, in the order in which they were printed: the lines that hold them, read when they are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values<'t>(Vec<&'t [u8]>);

impl<'t> Registers<'t> {
    /// The set that starts with a line like `RIP: 0010:func+0x1a/0x40`; `frame` is the line's first one.
    pub(crate) fn of_pointer(line: &'t [u8], frame: Option<Frame<'t>>) -> Registers<'t> {
        let behind = memchr::memchr(b':', line).map_or(line, |at| line[at + 1..].trim_ascii_start());
        // `0010:func` and `0033:0x7f12`, but not the `:` of a function's address.
        let segment = hex(behind).filter(|(_, length)| *length <= 4 && behind[*length..].starts_with(b":"));
        let value = segment.map_or(behind, |(_, length)| &behind[length + 1..]);
        let bare = || match value.strip_prefix(b"0x") {
            Some(value) => hex(value),
            None => hex(value).filter(|(_, length)| *length >= 4),
        };
        let at = frame.map_or_else(
            || Symbol { address: bare().map(|(address, _)| Hex(address)), ..Symbol::default() },
            Symbol::from,
        );
        // The lowest two bits of a selector are the privilege level: 3 is user space.
        let user = segment.is_some_and(|(selector, _)| selector & 3 == 3);
        let rip = Pointer { segment: segment.map(|(selector, _)| Hex(selector)), user, at };
        Registers { rip: Some(rip), ..Registers::default() }
    }

    /// The value of a register.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// True where nothing but the pointer is known.
    pub(crate) fn has_only_pointer(&self) -> bool {
        self.values.is_empty() && self.code.is_none()
    }

    /// Takes a line of values.
    pub(crate) fn push(&mut self, line: &'t [u8]) {
        if self.values.is_empty() {
            self.values.0.reserve(12);
        }
        self.values.0.push(line);
    }
}

impl<'t> Values<'t> {
    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'t str, u64)> {
        self.0.iter().flat_map(|line| {
            let mut values = Vec::with_capacity(4);
            read(line, |name, value| values.push((name, value)));
            values
        })
    }

    /// True for a line of values.
    pub(crate) fn are_in(line: &[u8]) -> bool {
        // `raw: 05ff00000000000 …` and `page:ffffea0001234567` describe a page.
        let is_page = matches!(line, [b'r', b'a', b'w', b':', ..] | [b'h' | b'p', _, _, _, b':', ..]);
        !is_page && named(line).is_some_and(|(_, value)| number(value).is_some())
    }
}

/// Gives the values of a line: `RSP: 0018:ffffc900 EFLAGS: 00010286`, `x29: ffff80000a1b3c20 x28: 0000000000000000`,
/// `FS:  0000000000000000(0000) GS:ffff88801b5c8000(0000)`, `GPR00: c000000000a1b2c3 c000000000a1b2c3`.
fn read<'t>(line: &'t [u8], mut each: impl FnMut(&'t str, u64)) {
    let mut rest = line.trim_ascii();
    let mut row: Option<usize> = None;
    while !rest.is_empty() {
        let (name, value) = match named(rest) {
            Some((name, value)) => {
                let Ok(name) = std::str::from_utf8(name) else { return };
                row = GPR.iter().position(|known| *known == name);
                (Some(name), value)
            }
            None => {
                row = row.map(|row| row + 1);
                (row.and_then(|row| GPR.get(row)).copied(), rest)
            }
        };
        let Some((name, (value, behind))) = name.zip(number(value)) else { return };
        each(name, value);
        rest = behind.trim_ascii_start();
    }
}

/// The general registers of powerpc, of which a line names the first one only.
const GPR: [&str; 32] = [
    "GPR00", "GPR01", "GPR02", "GPR03", "GPR04", "GPR05", "GPR06", "GPR07", "GPR08", "GPR09", "GPR10", "GPR11",
    "GPR12", "GPR13", "GPR14", "GPR15", "GPR16", "GPR17", "GPR18", "GPR19", "GPR20", "GPR21", "GPR22", "GPR23",
    "GPR24", "GPR25", "GPR26", "GPR27", "GPR28", "GPR29", "GPR30", "GPR31",
];

/// `NAME:` and what follows it.
fn named(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, behind) = text.split_at(names(text));
    if !(2..10).contains(&name.len()) {
        return None;
    }
    let behind = behind.trim_ascii_start().strip_prefix(b":")?;
    // A register has no `.` in its name.
    name.iter().all(|b| is_word(*b)).then(|| (name, behind.trim_ascii_start()))
}

/// A number of four digits or more, behind a segment (`0018:`) and before a selector (`(0000)`).
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut length) = hex(text)?;
    if length == 4
        && let Some(behind) = text[4..].strip_prefix(b":")
    {
        let digits;
        (value, digits) = hex(behind)?;
        length += 1 + digits;
    }
    let mut behind = &text[length..];
    if let Some(selector) = behind.strip_prefix(b"(") {
        behind = &selector[memchr::memchr(b')', selector)? + 1..];
    }
    (length >= 4 && matches!(behind.first(), None | Some(b' ' | b'\t' | b','))).then_some((value, behind))
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A name that is printed twice has its first value: JSON knows a name once.
        let mut seen = std::collections::HashSet::with_capacity(self.0.len());
        serializer
            .collect_map(self.iter().filter(|(name, _)| seen.insert(*name)).map(|(name, value)| (name, Hex(value))))
    }
}

impl JsonSchema for Values<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, Hex>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> String {
        let mut registers = Registers::default();
        if Values::are_in(line.as_bytes()) {
            registers.push(line.as_bytes());
        }
        serde_json::to_string(&registers.values).expect("it is data").replace('"', "")
    }

    #[test]
    fn lines_of_values() {
        for (line, want) in [
            ("RSP: 0018:ffffc900019a7b10 EFLAGS: 00010286", "{RSP:0xffffc900019a7b10,EFLAGS:0x10286}"),
            ("RAX: 0000000000000000 RBX: 000000000000abcd", "{RAX:0x0,RBX:0xabcd}"),
            ("FS:  00007f(0000) GS:ffff8880(0001) knlGS:0000", "{FS:0x7f,GS:0xffff8880,knlGS:0x0}"),
            ("x29: ffff80000a1b3c20 x2 : 0000000000000001", "{x29:0xffff80000a1b3c20,x2:0x1}"),
            (
                "GPR30: c000000000a1b2c3 c000000000000001 c0000000",
                "{GPR30:0xc000000000a1b2c3,GPR31:0xc000000000000001}",
            ),
            ("RAX: 0001 RAX: 0002", "{RAX:0x1}"),
            ("Code: 48 89 e5", "{}"),
            ("page:ffffea0001234567 refcount:1", "{}"),
            ("CPU: 0 PID: 1", "{}"),
            ("lr : func+0x1/0x2", "{}"),
            ("", "{}"),
            (":", "{}"),
        ] {
            assert_eq!(values(line), want, "{line}");
        }
    }

    #[test]
    fn pointers_know_user_space() {
        let pointer = |line: &'static str| {
            let frame = Frame::find(line.as_bytes()).map(|found| found.frame);
            let rip = Registers::of_pointer(line.as_bytes(), frame).rip.expect("a pointer");
            (rip.segment, rip.user, rip.at.function, rip.at.address)
        };
        assert_eq!(pointer("RIP: 0010:f+0x1/0x2 [m]"), (Some(Hex(0x10)), false, "f", None));
        assert_eq!(pointer("RIP: 0033:0x7f12abcd"), (Some(Hex(0x33)), true, "", Some(Hex(0x7f12_abcd))));
        assert_eq!(pointer("RIP: 002b:0x7f12abcd"), (Some(Hex(0x2b)), true, "", Some(Hex(0x7f12_abcd))));
        assert_eq!(pointer("pc : f+0x1/0x2"), (None, false, "f", None));
        assert_eq!(pointer("RIP: 0010:0x0"), (Some(Hex(0x10)), false, "", Some(Hex(0))));
    }
}
