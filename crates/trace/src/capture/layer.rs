//! The forms that a capture may have, and what peels each of them off.

use super::map::{Map, Out};
use super::{export, json, lines, pstore, quoted_printable, record, verbose, wrapped};

/// One form that a capture has; forms nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Mail quoting: `> `, `>>`, `> > `, `| `.
    Quote,
    /// Blanks or tabs in front of every line.
    Indent,
    /// An ISO time stamp in front of every line: GitHub Actions, `docker logs -t`, `kubectl logs --timestamps`.
    IsoStamp,
    /// Job and step of `gh run view --log`, in front of an [`IsoStamp`](Layer::IsoStamp).
    Job,
    /// The service of `docker compose logs`: `vm-1  | `.
    Compose,
    /// A container runtime's log file: `2026-11-22T23:49:11.123456789Z stdout F `.
    Cri,
    /// Docker's json-file log: `{"log":"…\n","stream":"stdout","time":"…"}`.
    DockerJson,
    /// syslog of any kind (RFC 3164, RFC 5424, rsyslog with ISO time, busybox) and journalctl's short forms, which
    /// look the same: a stamp, a host, a program.
    Syslog,
    /// `journalctl -o json`, `json-pretty`, `json-seq` and `json-sse`.
    JournalJson,
    /// `journalctl -o export`.
    JournalExport,
    /// `journalctl -o verbose`.
    JournalVerbose,
    /// `dmesg` with messages of more than one line, whose later lines are indented.
    Dmesg,
    /// `dmesg` of util-linux 2.39 and later, which puts a blank between stamp and caller: `[    1.2] [   T12] `.
    DmesgCaller,
    /// `dmesg -x`: `kern  :warn  : [    1.2] `.
    DmesgDecoded,
    /// `dmesg -T`: `[Sun Nov 22 23:49:11 2026] `.
    DmesgTime,
    /// `dmesg -H` and `-d`: `[  +0.500000] `, `[   12.140900 <    7.000000>] `.
    DmesgDelta,
    /// `dmesg --time-format iso`: `2026-11-22T23:49:11,918915+00:00 `.
    DmesgIso,
    /// `dmesg --json`, or its objects one a line.
    DmesgJson,
    /// Records of `/dev/kmsg` and of netconsole's extended form: `6,339,5140900,-;text`.
    Kmsg,
    /// A mail whose long lines were folded.
    Wrapped,
    /// A quoted-printable mail: `=3D` for `=`, `=` where a long line was broken.
    QuotedPrintable,
    /// Parts of a crash dump in pstore, each behind a header such as `Panic#2 Part3`.
    Pstore,
}

impl Layer {
    /// How many layers there are.
    pub(super) const COUNT: usize = Layer::Pstore as usize + 1;

    /// All layers, in the order of their numbers.
    pub(super) const ALL: [Layer; Self::COUNT] = [
        Layer::Quote,
        Layer::Indent,
        Layer::IsoStamp,
        Layer::Job,
        Layer::Compose,
        Layer::Cri,
        Layer::DockerJson,
        Layer::Syslog,
        Layer::JournalJson,
        Layer::JournalExport,
        Layer::JournalVerbose,
        Layer::Dmesg,
        Layer::DmesgCaller,
        Layer::DmesgDecoded,
        Layer::DmesgTime,
        Layer::DmesgDelta,
        Layer::DmesgIso,
        Layer::DmesgJson,
        Layer::Kmsg,
        Layer::Wrapped,
        Layer::QuotedPrintable,
        Layer::Pstore,
    ];

    /// A layer that carries any text, not only the kernel's.
    pub(super) fn is_transport(self) -> bool {
        matches!(
            self,
            Layer::Quote
                | Layer::Indent
                | Layer::IsoStamp
                | Layer::Job
                | Layer::Compose
                | Layer::Cri
                | Layer::DockerJson
        )
    }

    /// A layer that writes some bytes in another way, so that peeling it may bring control bytes to light.
    pub(super) fn is_encoded(self) -> bool {
        matches!(
            self,
            Layer::DockerJson
                | Layer::JournalJson
                | Layer::JournalExport
                | Layer::DmesgJson
                | Layer::Kmsg
                | Layer::Syslog
                | Layer::QuotedPrintable
        )
    }

    /// The text without this layer; lines that do not have it are left as they are.
    pub(super) fn peel(self, text: &[u8]) -> (Vec<u8>, Map) {
        let mut out = Out::for_source(text);
        match self {
            Layer::DockerJson | Layer::JournalJson | Layer::DmesgJson => json::peel(text, &mut out),
            Layer::JournalExport => export::peel(text, &mut out),
            Layer::JournalVerbose => verbose::peel(text, &mut out),
            Layer::Wrapped => wrapped::peel(text, &mut out),
            Layer::QuotedPrintable => quoted_printable::peel(text, &mut out),
            Layer::Kmsg => record::peel(text, &mut out),
            Layer::Pstore => pstore::peel(text, &mut out),
            _ => lines::peel(self, text, &mut out),
        }
        out.finish(text.len())
    }
}
