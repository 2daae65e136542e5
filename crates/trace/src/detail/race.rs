//! What KCSAN says of a data race, and KMSAN of an uninitialised value.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, Text, text};
use super::memory::Access;
use super::value::Hex;

/// A data race: two accesses, of which nothing says that one comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Race<'t> {
    /// The accesses, as printed; one where the other's origin is unknown.
    pub accesses: Vec<RaceAccess<'t>>,
    /// The other access was not seen: only the value changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown_origin: bool,
    /// The value before and behind the race, where the kernel saw it change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<[Hex; 2]>,
}

/// One side of a data race.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RaceAccess<'t> {
    /// The access.
    #[serde(flatten)]
    pub access: Access<'t>,
    /// What the compiler and the programmer know of it: `marked`, `reordered`, `assert no writes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<Text<'t>>,
    /// Its stack trace, by its number in `traces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<usize>,
}

impl<'t> Race<'t> {
    /// Takes what heads one side; false where it does not.
    pub(super) fn head(&mut self, line: &'t [u8], trace: usize) -> bool {
        let unknown = line.strip_prefix(b"race at unknown origin, with ");
        let line = unknown.unwrap_or(line);
        let Some(access) = Access::of_race(line) else { return false };
        let mut rest = Cursor(line);
        let qualifier = if line.starts_with(b"assert no ") {
            rest.until(" to ").map(text)
        } else {
            rest.until(" to ").and_then(|kind| {
                let mut kind = Cursor(kind);
                kind.until("(")?;
                kind.until(")").map(text)
            })
        };
        self.unknown_origin |= unknown.is_some();
        self.accesses.push(RaceAccess { access, qualifier, trace: Some(trace) });
        true
    }

    /// Takes `value changed: 0x0000000000000000 -> 0x0000000000000001`.
    pub(super) fn value(&mut self, line: &[u8]) -> Option<()> {
        let mut line = Cursor(line);
        line.skip("value changed: ")?;
        let before = line.hex()?;
        line.skip(" -> ")?;
        self.value = Some([before, line.hex()?]);
        Some(())
    }
}

/// An uninitialised value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Uninit<'t> {
    /// The local variable that was never set; absent where the value is from the heap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<Text<'t>>,
    /// The first and the last of the bytes that are not initialised, counted from the start of the access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<[u64; 2]>,
    /// How many bytes are accessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where the accessed memory starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// Where in user space the value is copied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_address: Option<Hex>,
}

impl<'t> Uninit<'t> {
    /// Takes what a line of a KMSAN report says (mm/kmsan/report.c); false where it says nothing.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        self.take(Cursor(line)).is_some()
    }

    fn take(&mut self, mut line: Cursor<'t>) -> Option<()> {
        if line.skip("Local variable ").is_some() {
            let name = line.until(" created at")?;
            // Before 5.18 the name is that of clang's description: `----buf@function`.
            self.variable.get_or_insert(text(name.strip_prefix(b"----").unwrap_or(name)));
        } else if line.skip("Bytes ").or_else(|| line.skip("Byte ")).is_some() {
            let first = line.number()?;
            let last = line.skip("-").map_or(Some(first), |()| line.number())?;
            line.skip(" of ")?;
            self.size = Some(line.number()?);
            self.bytes = Some([first, last]);
        } else if line.skip("Memory access of size ").is_some() {
            self.size = Some(line.number()?);
            line.skip(" starts at ")?;
            self.address = Some(line.hex()?);
        } else {
            line.skip("Data copied to user address ")?;
            self.user_address = Some(line.hex()?);
        }
        Some(())
    }
}
