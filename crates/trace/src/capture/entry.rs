//! One record of a log that knows records, written as the console lines that printk would have made of it.

use memchr::memchr;

use super::head::push_stamp;
use super::map::Out;

/// A record's message on its way to the console: the prefix stands in front of each of its lines.
pub(super) struct Message<'o> {
    out: &'o mut Out,
    prefix: &'o [u8],
    /// Some of it is written.
    begun: bool,
    /// What comes next starts a line.
    fresh: bool,
}

impl<'o> Message<'o> {
    pub(super) fn new(out: &'o mut Out, prefix: &'o [u8]) -> Self {
        Message { out, prefix, begun: false, fresh: true }
    }

    /// Appends a part of the message, which stands at `at` in the source.
    pub(super) fn push(&mut self, part: &[u8], at: usize) {
        let mut from = 0;
        while from < part.len() {
            if self.fresh {
                self.out.push(self.prefix, at + from);
            }
            let end = memchr(b'\n', &part[from..]).map(|len| from + len + 1);
            self.out.push(&part[from..end.unwrap_or(part.len())], at + from);
            self.fresh = end.is_some();
            self.begun = true;
            from = end.unwrap_or(part.len());
        }
    }

    /// Ends the message, of which the last byte stands before `at`.
    pub(super) fn end(self, at: usize) {
        if !self.begun {
            self.out.push(self.prefix, at);
        }
        if !self.begun || !self.fresh {
            self.out.newline(at);
        }
    }
}

/// Who wrote a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writer<'t> {
    /// The kernel, so many microseconds after boot.
    Kernel { micros: i64, caller: Option<&'t [u8]> },
    /// A program, with its process id where it is known.
    Program { name: &'t [u8], process: &'t [u8] },
}

impl Writer<'_> {
    /// Leaves in `prefix` what the console, or a log of programs, has in front of a message.
    pub(super) fn prefix(self, prefix: &mut Vec<u8>) {
        prefix.clear();
        match self {
            Writer::Kernel { micros, caller } => push_stamp(prefix, micros, caller),
            Writer::Program { name: b"", .. } => {}
            Writer::Program { name, process } => {
                prefix.extend_from_slice(name);
                if !process.is_empty() {
                    prefix.extend([b"[", process, b"]"].concat());
                }
                prefix.extend_from_slice(b": ");
            }
        }
    }
}
