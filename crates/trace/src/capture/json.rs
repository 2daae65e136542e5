//! Captures whose lines are JSON: `journalctl -o json`, docker's json-file log, `dmesg --json`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::{Message, Writer};
use super::head::Clock;
use super::lines::lines;
use super::map::Out;
use super::stamp;

/// Writes what the objects hold to `out`; a line that is no object is left alone.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut reader = Reader { text, out, prefix: Vec::new(), clock: Clock::default() };
    let mut spread = Spread::default();
    for (at, line) in lines(text) {
        let is_written = match line.trim_ascii() {
            // dmesg spreads an object over lines, a field on each.
            b"{" | b"[" | b"\"dmesg\": [" => true,
            b"}" | b"}," | b"},{" | b"]" | b"]}" => {
                std::mem::take(&mut spread).write(&mut reader);
                true
            }
            field if field.starts_with(b"\"") => spread.field(field),
            object => {
                // Whatever stands between the fields of an object ends it, so that nothing changes places.
                std::mem::take(&mut spread).write(&mut reader);
                serde_json::from_slice::<Object<'_>>(object).is_ok_and(|object| object.write(&mut reader))
            }
        };
        if !is_written {
            std::mem::take(&mut spread).write(&mut reader);
            reader.out.push(line, at);
            reader
                .out
                .push(&text[(at + line.len()).min(text.len())..(at + line.len() + 1).min(text.len())], at + line.len());
        }
    }
    spread.write(&mut reader);
}

struct Reader<'t, 'o> {
    text: &'t [u8],
    out: &'o mut Out,
    prefix: Vec<u8>,
    clock: Clock,
}

impl Reader<'_, '_> {
    /// Where a value that was borrowed from the text stands in it.
    fn offset(&self, value: &[u8]) -> usize {
        (value.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    /// Writes a message (a string, or an array of bytes where it is no UTF-8) as the lines of `writer`.
    fn write(&mut self, writer: Writer<'_>, value: &RawValue) -> bool {
        let raw = value.get().as_bytes();
        if let Some(string) = inside(raw) {
            self.write_string(writer, string);
            return true;
        }
        let Ok(bytes) = serde_json::from_slice::<Vec<u8>>(raw) else { return false };
        let at = self.offset(raw);
        writer.prefix(&mut self.prefix);
        let mut message = Message::new(self.out, &self.prefix);
        // Each line counts as made of the whole array.
        bytes.split_inclusive(|&b| b == b'\n').for_each(|line| message.push(line, at));
        message.end(at + raw.len());
        true
    }

    /// Writes what is between the quotes of a string.
    fn write_string(&mut self, writer: Writer<'_>, string: &[u8]) {
        let at = self.offset(string);
        writer.prefix(&mut self.prefix);
        let mut message = Message::new(self.out, &self.prefix);
        unescape(string, |part, offset| message.push(part, at + offset));
        message.end(at + string.len());
    }
}

/// One object on a line of its own, of any of the three kinds.
#[derive(Deserialize)]
struct Object<'t> {
    #[serde(borrow, rename = "MESSAGE")]
    message: Option<&'t RawValue>,
    #[serde(borrow, rename = "_SOURCE_MONOTONIC_TIMESTAMP")]
    printed: Option<&'t RawValue>,
    #[serde(borrow, rename = "__MONOTONIC_TIMESTAMP")]
    received: Option<&'t RawValue>,
    #[serde(borrow, rename = "_TRANSPORT")]
    transport: Option<&'t RawValue>,
    #[serde(borrow, rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<&'t RawValue>,
    #[serde(borrow, rename = "SYSLOG_PID")]
    syslog_process: Option<&'t RawValue>,
    #[serde(borrow, rename = "_PID")]
    process: Option<&'t RawValue>,
    #[serde(borrow)]
    log: Option<&'t RawValue>,
    #[serde(borrow)]
    time: Option<&'t RawValue>,
    #[serde(borrow)]
    caller: Option<&'t RawValue>,
    #[serde(borrow)]
    msg: Option<&'t RawValue>,
}

impl Object<'_> {
    fn write(&self, reader: &mut Reader<'_, '_>) -> bool {
        if let Some(message) = self.message {
            return reader.write(self.journal_writer(), message);
        }
        if let Some(log) = self.log {
            let Some(string) = inside(log.get().as_bytes()) else { return false };
            let at = reader.offset(string);
            // The log's own newline is part of the string; a string without one goes on in the next object.
            unescape(string, |part, offset| reader.out.push(part, at + offset));
            return true;
        }
        let (Some(time), Some(msg)) = (self.time, self.msg) else { return false };
        let micros = micros(plain(time.get().as_bytes()), &mut reader.clock);
        let caller = self.caller.map(|id| plain(id.get().as_bytes()).trim_ascii());
        reader.write(Writer::Kernel { micros, caller }, msg)
    }

    fn journal_writer(&self) -> Writer<'_> {
        let transport = self.transport.map_or(&b""[..], |value| plain(value.get().as_bytes()));
        let identifier = self.identifier.map_or(&b""[..], |value| plain(value.get().as_bytes()));
        if matches!((transport, identifier), (b"kernel", _) | (b"", b"kernel")) {
            let number = |field: Option<&RawValue>| stamp::number(plain(field?.get().as_bytes())).map(|(n, _)| n);
            return Writer::Kernel {
                micros: number(self.printed).or(number(self.received)).unwrap_or(0),
                caller: None,
            };
        }
        let process = self.syslog_process.or(self.process).map_or(&b""[..], |value| plain(value.get().as_bytes()));
        Writer::Program { name: identifier, process }
    }
}

/// The fields of an object of `dmesg --json`, each on a line of its own.
///
/// They are no JSON for a strict reader where a message is not UTF-8: dmesg writes its bytes as they are.
#[derive(Default)]
struct Spread<'t> {
    time: &'t [u8],
    caller: Option<&'t [u8]>,
    msg: Option<&'t [u8]>,
}

impl<'t> Spread<'t> {
    /// Takes a field; false where it is none.
    fn field(&mut self, field: &'t [u8]) -> bool {
        let field = field.strip_suffix(b",").unwrap_or(field);
        let Some(colon) = memchr::memchr(b':', field) else { return false };
        let value = field[colon + 1..].trim_ascii();
        match &field[..colon] {
            b"\"time\"" => self.time = plain(value),
            b"\"caller\"" => self.caller = Some(plain(value).trim_ascii()),
            b"\"msg\"" => match inside(value) {
                Some(string) => self.msg = Some(string),
                None => return false,
            },
            b"\"pri\"" | b"\"fac\"" => {}
            _ => return false,
        }
        true
    }

    fn write(self, reader: &mut Reader<'_, '_>) {
        let Some(msg) = self.msg else { return };
        let micros = micros(self.time, &mut reader.clock);
        reader.write_string(Writer::Kernel { micros, caller: self.caller }, msg);
    }
}

/// Seconds since boot, or a wall clock's time, as microseconds since boot.
fn micros(time: &[u8], clock: &mut Clock) -> i64 {
    let time = time.trim_ascii();
    match stamp::ctime(time).or_else(|| stamp::iso(time)) {
        Some(wall) => clock.since_boot(wall.micros),
        None => stamp::seconds(time).unwrap_or(0),
    }
}

/// A scalar's text, without the quotes of a string.
fn plain(raw: &[u8]) -> &[u8] {
    inside(raw).unwrap_or(raw)
}

/// What is between the quotes of a string.
fn inside(raw: &[u8]) -> Option<&[u8]> {
    raw.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// Hands on the text that a JSON string stands for, in parts, with the offset of each in the string.
fn unescape(bytes: &[u8], mut part: impl FnMut(&[u8], usize)) {
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &bytes[at..]) {
        let escape = at + offset;
        part(&bytes[at..escape], at);
        let (decoded, len) = one_escape(&bytes[escape..]);
        part(decoded.encode_utf8(&mut [0; 4]).as_bytes(), escape);
        at = (escape + len).min(bytes.len());
    }
    part(&bytes[at..], at);
}

/// The character that an escape at the start stands for, and the escape's length.
fn one_escape(text: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match text.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (Some(code), _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            (None, _) => (char::REPLACEMENT_CHARACTER, 2),
        },
        Some(&other) => (char::from(other), 2),
        None => ('\\', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peeled(text: &str) -> String {
        let mut out = Out::for_source(text.as_bytes());
        peel(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out.text).into_owned()
    }

    #[test]
    fn strings_are_unescaped_as_serde_json_does_it() {
        for string in [r#""""#, r#""a\tb\\c\"d\/e""#, r#""\u0041\ud83d\ude00\u00e9x""#, r#""\b\f\r\n""#] {
            let mut own = Vec::new();
            unescape(inside(string.as_bytes()).expect("quotes"), |part, _| own.extend_from_slice(part));
            assert_eq!(String::from_utf8_lossy(&own), serde_json::from_str::<String>(string).expect("a string"));
        }
    }

    #[test]
    fn journal_fields_come_in_any_order() {
        let text = "{\"MESSAGE\":[72,105,10,255],\"_TRANSPORT\":\"kernel\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"5140900\"}\n\
                    {\"__MONOTONIC_TIMESTAMP\":\"7\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"_PID\":\"12\",\"MESSAGE\":\"in\"}\n\
                    {\"MESSAGE\":null}\n{broken\n";
        let want = "[    5.140900] Hi\n[    5.140900] \u{fffd}\nsshd[12]: in\n{\"MESSAGE\":null}\n{broken\n";
        assert_eq!(peeled(text), want);
    }

    #[test]
    fn dmesg_objects_are_spread_or_on_a_line() {
        let spread = "{\n   \"dmesg\": [\n      {\n         \"pri\": 6,\n         \"time\":     5.140900,\n         \"caller\": \"T12\",\n         \"msg\": \"a\\n\\\"b\\\"\"\n      }\n   ]\n}\n";
        assert_eq!(peeled(spread), "[    5.140900][   T12] a\n[    5.140900][   T12] \"b\"\n");
        let one = "{\"pri\":6,\"time\":5.140900,\"msg\":\"a\"}\n";
        assert_eq!(peeled(one), "[    5.140900] a\n");
    }

    #[test]
    fn what_stands_within_an_object_stays_in_its_place() {
        let text = "      },{\n         \"time\":     5.140900,\n         \"msg\": \"a\"\nother\n         \"else\": 1\n      }\n";
        assert_eq!(peeled(text), "[    5.140900] a\nother\n         \"else\": 1\n");
    }

    #[test]
    fn docker_cuts_long_lines() {
        let text = "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"2026-11-22T23:49:11Z\"}\n{\"log\":\"b\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T23:49:11Z\"}\n";
        assert_eq!(peeled(text), "ab\n");
    }
}
