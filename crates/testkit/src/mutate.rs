//! A plain console log, rewritten into the forms in which people capture one, and what each form does not keep.
//!
//! The forms of dmesg and of journalctl are what util-linux 2.38.1 and systemd 252 print: `crates/ksplat/tests/tools.rs` runs both
//! where they are installed. The others follow the source or the documentation of their writers and were not run: rsyslog,
//! busybox, util-linux 2.39 (callers), kernel/printk (`/dev/kmsg`), drivers/net/netconsole.c, fs/pstore, GitHub Actions, gh, docker,
//! containerd, and mail programs (RFC 3676). Where journalctl's short forms lose a message (`[15B blob data]` for bytes that are not UTF-8) the forms
//! here keep it, as `journalctl -a` does.
//!
//! **Lines without printk's prefix** (what user space wrote to the console) are not in the kernel's log, so forms that
//! are made from it (dmesg, the journal, syslog, `/dev/kmsg`, netconsole, pstore) do not have them: [`Loses::others`].
//! A log without any printk prefix becomes an empty capture there. What is glued in front of a prefix (`login: `) goes too.
//!
//! **Messages of more than one line** are one record in the kernel's log, and lines with the same prefix on the console.
//! lockdep's begin with an empty line, and by that they are told here: an empty message and the next one with the same
//! prefix become one record, if that begins as lockdep's do.

mod dmesg;
mod journal;
mod kernel;
mod noise;
mod record;
mod symbolized;
mod syslog;
mod tokens;
mod transport;
mod wall;

use std::borrow::Cow;

use kernel::Kernel;
pub use noise::{NOISES, Noise};
pub use symbolized::{decoded, symbolized};

/// What a form does not keep of a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loses {
    /// Caller ids (`[ T123]`).
    pub callers: bool,
    /// Lines that are not the kernel's, and what stands in front of those that are.
    pub others: bool,
    /// Time stamps.
    pub stamps: Stamps,
    /// Bytes that are not UTF-8 become U+FFFD.
    pub invalid: bool,
    /// Nothing lost, but a level (`<4>`) in front of each stamp, which is a part of printk's prefix.
    pub levels: bool,
}

/// What a form keeps of time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// All of them, as they are.
    Kept,
    /// The wall clock's time, cut to so many microseconds: what is left is the time since the first line.
    SinceFirst(i64),
    /// The wall clock's minute where it changes, else the time since the line before.
    Minutes,
}

impl Loses {
    /// A form that keeps everything.
    pub const NOTHING: Loses =
        Loses { callers: false, others: false, stamps: Stamps::Kept, invalid: false, levels: false };
    /// A form of the kernel's own log.
    pub const OTHERS: Loses = Loses { others: true, ..Loses::NOTHING };
    /// A form of the kernel's own log without caller ids.
    pub const CALLERS: Loses = Loses { callers: true, ..Loses::OTHERS };
    /// A form of the kernel's own log that has seconds of the wall clock only.
    pub const SECONDS: Loses = Loses { stamps: Stamps::SinceFirst(1_000_000), ..Loses::CALLERS };
    /// A form of the kernel's own log that tells the minute, and the time between lines.
    pub const MINUTES: Loses = Loses { stamps: Stamps::Minutes, ..Loses::CALLERS };
    /// A form of the kernel's own log that has microseconds of the wall clock only.
    pub const BOOT: Loses = Loses { stamps: Stamps::SinceFirst(1), ..Loses::CALLERS };
}

/// A form of captures.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The format that it is a form of: what a fuzz target reads.
    pub format: &'static str,
    /// The form's name in test output.
    pub name: &'static str,
    /// Rewrites a plain console log (lines that end in `\n` only) into the form.
    pub write: fn(&[u8]) -> Vec<u8>,
    /// What is not in what it writes.
    pub loses: Loses,
    /// Text is stored as it is: no bytes are escaped, and no line is cut.
    pub is_verbatim: bool,
}

const fn form(format: &'static str, name: &'static str, write: fn(&[u8]) -> Vec<u8>, loses: Loses) -> Form {
    Form { format, name, write, loses, is_verbatim: true }
}

const fn encoded(format: &'static str, name: &'static str, write: fn(&[u8]) -> Vec<u8>, loses: Loses) -> Form {
    Form { format, name, write, loses, is_verbatim: false }
}

/// All forms.
pub const FORMS: &[Form] = &[
    form("controls", "crlf", transport::crlf, Loses::NOTHING),
    form("controls", "cr-crlf", transport::cr_crlf, Loses::NOTHING),
    form("controls", "nul bytes", transport::nul, Loses::NOTHING),
    form("controls", "no final newline", transport::unfinished, Loses::NOTHING),
    encoded("controls", "colours", transport::colours, Loses::NOTHING),
    form("indent", "indented by 2", transport::indented, Loses::NOTHING),
    form("indent", "indented by a tab", transport::tabbed, Loses::NOTHING),
    form("quote", "quoted", transport::quoted, Loses::NOTHING),
    form("quote", "quoted twice", transport::quoted_twice, Loses::NOTHING),
    form("quote", "quoted twice, tight", transport::quoted_tight, Loses::NOTHING),
    form("quote", "quoted by bars", transport::barred, Loses::NOTHING),
    encoded("quoted-printable", "quoted-printable mail", transport::quoted_printable, Loses::NOTHING),
    encoded(
        "quoted-printable",
        "quoted-printable mail, quoted",
        |log| transport::quoted_printable(&transport::quoted(log)),
        Loses::NOTHING,
    ),
    form("stamps", "github actions", transport::github, Loses::NOTHING),
    form("stamps", "docker logs -t", transport::docker_stamps, Loses::NOTHING),
    form("cri", "kubernetes", transport::cri, Loses::NOTHING),
    form("job", "gh run view --log", transport::job, Loses::NOTHING),
    form("compose", "docker compose logs", transport::compose, Loses::NOTHING),
    form("compose", "docker compose logs -t", |log| transport::compose(&transport::docker_stamps(log)), Loses::NOTHING),
    encoded("mail", "folded mail", transport::folded, Loses::OTHERS),
    encoded("mail", "flowed mail", transport::flowed, Loses::OTHERS),
    encoded("mail", "quoted flowed mail", |log| transport::quoted(&transport::flowed(log)), Loses::OTHERS),
    encoded(
        "docker-json",
        "docker json-file with blanks",
        transport::docker_json_spaced,
        Loses { invalid: true, ..Loses::NOTHING },
    ),
    encoded("docker-json", "docker json-file", transport::docker_json, Loses { invalid: true, ..Loses::NOTHING }),
    form("cri", "kubernetes around syslog", |log| transport::cri(&syslog::rfc3164(log)), Loses::OTHERS),
    form("quote", "quoted journal", |log| transport::quoted(&journal::short(log)), Loses::SECONDS),
    form(
        "indent",
        "indented dmesg -T, crlf",
        |log| transport::crlf(&transport::indented(&dmesg::time(log))),
        Loses::SECONDS,
    ),
    form("cri", "kubernetes around dmesg -T", |log| transport::cri(&dmesg::time(log)), Loses::SECONDS),
    form(
        "stamps",
        "github actions around journalctl",
        |log| transport::github(&journal::monotonic(log)),
        Loses::CALLERS,
    ),
    form(
        "quote",
        "quoted twice dmesg -x, crlf",
        |log| transport::crlf(&transport::quoted_twice(&dmesg::decoded(log))),
        Loses::CALLERS,
    ),
    form("syslog", "syslog, crlf", |log| transport::crlf(&syslog::rfc3164(log)), Loses::OTHERS),
    form("syslog", "syslog", syslog::rfc3164, Loses::OTHERS),
    form("syslog", "syslog without stamps", syslog::bare, Loses::SECONDS),
    form("syslog", "syslog rfc 5424", syslog::rfc5424, Loses::OTHERS),
    form("syslog", "rsyslog iso", syslog::iso, Loses::OTHERS),
    encoded("syslog", "syslog without stamps, folded", syslog::folded, Loses::SECONDS),
    encoded("syslog", "rsyslog iso, folded", syslog::folded_with_stamps, Loses::OTHERS),
    encoded("syslog", "syslog with repeats", syslog::repeated, Loses::SECONDS),
    encoded("syslog", "syslogd with repeats", syslog::last_repeated, Loses::SECONDS),
    form("syslog", "busybox syslog", syslog::busybox, Loses::OTHERS),
    form("journal", "journalctl", journal::short, Loses::SECONDS),
    form("journal", "journalctl short-precise", journal::precise, Loses::BOOT),
    form("journal", "journalctl short-iso", journal::iso, Loses::SECONDS),
    form("journal", "journalctl short-iso-precise", journal::iso_precise, Loses::BOOT),
    form("journal", "journalctl --no-hostname", journal::hostless, Loses::SECONDS),
    form("journal", "journalctl short-monotonic --no-hostname", journal::monotonic_hostless, Loses::CALLERS),
    form("journal", "journalctl short-full", journal::full, Loses::SECONDS),
    form("journal", "journalctl short-unix", journal::unix, Loses::BOOT),
    form("journal", "journalctl short-monotonic", journal::monotonic, Loses::CALLERS),
    encoded("journal-json", "journalctl json", journal::json, Loses::CALLERS),
    form("journal-export", "journalctl export, crlf", |log| transport::crlf(&journal::export(log)), Loses::CALLERS),
    encoded("journal-json", "journalctl json with blanks", journal::json_spaced, Loses::CALLERS),
    encoded("journal-json", "journalctl json-pretty", journal::json_pretty, Loses::CALLERS),
    encoded("journal-json", "journalctl json-seq", journal::json_seq, Loses::CALLERS),
    encoded("journal-json", "journalctl json-sse", journal::json_sse, Loses::CALLERS),
    form("journal-verbose", "journalctl verbose", journal::verbose, Loses::CALLERS),
    form("journal-export", "journalctl export", journal::export, Loses::CALLERS),
    form("dmesg", "dmesg", dmesg::plain, Loses::CALLERS),
    form("dmesg", "dmesg with callers", dmesg::callers, Loses::OTHERS),
    form("dmesg", "dmesg -T", dmesg::time, Loses::SECONDS),
    form("dmesg", "dmesg -x", dmesg::decoded, Loses::CALLERS),
    form("dmesg", "dmesg -d", dmesg::delta, Loses::CALLERS),
    form("dmesg", "dmesg -H", dmesg::human, Loses::MINUTES),
    form("dmesg", "dmesg --time-format iso", dmesg::iso, Loses::BOOT),
    form("dmesg", "dmesg -r", dmesg::raw, Loses { levels: true, ..Loses::OTHERS }),
    encoded("dmesg-json", "dmesg --json", dmesg::json, Loses::CALLERS),
    encoded("dmesg-json", "dmesg --json with callers", dmesg::json_callers, Loses::OTHERS),
    encoded("kmsg", "kmsg", record::kmsg, Loses::OTHERS),
    encoded("kmsg", "netconsole", record::netconsole, Loses::OTHERS),
    form("pstore", "pstore", record::pstore, Loses::OTHERS),
];

/// The log without what a form does not keep: what reading a capture in that form gives back.
pub fn without(log: &[u8], loses: Loses) -> Vec<u8> {
    let log = if loses.invalid { Cow::Owned(lossy(log)) } else { Cow::Borrowed(log) };
    if !loses.others && !loses.callers && loses.stamps == Stamps::Kept {
        return log.into_owned();
    }
    let mut out = Vec::with_capacity(log.len());
    let mut first = None;
    let mut minutes = Minutes::default();
    for line in log.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match Kernel::parse(text) {
            Some(kernel) => {
                let micros = match loses.stamps {
                    Stamps::Kept => kernel.micros,
                    Stamps::Minutes => minutes.told(kernel.micros),
                    Stamps::SinceFirst(precision) => {
                        let cut = wall::at(kernel.micros) / precision * precision;
                        (cut - *first.get_or_insert(cut)).max(0)
                    }
                };
                out.extend_from_slice(if loses.levels { b"<4>" } else { b"" });
                kernel::push_prefix(&mut out, micros, kernel.caller.filter(|_| !loses.callers));
                out.extend_from_slice(kernel.message);
                out.push(b'\n');
            }
            None if loses.others => {}
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// What is left of times where only the minute is told when it changes.
#[derive(Default)]
struct Minutes {
    /// The line before, and what its stamp says.
    last: Option<(i64, i64)>,
    first: i64,
}

impl Minutes {
    fn told(&mut self, micros: i64) -> i64 {
        let minute = dmesg::minute(micros);
        let told = match self.last {
            None => {
                self.first = minute;
                0
            }
            Some((last, told)) if dmesg::minute(last) == minute => (told + dmesg::since(last, micros)).max(0),
            Some((_, told)) => told.max((minute - self.first) * 60_000_000),
        };
        self.last = Some((micros, told));
        told
    }
}

fn lossy(log: &[u8]) -> Vec<u8> {
    log.split_inclusive(|&b| b == b'\n')
        .flat_map(|line| String::from_utf8_lossy(line).into_owned().into_bytes())
        .collect()
}
