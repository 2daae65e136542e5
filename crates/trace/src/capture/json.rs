//! Captures that are JSON: `journalctl -o json`, docker's json-file log, `dmesg --json`, each object on a line or spread
//! over some (`journalctl -o json-pretty`, `jq`).

mod spread;
mod string;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::{Message, Writer};
use super::head::Clock;
use super::journal::Journal;
use super::lines::lines;
use super::map::Out;
use super::stamp;
use spread::{Spread, Taken};
pub(super) use spread::{is_element, is_field_of_the_journal};
use string::{inside, plain, unescape};

/// Writes what the objects hold to `out`; a line that is no part of one is left alone.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut reader = Reader { text, out, prefix: Vec::new(), clock: Clock::default() };
    let mut spread = Spread::default();
    let mut is_event = false;
    for (at, line) in lines(text) {
        // `json-sse` has an empty line behind each object.
        if std::mem::take(&mut is_event) && line.trim_ascii().is_empty() {
            continue;
        }
        match spread.take(text, at, line) {
            Taken::Part => continue,
            Taken::End => {
                spread.write(&mut reader);
                continue;
            }
            // Whatever stands between the fields of an object ends it, so that nothing changes places.
            Taken::Nothing => spread.write(&mut reader),
        }
        let object = behind_mark(line.trim_ascii());
        is_event = object.len() + EVENT.len() <= line.len();
        if !serde_json::from_slice::<Fields<'_>>(object).is_ok_and(|fields| fields.write(&mut reader)) {
            reader.leave(at, at + line.len() + 1);
        }
    }
    spread.write(&mut reader);
}

/// What `journalctl -o json-sse` has in front of an object.
const EVENT: &[u8] = b"data: ";

/// Behind what `journalctl -o json-seq` (RFC 7464) and `-o json-sse` have in front of an object.
pub(super) fn behind_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\x1e").or_else(|| line.strip_prefix(EVENT)).unwrap_or(line)
}

struct Reader<'t, 'o> {
    text: &'t [u8],
    out: &'o mut Out,
    prefix: Vec<u8>,
    clock: Clock,
}

impl Reader<'_, '_> {
    /// Writes a part of the text as it is.
    fn leave(&mut self, from: usize, to: usize) {
        self.out.push(&self.text[from..to.min(self.text.len())], from);
    }

    /// Where a value that was borrowed from the text stands in it.
    fn offset(&self, value: &[u8]) -> usize {
        (value.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    /// Writes a message (a string, or an array of bytes where it is no UTF-8) as the lines of `writer`.
    fn write(&mut self, writer: Writer<'_>, raw: &[u8]) -> bool {
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

/// The fields of an object that make console lines, as they stand in the text.
#[derive(Debug, Default)]
struct Fields<'t> {
    message: Option<&'t [u8]>,
    journal: Journal<'t>,
    /// docker's.
    log: Option<&'t [u8]>,
    /// dmesg's.
    time: Option<&'t [u8]>,
    caller: Option<&'t [u8]>,
    msg: Option<&'t [u8]>,
}

impl<'t> Fields<'t> {
    fn set(&mut self, name: &[u8], value: &'t [u8]) {
        match name {
            b"MESSAGE" => self.message = Some(value),
            b"log" => self.log = Some(value),
            b"time" => self.time = Some(value),
            b"caller" => self.caller = Some(value),
            b"msg" => self.msg = Some(value),
            _ => self.journal.field(name, plain(value)),
        }
    }

    /// False where they make no line.
    fn write(&self, reader: &mut Reader<'_, '_>) -> bool {
        if let Some(message) = self.message {
            return reader.write(self.journal.writer(), message);
        }
        if let Some(log) = self.log {
            let Some(string) = inside(log) else { return false };
            let at = reader.offset(string);
            // The log's own newline is part of the string; a string without one goes on in the next object.
            unescape(string, |part, offset| reader.out.push(part, at + offset));
            return true;
        }
        let (Some(time), Some(msg)) = (self.time, self.msg) else { return false };
        let micros = micros(plain(time), &mut reader.clock);
        reader.write(Writer::Kernel { micros, caller: self.caller.map(|id| plain(id).trim_ascii()) }, msg)
    }
}

impl<'t> Deserialize<'t> for Fields<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields::default())
    }
}

impl<'t> Visitor<'t> for Fields<'t> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            self.set(name.as_bytes(), map.next_value::<&RawValue>()?.get().as_bytes());
        }
        Ok(self)
    }
}

/// A field's name, borrowed where it can be.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// Seconds since boot, or a wall clock's time, as microseconds since boot.
fn micros(time: &[u8], clock: &mut Clock) -> i64 {
    let time = time.trim_ascii();
    match stamp::ctime(time).or_else(|| stamp::iso(time)) {
        Some(wall) => clock.since_boot(wall.micros),
        None => stamp::seconds(time).unwrap_or(0),
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
    fn fields_of_an_entry_may_be_spread() {
        let text = "{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"MESSAGE\" : [\n\t\t72,\n\t\t255\n\t],\n\t\"__MONOTONIC_TIMESTAMP\" : \"7\"\n}\n\
            {\n  \"MESSAGE\": \"a\",\n  \"_TRANSPORT\": \"kernel\"\n}\n";
        assert_eq!(peeled(text), "[    0.000007] H\u{fffd}\n[    0.000000] a\n");
        let broken = "{\n\t\"MESSAGE\" : [\n\t\t72,\nx\n}\n";
        assert_eq!(peeled(broken), "\t\"MESSAGE\" : [\n\t\t72,\nx\n");
    }

    #[test]
    fn objects_may_have_a_mark() {
        let object = "{\"MESSAGE\": \"a\", \"SYSLOG_IDENTIFIER\": \"kernel\"}\n";
        assert_eq!(peeled(&format!("\x1e{object}\x1e{object}")), "[    0.000000] a\n".repeat(2));
        assert_eq!(peeled(&format!("data: {object}\ndata: {object}\n")), "[    0.000000] a\n".repeat(2));
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
