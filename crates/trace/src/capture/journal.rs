//! An entry of systemd's journal: which of its fields make console lines.

use super::entry::Writer;
use super::stamp::number;

/// What the fields of an entry say about its message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Journal<'t> {
    /// Microseconds since boot when it was printed.
    printed: Option<i64>,
    /// The same when it was received.
    received: Option<i64>,
    transport: &'t [u8],
    identifier: &'t [u8],
    process: &'t [u8],
}

impl<'t> Journal<'t> {
    /// An entry that was received so many microseconds after boot, as far as that is known.
    pub(super) fn received(micros: Option<i64>) -> Self {
        Journal { received: micros, ..Journal::default() }
    }

    /// Takes a field other than the message.
    pub(super) fn field(&mut self, name: &[u8], value: &'t [u8]) {
        let micros = || number(value).map(|(n, _)| n);
        match name {
            b"_SOURCE_MONOTONIC_TIMESTAMP" => self.printed = micros(),
            b"__MONOTONIC_TIMESTAMP" => self.received = micros(),
            b"_TRANSPORT" => self.transport = value,
            b"SYSLOG_IDENTIFIER" => self.identifier = value,
            b"SYSLOG_PID" => self.process = value,
            b"_PID" if self.process.is_empty() => self.process = value,
            _ => {}
        }
    }

    /// Who wrote the message.
    pub(super) fn writer(&self) -> Writer<'t> {
        if matches!((self.transport, self.identifier), (b"kernel", _) | (b"", b"kernel")) {
            Writer::Kernel { micros: self.printed.or(self.received).unwrap_or(0), caller: None }
        } else {
            Writer::Program { name: self.identifier, process: self.process }
        }
    }
}
