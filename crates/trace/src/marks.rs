//! Marks: which of the texts that some stage looks for stand in a line. One vectorised
//! search for rare parts of them reads each byte once.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind, packed};

use crate::trigger::{COUNT, Trigger};

/// A set of marks, one bit each; the lowest bits are the triggers, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u128);

macro_rules! marks {
    ($($name:ident $text:literal)*) => {
        /// The texts behind the triggers, in the order of their bits.
        const TEXTS: &[&str] = &[$($text),*];
        /// Numbers of the texts.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "it only numbers the constants")]
        enum Number { $($name),* }
        impl Marks {
            $(#[doc = concat!("The line holds `", $text, "`.")]
            pub const $name: Marks = Marks(1 << (COUNT + Number::$name as usize));)*
        }
    };
}

marks! {
    LOCKDEP_OFF "Disabling lock debugging due to kernel taint"
    NMI_FROM_CPU "Sending NMI from CPU"
    NOT_SYNCING "Kernel panic - not syncing"
    CIRCULAR "WARNING: possible circular locking dependency detected"
    REPLAY "** replaying previous printk message **"
    INVALID_OPCODE "invalid opcode: 0000"
    VMALLOC_FAILURE "vmalloc: allocation failure:"
    FAULT_INJECTION "FAULT_INJECTION: forcing a failure"
    ALLOW_RETRY "FAULT_FLAG_ALLOW_RETRY missing"
    VM_DISCONNECTED "serialport: VM disconnected."
    CALL_TRACE "Call Trace"
    CALL_TRACE_LOWER "Call trace"
    BACKTRACE "Backtrace:"
    BACKTRACE_LOWER " backtrace"
    ALLOCATED "Allocated"
    FREED "Freed"
    UNINIT "Uninit was stored to memory at"
    BAD_ADDRESS " badaddr: "
    SHOULD_FAIL "should_fail"
    DOUBT " ? "
    SYZ_COMM " Comm: syz."
    C_FILE ".c:"
    H_FILE ".h:"
    SUPPRESSED_0 "panic: failed to start executor binary"
    SUPPRESSED_1 "panic: executor failed: pthread_create failed"
    SUPPRESSED_2 "panic: failed to create temp dir"
    SUPPRESSED_3 "fatal error: unexpected signal during runtime execution"
    SUPPRESSED_4 "signal SIGBUS: bus error"
    SUPPRESSED_5 "SYZFAIL: SIGBUS"
    SUPPRESSED_6 "Out of memory: Kill process "
    SUPPRESSED_7 "Killed process "
    SUPPRESSED_8 "lowmemorykiller: Killing 's"
    SUPPRESSED_9 "INIT: PANIC: segmentation violation!"
    SUPPRESSED_10 "*** stack smashing detected ***: terminated"
    SUPPRESSED_11 "fatal error: runtime: out of memory"
    SUPPRESSED_12 "fatal error: runtime: cannot allocate memory"
    SUPPRESSED_13 "fatal error: out of memory"
    SUPPRESSED_14 "fatal error: newosproc"
    SUPPRESSED_15 "cannot allocate memory"
}

impl Marks {
    /// Some text that may mean that the whole output is not worth a bug; `suppressed` looks closer.
    pub const MAYBE_SUPPRESSED: Marks = {
        let first = Marks::SUPPRESSED_0.0;
        let last = Marks::SUPPRESSED_15.0;
        Marks(last | (last - first))
    };

    /// The bit of a trigger's text.
    pub fn trigger(trigger: Trigger) -> Marks {
        Marks(1 << trigger.0)
    }

    /// True where any of these marks is set.
    pub fn any(self, marks: Marks) -> bool {
        self.0 & marks.0 != 0
    }

    /// Both sets.
    pub const fn or(self, marks: Marks) -> Marks {
        Marks(self.0 | marks.0)
    }

    /// A bit for each trigger whose text the line holds.
    pub(crate) fn triggers(self) -> u32 {
        (self.0 & ((1 << COUNT) - 1)) as u32
    }

    pub(crate) fn add(&mut self, number: usize) {
        self.0 |= 1 << number;
    }
}

/// Parts of the texts that are rare in logs: one of them stands in each text, and few of them elsewhere.
const NEEDLES: &[&str] = &[
    "BUG",
    "ARNING:",
    "INFO:",
    "Unable to h",
    "general pro",
    "stack segm",
    "ernel pan",
    "anic:",
    "PANIC: ",
    "rust_kernel: p",
    "divide",
    "invalid opcode:",
    "int3:",
    "UBSAN:",
    "Booting the k",
    "unregister_netd",
    "VFS: ",
    "Internal er",
    "Unhandled f",
    "Alignment t",
    "trusty: p",
    "fatal error:",
    "SYZFA",
    "Disabling lock d",
    "Sending NMI",
    "** replaying",
    "allocation failure:",
    "FAULT_INJECTION",
    "FAULT_FLAG_ALLOW",
    "serialport:",
    "Call Trace",
    "Call trace",
    "acktrace",
    "Allocated",
    "Freed",
    "Uninit was",
    " badaddr:",
    "should_fail",
    " Comm: syz.",
    ".c:",
    ".h:",
    "signal SIGBUS",
    "Out of memory: K",
    "illed process ",
    "lowmemorykiller",
    "smashing",
    "cannot alloc",
    " ? ",
];

/// Finds needles, and the texts around them.
pub(crate) struct Finder {
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
    /// The length of each needle.
    lengths: Vec<usize>,
    /// For each needle the texts that it stands in: bytes before it, number, text.
    texts: Vec<Vec<(usize, usize, &'static [u8])>>,
}

static ALL: LazyLock<Finder> =
    LazyLock::new(|| Finder::new(Trigger::all().map(Trigger::text).chain(TEXTS.iter().copied())));
static TRIGGERS: LazyLock<Finder> = LazyLock::new(|| Finder::new(Trigger::all().map(Trigger::text)));

impl Finder {
    fn new(texts: impl Iterator<Item = &'static str>) -> Finder {
        let mut by_needle: Vec<Vec<_>> = vec![Vec::new(); NEEDLES.len()];
        for (number, text) in texts.enumerate() {
            let found = NEEDLES.iter().enumerate().find_map(|(n, needle)| text.find(needle).map(|at| (n, at)));
            let (needle, at) = found.expect("each text holds a needle");
            by_needle[needle].push((at, number, text.as_bytes()));
        }
        let (needles, texts): (Vec<&str>, Vec<_>) =
            NEEDLES.iter().zip(by_needle).filter(|(_, texts)| !texts.is_empty()).unzip();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&needles);
        let automaton = automaton.expect("some dozens of short texts fit an automaton");
        let lengths = needles.iter().map(|needle| needle.len()).collect();
        Finder { packed: packed::Searcher::new(&needles), automaton, lengths, texts }
    }

    /// Where the next needle ends, and the texts around it.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let (needle, end) = match &self.packed {
            Some(packed) => packed.find_in(text, (from..text.len()).into()).map(|m| (m.pattern(), m.end()))?,
            None => {
                self.automaton.find(aho_corasick::Input::new(text).range(from..)).map(|m| (m.pattern(), m.end()))?
            }
        };
        Some((needle.as_usize(), end))
    }

    /// Each mark of a text from an offset on: where its text starts, and its number.
    pub(crate) fn marks<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
        let mut from = 0;
        let mut texts: &[(usize, usize, &[u8])] = &[];
        let mut start = 0;
        std::iter::from_fn(move || {
            loop {
                while let Some(((before, number, wanted), rest)) = texts.split_first() {
                    texts = rest;
                    if let Some(at) = usize::checked_sub(start, *before)
                        && text[at..].starts_with(wanted)
                    {
                        return Some((at, *number));
                    }
                }
                let (needle, end) = self.next(text, from)?;
                (from, start) = (end, end - self.lengths[needle]);
                texts = &self.texts[needle];
            }
        })
    }
}

/// Finds all marks.
pub(crate) fn all() -> &'static Finder {
    &ALL
}

/// Finds the triggers only.
pub(crate) fn triggers() -> &'static Finder {
    &TRIGGERS
}

/// True where a line says that the output around it is not worth a bug, whatever crashed (syzkaller: `suppressions`).
pub(crate) fn suppresses(line: &[u8], marks: Marks) -> bool {
    let closer = Marks::SUPPRESSED_6.or(Marks::SUPPRESSED_7).or(Marks::SUPPRESSED_8).or(Marks::SUPPRESSED_15);
    let certain = Marks(Marks::MAYBE_SUPPRESSED.0 & !closer.0);
    let holds = |text: &str| memchr::memmem::find(line, text.as_bytes());
    let follows = |first: &str, then: &[&str]| {
        holds(first).is_some_and(|at| then.iter().any(|t| memchr::memmem::find(&line[at..], t.as_bytes()).is_some()))
    };
    marks.any(certain)
        || marks.any(Marks::SUPPRESSED_6) && follows("Out of memory: Kill process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::SUPPRESSED_7) && follows("Killed process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::SUPPRESSED_8)
            && (holds("lowmemorykiller: Killing 'syz-executor'").is_some()
                || holds("lowmemorykiller: Killing 'sshd'").is_some())
        || marks.any(Marks::SUPPRESSED_15) && follows("panic:", &["cannot allocate memory"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppressed(line: &str) -> bool {
        let mut set = Marks::default();
        all().marks(line.as_bytes()).for_each(|(_, number)| set.add(number));
        suppresses(line.as_bytes(), set)
    }

    #[test]
    fn some_lines_suppress_a_whole_output() {
        assert!(suppressed("[ 1.0] Out of memory: Kill process 12 (sshd) score 1"));
        assert!(!suppressed("[ 1.0] Out of memory: Kill process 12 (bash) score 1"));
        assert!(suppressed("lowmemorykiller: Killing 'sshd' (1)"));
        assert!(!suppressed("lowmemorykiller: Killing 'su' (1)"));
        assert!(suppressed("panic: x: cannot allocate memory"));
        assert!(!suppressed("x: cannot allocate memory"));
        assert!(suppressed("fatal error: newosproc"));
        assert!(!suppressed("BUG: x"));
    }

    #[test]
    fn every_text_is_found() {
        for (n, text) in Trigger::all().map(Trigger::text).chain(TEXTS.iter().copied()).enumerate() {
            assert!(all().marks(text.as_bytes()).any(|(_, number)| number == n), "{text}");
        }
    }
}
