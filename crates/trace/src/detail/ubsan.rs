//! What UBSAN says: undefined behaviour that the compiler put a check for.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, Text, text};
use super::source::Source;

/// Undefined behaviour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ubsan<'t> {
    /// What it is: `shift-out-of-bounds`, `array-index-out-of-bounds`; `undefined-behaviour` before 5.11.
    pub kind: Text<'t>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source<'t>>,
    /// What is wrong, as the kernel words it: `index 10 is out of range for type 'u8 [4]'`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'t>>,
    /// The value that is wrong: the index, the exponent of the shift, the value to load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text<'t>>,
    /// The type that it is wrong for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_type: Option<Text<'t>>,
}

impl<'t> Ubsan<'t> {
    /// Reads `UBSAN: shift-out-of-bounds in fs/x.c:12:34` (lib/ubsan.c).
    pub(super) fn of_headline(line: &'t [u8]) -> Option<Ubsan<'t>> {
        let mut line = Cursor(line);
        line.skip("UBSAN: ")?;
        let kind = match line.until(" in ")? {
            b"Undefined behaviour" => "undefined-behaviour".into(),
            kind => text(kind),
        };
        Some(Ubsan { kind, source: Source::parse(line.0), ..Ubsan::default() })
    }

    /// Takes the line below the headline.
    pub(super) fn read(&mut self, line: &'t [u8]) {
        let mut rest = Cursor(line);
        for head in ["index ", "shift exponent ", "load of value "] {
            if rest.skip(head).is_some() {
                self.value = Some(text(rest.word()));
            }
        }
        let mut rest = Cursor(line);
        if rest.until("type '").is_some() {
            self.of_type = rest.until("'").map(text);
        }
        self.text = Some(text(line));
    }
}

/// A complaint of the debugging of object lifetimes (lib/debugobjects.c).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DebugObject<'t> {
    /// What is wrong: `free active`, `activate not available`.
    pub kind: Text<'t>,
    /// The state that the object is in: `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Text<'t>>,
    /// Its type: `timer_list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<Text<'t>>,
    /// A function that tells objects of a type apart: the timer's or the work's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text<'t>>,
}

impl<'t> DebugObject<'t> {
    /// Reads `ODEBUG: free active (active state 0) object: ffff888012345678 object type: timer_list hint: f+0x0/0x10`.
    pub(super) fn parse(line: &'t [u8]) -> Option<DebugObject<'t>> {
        let mut line = Cursor(line);
        line.skip("ODEBUG: ")?;
        let kind = text(line.until(" (")?);
        let mut state = Cursor(line.until(")")?);
        let state = Some(text(state.until(" state ").unwrap_or(state.0)));
        line.until("object type: ")?;
        let object_type = Some(text(line.until(" hint: ").unwrap_or(line.0)));
        Some(DebugObject { kind, state, hint: Some(text(line.0)).filter(|_| object_type.is_some()), object_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_and_the_lines_below() {
        let read = |head: &'static str, below: &'static str| {
            let mut found = Ubsan::of_headline(head.as_bytes()).expect(head);
            found.read(below.as_bytes());
            let source = found.source.map(|at| (at.file, at.line, at.column));
            (found.kind.into_owned(), source, found.value.map(Text::into_owned), found.of_type.map(Text::into_owned))
        };
        assert_eq!(
            read("UBSAN: array-index-out-of-bounds in fs/x.c:12:34", "index -1 is out of range for type 'u8 [4]'"),
            (
                "array-index-out-of-bounds".into(),
                Some(("fs/x.c", 12, Some(34))),
                Some("-1".into()),
                Some("u8 [4]".into())
            )
        );
        assert_eq!(
            read("UBSAN: Undefined behaviour in fs/x.c:1:2", "shift exponent 64 is too large for 32-bit type 'int'"),
            ("undefined-behaviour".into(), Some(("fs/x.c", 1, Some(2))), Some("64".into()), Some("int".into()))
        );
    }

    #[test]
    fn debug_objects() {
        let line = "ODEBUG: free active (active state 0) object: ffff88801234 object type: timer_list hint: f+0x0/0x10";
        let found = DebugObject::parse(line.as_bytes()).expect("it is one");
        assert_eq!((&*found.kind, found.state.as_deref()), ("free active", Some("active")));
        assert_eq!((found.object_type.as_deref(), found.hint.as_deref()), (Some("timer_list"), Some("f+0x0/0x10")));
    }
}
