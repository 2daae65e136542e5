//! A place in the code: `func+0x1a/0x40 [module]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::Hex;
use crate::frame::Frame;

/// A place in the code or in the kernel's data, as the kernel printed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Symbol<'t> {
    /// The function or variable; absent for a bare address.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub function: &'t str,
    /// Bytes from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Bytes from its start to the next symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The module that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<&'t str>,
    /// The address at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
}

impl<'t> Symbol<'t> {
    /// The first `func+0x1a/0x40` of a line, else a bare name at its start.
    pub(super) fn find(line: &'t [u8]) -> Option<Symbol<'t>> {
        if let Some(found) = Frame::find(line) {
            return Some(found.frame.into());
        }
        let line = line.trim_ascii();
        let length = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
        let ends = matches!(line.get(length), None | Some(b' ' | b',' | b':'));
        let function = std::str::from_utf8(&line[..length]).ok().filter(|name| ends && !name.is_empty())?;
        Some(Symbol { function, ..Symbol::default() })
    }
}

impl<'t> From<Frame<'t>> for Symbol<'t> {
    fn from(frame: Frame<'t>) -> Symbol<'t> {
        let placed = frame.is_placed();
        Symbol {
            function: frame.function,
            offset: placed.then_some(frame.offset),
            size: placed.then_some(frame.size),
            module: frame.module,
            address: frame.address.map(Hex),
        }
    }
}
