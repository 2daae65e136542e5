//! The `Code:` line: the machine code around the instruction pointer.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::cursor::{Text, text};

/// A line of code around an instruction pointer, read when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLine<'t>(pub(crate) &'t [u8]);

impl<'t> CodeLine<'t> {
    /// The code.
    pub fn code(self) -> Code<'t> {
        Code::parse(self.0)
    }
}

impl Serialize for CodeLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.code().serialize(serializer)
    }
}

impl JsonSchema for CodeLine<'_> {
    fn schema_name() -> Cow<'static, str> {
        Code::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Code::json_schema(generator)
    }
}

/// The code around an instruction pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Code<'t> {
    /// The bytes in hex, or the instruction words of architectures that have such: `48 89 e5 0f 0b`; absent where the kernel could not read them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub units: String,
    /// Which of them the instruction pointer stands at, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trapping: Option<usize>,
    /// Why there are none: `Unable to access opcode bytes at 0x7f12abcd.`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Text<'t>>,
}

impl<'t> Code<'t> {
    /// Reads what follows `Code: `. The trapping unit stands in `<>` (x86) or `()` (arm).
    pub(crate) fn parse(line: &'t [u8]) -> Code<'t> {
        let line = line.trim_ascii();
        // `Bad` would do as a word of code (arch/x86/kernel/dumpstack.c, `show_opcodes`).
        if line.starts_with(b"Bad RIP") || line.starts_with(b"Unable to") {
            return Code { missing: Some(text(line)), ..Code::default() };
        }
        let mut code = Code::default();
        let mut units = Vec::with_capacity(line.len());
        for (n, unit) in line.split(|b| *b == b' ').filter(|unit| !unit.is_empty()).enumerate() {
            let digits = match unit {
                [b'<', digits @ .., b'>'] | [b'(', digits @ .., b')'] => {
                    code.trapping.get_or_insert(n);
                    digits
                }
                digits => digits,
            };
            // Words of cut lines are kept as far as they go.
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
                break;
            }
            if n > 0 {
                units.push(b' ');
            }
            units.extend_from_slice(digits);
        }
        // Digits and blanks are text.
        code.units = String::from_utf8(units).unwrap_or_default();
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trapping_unit_is_marked() {
        let code = |line: &str| {
            let Code { units, trapping, missing } = Code::parse(line.as_bytes());
            (units, trapping, missing.map(|why| why.into_owned()))
        };
        assert_eq!(code("48 89 <0f> 0b"), ("48 89 0f 0b".into(), Some(2), None));
        assert_eq!(code("f9400000 (d4210000)"), ("f9400000 d4210000".into(), Some(1), None));
        assert_eq!(code("Bad RIP value."), (String::new(), None, Some("Bad RIP value.".into())));
        assert_eq!(code("48 89 [ 12.3] x"), ("48 89".into(), None, None));
        assert_eq!(code(""), (String::new(), None, None));
    }
}
