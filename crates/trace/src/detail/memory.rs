//! What KASAN and KFENCE say of an access: the access itself and the object that it hit.

use schemars::JsonSchema;
use serde::Serialize;

use super::by::By;
use super::cursor::{Cursor, Text, text};
use super::symbol::Symbol;
use super::value::Hex;

/// The sanitizer that reports, and what it complains about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sanitizer<'t> {
    /// Its name: `KASAN`, `KMSAN`, `KCSAN` or `KFENCE`.
    pub name: &'t str,
    /// What it complains about: `slab-use-after-free`, `uninit-value`, `data-race`.
    pub kind: Text<'t>,
    /// Where; the first of the two functions of a race.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Symbol<'t>>,
}

impl<'t> Sanitizer<'t> {
    /// Reads what follows `BUG: `: `KASAN: slab-use-after-free in f+0x1/0x2`.
    pub(super) fn parse(line: &'t [u8]) -> Option<Sanitizer<'t>> {
        let mut line = Cursor(line);
        let name =
            ["KASAN", "KMSAN", "KCSAN", "KFENCE"].into_iter().find(|name| line.0.starts_with(name.as_bytes()))?;
        line.skip(name).and_then(|()| line.skip(": "))?;
        let kind = line.until(" in ").or_else(|| line.until(" on address"));
        let (kind, place) = kind.map_or((line.0, None), |kind| (kind, Some(line.0)));
        Some(Sanitizer { name, kind: text(kind), at: place.and_then(Symbol::find) })
    }
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// It reads.
    Read,
    /// It writes.
    Write,
    /// It reads and writes.
    ReadWrite,
    /// It frees.
    Free,
    /// It fetches an instruction.
    Execute,
}

/// An access to memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Access<'t> {
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccessKind>,
    /// How many bytes it accesses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The first byte's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// Who accesses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By<'t>>,
}

impl<'t> Access<'t> {
    /// Reads KASAN's `Read of size 8 at addr ffff888012345678 by task sh/65`; kernels before 4.9 print the address a line above.
    pub(super) fn of_kasan(line: &'t [u8]) -> Option<Access<'t>> {
        let mut line = Cursor(line);
        let kind = match line.word() {
            b"Read" => AccessKind::Read,
            b"Write" => AccessKind::Write,
            b"Free" => AccessKind::Free,
            _ => return None,
        };
        let mut access = Access { kind: Some(kind), ..Access::default() };
        if line.skip(" of size ").is_some() {
            access.size = Some(line.number()?);
        } else if line.skip(" of addr ").is_some() {
            access.address = line.hex();
        }
        if line.skip(" at addr ").is_some() {
            access.address = Some(line.hex()?);
        } else if access.size.is_none() && access.address.is_none() {
            return None;
        }
        access.by = line.skip(" by task ").map(|()| By::task(line.0.trim_ascii(), b'/'));
        Some(access)
    }

    /// Reads KFENCE's `Use-after-free read at 0xffff888012345678 (in kfence-#12):` and its kin (mm/kfence/report.c), with the object's name.
    pub(super) fn of_kfence(line: &'t [u8]) -> Option<(Access<'t>, Option<Text<'t>>)> {
        let mut line = Cursor(line);
        let kind = if line.skip("Use-after-free ").or_else(|| line.skip("Out-of-bounds ")).is_some()
            || line.0.starts_with(b"Invalid read ")
            || line.0.starts_with(b"Invalid write ")
        {
            let _ = line.skip("Invalid ");
            match line.word() {
                b"read" => AccessKind::Read,
                b"write" => AccessKind::Write,
                _ => return None,
            }
        } else {
            line.skip("Invalid free of ").or_else(|| line.skip("Corrupted memory at "))?;
            let address = Some(line.hex()?);
            let kind = Some(AccessKind::Free).filter(|_| !line.holds("["));
            return Some((Access { kind, address, ..Access::default() }, Access::kfence_object(line)));
        };
        line.skip(" at ")?;
        let address = Some(line.hex()?);
        Some((Access { kind: Some(kind), address, ..Access::default() }, Access::kfence_object(line)))
    }

    fn kfence_object(mut line: Cursor<'t>) -> Option<Text<'t>> {
        line.until("kfence-")?;
        let name = line.until(")")?;
        Some(format!("kfence-{}", text(name)).into())
    }

    /// Reads what heads one side of a race: `write (marked) to 0xffff888012345678 of 8 bytes by task 65 on cpu 0:` (kernel/kcsan/report.c).
    pub(super) fn of_race(line: &'t [u8]) -> Option<Access<'t>> {
        let by = By::of_head(line);
        let mut line = Cursor(line);
        let kind = if line.skip("read-write").or_else(|| line.skip("assert no accesses")).is_some() {
            AccessKind::ReadWrite
        } else if line.skip("read").is_some() {
            AccessKind::Read
        } else {
            line.skip("write").or_else(|| line.skip("assert no writes"))?;
            AccessKind::Write
        };
        line.until("to ")?;
        let address = line.hex();
        line.skip(" of ")?;
        let size = Some(line.number()?);
        line.skip(" bytes by ")?;
        Some(Access { kind: Some(kind), size, address, by })
    }
}

/// The object that an access hit, or missed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Object<'t> {
    /// What it is: `slab`, `kfence`, `stack`, `global` or `vmalloc`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub kind: &'t str,
    /// Its first byte's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The slab cache that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Text<'t>>,
    /// The name of a KFENCE object: `kfence-#12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'t>>,
    /// Where the access is relative to the allocated bytes: `16 bytes inside of`, `0 bytes to the right of`, `4 bytes left of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub located: Option<Text<'t>>,
    /// The allocated bytes: the first one's address and the one behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<[Hex; 2]>,
    /// The region was freed at the time of the report.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub freed: bool,
    /// The variable, or the function whose stack frame it is in or which mapped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Symbol<'t>>,
    /// The task whose stack it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<By<'t>>,
    /// The objects of the stack frame, as KASAN lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable<'t>>,
}

/// A variable of a stack frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Variable<'t> {
    /// Where it starts, in bytes from the frame's start.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Its name.
    pub name: Text<'t>,
}

impl<'t> Object<'t> {
    /// Takes what a line behind `The buggy address` says; false where it says nothing.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        self.take(Cursor(line.trim_ascii())).is_some()
    }

    fn take(&mut self, mut line: Cursor<'t>) -> Option<()> {
        if line.skip("The buggy address is located ").is_some() {
            self.located = Some(text(line.0)).filter(|place| !place.starts_with("in stack of"));
        } else if line.skip("The buggy address belongs to ").is_some() {
            self.belongs(line);
        } else if line.skip("which belongs to the cache ").is_some() {
            self.cache = Some(text(line.until(" of size ")?));
            self.size = line.number();
        } else if line.skip("and is located at offset ").is_some() {
            self.located =
                Some(format!("offset {}", text(line.0.strip_suffix(b" in frame:").unwrap_or(line.0))).into());
        } else if line.0.starts_with(b"[") {
            self.bracket(line)?;
        } else {
            // `freed 192-byte region [ffff888012345600, ffff8880123456c0)`; before 6.4 without the first word.
            let freed = line.skip("freed ").is_some();
            let _ = line.skip("allocated ");
            let size = line.number()?;
            line.skip("-byte region [")?;
            self.region = Some(range(&mut line)?);
            self.freed = freed;
            self.size = self.size.or(Some(size));
        }
        Some(())
    }

    fn belongs(&mut self, mut line: Cursor<'t>) {
        if line.skip("the object at ").is_some() {
            self.kind = "slab";
            self.address = line.hex();
        } else if line.skip("the variable").is_some() {
            self.kind = "global";
        } else if line.skip("stack of task ").is_some() {
            self.kind = "stack";
            self.task = Some(By::task(line.0, b'/'));
        } else if line.holds("virtual mapping") && self.kind.is_empty() {
            self.kind = "vmalloc";
        }
    }

    /// `[32, 48) 'buf' (line 12)`, a variable of a stack frame, or ` [ffffc90000000000, ffffc90000009000) created by:`, a mapping.
    fn bracket(&mut self, line: Cursor<'t>) -> Option<()> {
        let variable = || {
            let mut line = Cursor(line.0.get(1..)?);
            let start = line.number()?;
            line.skip(", ")?;
            let end = line.number()?;
            line.skip(") '")?;
            Some(Variable { start, end, name: text(line.until("'")?) })
        };
        if let Some(variable) = variable() {
            self.variables.push(variable);
        } else {
            self.region = Some(range(&mut Cursor(line.0.get(1..)?))?);
        }
        Some(())
    }

    /// Reads KFENCE's `kfence-#12: 0xffff888012345670-0xffff88801234568f, size=32, cache=kmalloc-32`; before 5.17 `kfence-#12 [0x…-0x…, …] allocated by …`.
    pub(super) fn of_kfence(line: &'t [u8]) -> Option<Object<'t>> {
        let mut line = Cursor(line);
        let name = line.word();
        let name = text(name.strip_suffix(b":").unwrap_or(name));
        let _ = line.skip(" ").and_then(|()| line.skip("["));
        let start = line.hex()?;
        line.skip("-")?;
        let end = Hex(line.hex()?.0.wrapping_add(1));
        let size = line.number_behind("size=");
        let cache = line.until("cache=").map(|_| {
            let length = line.0.iter().take_while(|b| !matches!(b, b']' | b' ' | b',')).count();
            text(&line.0[..length])
        });
        let region = Some([start, end]);
        Some(Object {
            kind: "kfence",
            name: Some(name),
            address: Some(start),
            size,
            cache,
            region,
            ..Object::default()
        })
    }
}

/// `ffff888012345600, ffff8880123456c0)`.
fn range(line: &mut Cursor<'_>) -> Option<[Hex; 2]> {
    let start = line.hex()?;
    line.skip(", ").or_else(|| line.skip("-"))?;
    Some([start, line.hex()?])
}
