//! `journalctl -o export`: fields of records that an empty line ends (systemd's journal-export-formats).

use memchr::memchr;

use super::entry::Message;
use super::journal::Journal;
use super::map::Out;

/// Writes the messages of the records to `out`.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut record = Record::default();
    let mut prefix = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let start = at;
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        at += line.len() + 1;
        if line.is_empty() {
            std::mem::take(&mut record).write(&mut prefix, out);
        } else if let Some(equals) = memchr(b'=', line) {
            record.field(&line[..equals], &line[equals + 1..], start + equals + 1);
        } else if let Some(value) = binary(text, at) {
            record.field(line, value, at + 8);
            at += 8 + value.len() + 1;
        } else {
            // What is no field is left alone, and ends the record, so that nothing changes places.
            std::mem::take(&mut record).write(&mut prefix, out);
            out.push(line, start);
            out.newline(start + line.len());
        }
    }
    record.write(&mut prefix, out);
}

/// The value of a field in its binary form: eight bytes of length (little endian), the bytes, a newline.
fn binary(text: &[u8], at: usize) -> Option<&[u8]> {
    let rest = text.get(at..)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let value = rest.get(..length)?;
    matches!(rest.get(length), Some(b'\n') | None).then_some(value)
}

/// A record: its message and what is said about it.
#[derive(Default)]
struct Record<'t> {
    message: Option<(&'t [u8], usize)>,
    journal: Journal<'t>,
}

impl<'t> Record<'t> {
    fn field(&mut self, name: &[u8], value: &'t [u8], at: usize) {
        match name {
            b"MESSAGE" => self.message = Some((value, at)),
            _ => self.journal.field(name, value),
        }
    }

    fn write(self, prefix: &mut Vec<u8>, out: &mut Out) {
        let Some((message, at)) = self.message else { return };
        self.journal.writer().prefix(prefix);
        let mut line = Message::new(out, prefix);
        line.push(message, at);
        line.end(at + message.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peeled(text: &[u8]) -> String {
        let mut out = Out::for_source(text);
        peel(text, &mut out);
        String::from_utf8_lossy(&out.text).into_owned()
    }

    #[test]
    fn binary_fields_may_hold_anything() {
        let text = b"__CURSOR=s\n_TRANSPORT=kernel\nMESSAGE\n\x06\0\0\0\0\0\0\0a\n\nb=\0\n_SOURCE_MONOTONIC_TIMESTAMP=5140900\n\n";
        assert_eq!(peeled(text), "[    5.140900] a\n[    5.140900] \n[    5.140900] b=\0\n");
    }

    #[test]
    fn what_stands_within_a_record_stays_in_its_place() {
        let text = b"__CURSOR=s\n_TRANSPORT=kernel\nMESSAGE=a\nno field\n\n";
        assert_eq!(peeled(text), "[    0.000000] a\nno field\n");
    }

    #[test]
    fn a_length_beyond_the_end_is_no_length() {
        assert_eq!(
            peeled(b"__CURSOR=s\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffx\n"),
            "MESSAGE\n\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\n"
        );
    }
}
