//! An object whose fields stand on lines of their own.
//!
//! They are no JSON for a strict reader where a message of dmesg is not UTF-8: it writes its bytes as they are.

use super::{Fields, Reader};

/// The object that is being read.
#[derive(Default)]
pub(super) struct Spread<'t> {
    fields: Fields<'t>,
    array: Option<Array<'t>>,
}

/// An array of bytes that is not closed yet.
#[derive(Clone, Copy)]
struct Array<'t> {
    name: &'t [u8],
    /// Where its bracket and its line start.
    bracket: usize,
    line: usize,
    /// Where its last line ends, behind the line break.
    end: usize,
}

/// What a line is to the object.
pub(super) enum Taken {
    /// A part of it.
    Part,
    /// Its end.
    End,
    /// Something else.
    Nothing,
}

impl<'t> Spread<'t> {
    /// Looks at the next line of the text, which starts at `at`.
    pub(super) fn take(&mut self, text: &'t [u8], at: usize, line: &'t [u8]) -> Taken {
        let trimmed = line.trim_ascii();
        if let Some(array) = &mut self.array {
            if is_element(trimmed) {
                array.end = at + line.len() + 1;
                return Taken::Part;
            }
            if !matches!(trimmed, b"]" | b"],") {
                return Taken::Nothing;
            }
            let close = at + line.len() - line.trim_ascii_start().len();
            self.fields.set(array.name, &text[array.bracket..=close]);
            self.array = None;
            return Taken::Part;
        }
        match trimmed {
            b"{" | b"[" | b"\"dmesg\": [" => Taken::Part,
            b"}" | b"}," | b"},{" | b"]" | b"]}" => Taken::End,
            _ => self.field(at, line),
        }
    }

    fn field(&mut self, at: usize, line: &'t [u8]) -> Taken {
        let Some((name, value)) = field(line.trim_ascii()) else { return Taken::Nothing };
        match name {
            b"msg" if super::inside(value).is_none() => return Taken::Nothing,
            _ if value == b"[" => {
                let bracket = at + line.trim_ascii_end().len() - 1;
                self.array = Some(Array { name, bracket, line: at, end: at + line.len() + 1 });
            }
            b"pri" | b"fac" | b"stream" => {}
            b"time" | b"caller" | b"msg" | b"log" => self.fields.set(name, value),
            _ if is_name_of_the_journal(name) => self.fields.set(name, value),
            _ => return Taken::Nothing,
        }
        Taken::Part
    }

    /// Writes what the object holds, and forgets it.
    pub(super) fn write(&mut self, reader: &mut Reader<'_, '_>) {
        let Spread { mut fields, array } = std::mem::take(self);
        fields.time.get_or_insert(b"");
        fields.write(reader);
        if let Some(Array { line, end, .. }) = array {
            reader.leave(line, end);
        }
    }
}

/// Name and value of `"NAME" : value,`.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"\"")?;
    let name = line.get(..memchr::memchr(b'"', line)?)?;
    let value = line[name.len() + 1..].trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    Some((name, value.strip_suffix(b",").unwrap_or(value)))
}

fn is_name_of_the_journal(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// Whether a line, without its indentation, is a field of an entry of the journal.
pub(in super::super) fn is_field_of_the_journal(line: &[u8]) -> bool {
    field(line).is_some_and(|(name, _)| is_name_of_the_journal(name))
}

/// Whether a line, without its indentation, is an element of an array of bytes.
pub(in super::super) fn is_element(line: &[u8]) -> bool {
    let digits = crate::run::digits(line);
    (1..=3).contains(&digits) && matches!(&line[digits..], b"" | b",")
}
