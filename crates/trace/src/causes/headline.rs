//! Headlines: what a splat's first line, and the lines behind it up to the next headline, say of whose it is.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;

use super::holder::hung_task;
use super::{Why, tail};
use crate::find::{find, holds, number_behind};
use crate::frame::Frame;
use crate::line::Context;
use crate::log::Entry;
use crate::marks::Marks;
use crate::physical::is_headline_of;
use crate::run::digits;
use crate::stack;

/// What kind of line a splat starts with; of two that fit, the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A CPU exception or what is made of one: the task does not survive it.
    Oops,
    /// A warning with an end mark, after which the task goes on.
    Warning,
    /// A sanitizer's report, between two rules of `=`.
    Sanitizer,
    /// `Kernel panic - not syncing: …`.
    Panic,
    /// Anything else.
    Other,
}

/// What the headlines of sanitizers and of oopses hold.
static KINDS: LazyLock<(AhoCorasick, Vec<Kind>)> = LazyLock::new(|| {
    let texts = SANITIZERS.iter().chain(&OOPSES);
    let automaton = AhoCorasick::new(texts).expect("some short texts fit an automaton");
    (automaton, [vec![Kind::Sanitizer; SANITIZERS.len()], vec![Kind::Oops; OOPSES.len()]].concat())
});

/// What the headlines of oopses hold.
const OOPSES: [&str; 15] = [
    "Unable to handle kernel",
    "unable to handle",
    "kernel NULL pointer dereference",
    "general protection fault",
    "stack segment: ",
    "stack guard page was hit",
    "PANIC: double fault",
    "rust_kernel: panicked",
    "kernel BUG at",
    "Kernel BUG at",
    "divide error:",
    "invalid opcode:",
    "int3:",
    "Internal error:",
    "Unhandled fault:",
];

const SANITIZERS: [&str; 5] = ["BUG: KASAN:", "BUG: KMSAN:", "BUG: KCSAN:", "BUG: KFENCE:", "UBSAN:"];

/// Pairs of headlines that one report has, the first above the second.
const PAIRS: [(&str, &str); 11] = [
    ("kernel BUG at", "invalid opcode:"),
    ("kernel BUG at", "Internal error:"),
    ("Kernel BUG at", "Internal error:"),
    ("rust_kernel: panicked", "kernel BUG at"),
    ("nable to handle", "Internal error:"),
    ("Unhandled fault:", "Internal error:"),
    ("Alignment trap:", "Unhandled fault:"),
    ("stack guard page was hit", "PANIC: double fault"),
    ("BUG: Dentry", "fs/dcache.c"),
    ("Machine check events logged", "Machine Check"),
    ("Machine Check", "Machine Check"),
];

/// The same, where registers or a stack stand between them.
const FAR_PAIRS: [(&str, &str); 2] =
    [("invoked oom-killer", "ut of memory: Killed process"), ("INFO: task ", " is blocked on a ")];

/// A headline and what is known of its report.
pub(super) struct Headline<'t> {
    pub(super) kind: Kind,
    pub(super) context: Context,
    pub(super) text: &'t [u8],
    raw: &'t [u8],
    /// What it is about, where that comes again as long as nothing changes.
    subject: Option<&'t [u8]>,
    /// The running task: its pid.
    pid: Option<u32>,
    /// The function of the first instruction pointer.
    pointer: Option<&'t [u8]>,
    /// The grace period that an RCU stall is about.
    grace: Option<u32>,
    /// The task was killed by it.
    pub(super) died: bool,
    /// Registers or a stack trace were seen.
    has_body: bool,
    /// The end mark was not seen when the same caller's next headline came.
    interrupted: bool,
}

impl<'t> Headline<'t> {
    pub(super) fn read(entries: &[Entry<'t>], start: usize) -> Headline<'t> {
        let first = &entries[start];
        let text = first.line.body;
        let kind = kind(first);
        let mut headline = Headline {
            kind,
            context: first.line.context,
            text,
            raw: first.line.raw,
            subject: subject(text),
            pid: None,
            pointer: None,
            grace: None,
            died: kind == Kind::Oops && is_numbered(text),
            has_body: false,
            interrupted: false,
        };
        for entry in tail(entries, start) {
            headline.interrupted = entry.trigger.is_some();
            if headline.interrupted || headline.ends_with(entry) {
                break;
            }
        }
        headline
    }

    /// Takes one line of the report; true for its end mark.
    fn ends_with(&mut self, entry: &Entry<'t>) -> bool {
        let line = entry.line.body;
        let text = line.trim_ascii_start();
        match text.first() {
            Some(b'C') => self.pid = self.pid.or_else(|| pid(text)),
            Some(b'O' | b'I' | b'i') if self.kind == Kind::Oops => self.died |= is_numbered(text),
            Some(b'(') => self.grace = self.grace.or_else(|| number_behind(text, b"g=")),
            Some(b'r') => self.grace = self.grace.or_else(|| number_behind(text, b" g=")),
            Some(b'-') if text.starts_with(b"---[ end trace") => return true,
            Some(b'=') if self.kind == Kind::Sanitizer && text.len() >= 20 && text.iter().all(|b| *b == b'=') => {
                return true;
            }
            _ => {}
        }
        if !self.has_body {
            self.has_body = stack::heads(line, entry.marks) != 0 || Frame::parse(line).is_some();
        }
        if self.pointer.is_none()
            && entry.marks.any(Marks::POINTER)
            && let Some(pointer) = stack::instruction_pointer(line)
        {
            (self.pointer, self.has_body) = (pointer, true);
        }
        false
    }

    /// The pid of the task that it says hangs.
    pub(super) fn hangs(&self) -> Option<u32> {
        hung_task(self.text)
    }

    /// True for what syzkaller's program says of itself.
    pub(super) fn is_of_fuzzer(&self) -> bool {
        self.text.starts_with(b"SYZFAIL:") || self.text.starts_with(b"SYZFATAL:")
    }

    /// True where a later report is by the task that this one is about.
    pub(super) fn is_of_task(&self, later: &Headline<'_>) -> bool {
        match (self.pid, later.pid) {
            // The idle tasks of all CPUs are 0.
            (Some(pid), Some(other)) => pid == other && pid != 0,
            _ => self.context.is_task() && self.context == later.context,
        }
    }

    /// True where both ran on behalf of the same task, the idle ones and interrupts included.
    pub(super) fn is_beside(&self, later: &Headline<'_>) -> bool {
        self.is_of_task(later)
            || self.context.is_caller() && self.context == later.context
            || self.pid.is_some() && self.pid == later.pid
    }

    /// True where this is the line of an inlined call that somebody put above the later headline.
    pub(super) fn is_inlined_call_of(&self, later: &Headline<'_>) -> bool {
        !self.has_body && is_headline_of(self.text, later.text)
    }

    /// Why the next report of the same caller belongs to this one.
    pub(super) fn takes(&self, later: &Headline<'_>) -> Option<Why> {
        let has = |text: &[u8], part: &str| holds(text, part.as_bytes());
        let are_one = |(first, then): &(&str, &str)| has(self.text, first) && has(later.text, then);
        if !self.has_body && PAIRS.iter().any(are_one) || FAR_PAIRS.iter().any(are_one) {
            return Some(Why::Headline);
        }
        let of_object = self.kind == Kind::Sanitizer || self.text.starts_with(b"BUG ") || is_object(self.text);
        if of_object && is_object(later.text) {
            return Some(Why::Headline);
        }
        if self.kind == Kind::Sanitizer && later.kind == Kind::Oops && self.is_of_task(later) && self.announces(later) {
            return Some(Why::Fault);
        }
        let has_end = matches!(self.kind, Kind::Oops | Kind::Warning | Kind::Sanitizer);
        (has_end && self.has_body && self.interrupted && self.is_of_task(later)).then_some(Why::Inside)
    }

    /// True where KASAN's report says that the access is bad which then faults.
    fn announces(&self, fault: &Headline<'_>) -> bool {
        let Some(at) = find(self.text, b"KASAN: ") else { return false };
        let rest = &self.text[at + 7..];
        let wild: [&[u8]; 3] = [b"null-ptr-deref", b"user-memory-access", b"wild-memory-access"];
        let function = || {
            let name = &rest[find(rest, b" in ")? + 4..];
            Some(&name[..crate::shape::function(name)?])
        };
        wild.iter().any(|kind| rest.starts_with(kind)) || fault.pointer.is_some() && fault.pointer == function()
    }

    /// True where a later headline says the same of the same thing.
    pub(super) fn is_repeated_by(&self, later: &Headline<'_>) -> bool {
        if self.context != Context::NONE && self.raw == later.raw {
            // One record, printed twice: time stamps do not come again.
            return true;
        }
        if self.kind == Kind::Panic && later.kind == Kind::Panic {
            let said = said(self.text);
            return !said.is_empty() && self::said(later.text) == said;
        }
        match self.subject {
            Some(what) => later.subject == Some(what),
            None => {
                let stalls = |text: &[u8]| holds(text, b"INFO: rcu_");
                self.grace.is_some() && self.grace == later.grace && stalls(self.text) && stalls(later.text)
            }
        }
    }
}

/// True for a headline that says of no exception, warning, sanitizer or panic that it happened: anybody may print `BUG: …`.
pub fn is_message(headline: &Entry<'_>) -> bool {
    kind(headline) == Kind::Other
}

fn kind(entry: &Entry<'_>) -> Kind {
    let text = entry.line.body;
    let (automaton, kinds) = &*KINDS;
    let found = || automaton.find_overlapping_iter(text).map(|found| kinds[found.pattern()]).max();
    if entry.marks.any(Marks::NOT_SYNCING) {
        Kind::Panic
    } else if let Some(kind) = found() {
        kind
    } else if is_warning(text) {
        Kind::Warning
    } else {
        Kind::Other
    }
}

/// `WARNING: CPU: 1 PID: 5 at mm/slub.c:7 f+0x1/0x2`, or `WARNING: mm/slub.c:7 at f+0x1/0x2`: what ends with a mark.
fn is_warning(text: &[u8]) -> bool {
    let Some(at) = find(text, b"WARNING: ") else { return false };
    let rest = &text[at + 9..];
    let word = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let is_place = || rest[word..].starts_with(b" at ") && memchr::memchr(b':', &rest[..word]).is_some();
    rest.starts_with(b"CPU: ") || is_place()
}

/// `[#1]`: how often the kernel has oopsed.
fn is_numbered(text: &[u8]) -> bool {
    memmem::find_iter(text, b"[#").any(|at| {
        let number = digits(&text[at + 2..]);
        number > 0 && text[at + 2 + number..].starts_with(b"]")
    })
}

/// SLUB's lines about a bad object, each of which looks like a report.
fn is_object(text: &[u8]) -> bool {
    let Some(at) = find(text, b"INFO: ") else { return false };
    let rest = &text[at + 6..];
    [&b"Allocated in "[..], b"Freed in ", b"Slab ", b"Object ", b"0x"].iter().any(|start| rest.starts_with(start))
}

fn pid(text: &[u8]) -> Option<u32> {
    text.starts_with(b"CPU: ").then(|| number_behind(text, b" PID: "))?
}

/// What a panic line says, also the one at the end: `---[ end Kernel panic - not syncing: Fatal exception ]---`.
fn said(text: &[u8]) -> &[u8] {
    const SAYS: &[u8] = b"not syncing: ";
    let said = find(text, SAYS).map_or(&[][..], |at| text[at + SAYS.len()..].trim_ascii());
    said.strip_suffix(b" ]---").unwrap_or(said)
}

/// What a headline is about that comes again as long as nothing changes: the part of it that stays the same.
fn subject(text: &[u8]) -> Option<&[u8]> {
    /// Where the part starts, and what ends it.
    const LASTING: [(&str, &str); 5] = [
        ("INFO: task ", " blocked for more than"),
        ("INFO: task ", " blocked in I/O wait for"),
        ("BUG: workqueue lockup", " stuck for"),
        ("unregister_netdevice: waiting for", " to become free"),
        ("BUG: Bad rss-counter state mm:", " "),
    ];
    for (start, end) in LASTING {
        if let Some(at) = find(text, start.as_bytes())
            && let Some(length) = find(&text[at + start.len()..], end.as_bytes())
        {
            return Some(&text[at..at + start.len() + length]);
        }
    }
    // `BUG: soft lockup - CPU#0 stuck for 22s! [comm:123]`: the task.
    find(text, b"BUG: soft lockup")?;
    Some(&text[memchr::memrchr(b'[', text)?..])
}
