//! Marks: which of the texts that some stage looks for stand in a line. One vectorised
//! search for rare parts of them reads each byte once.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind, packed};

use crate::trigger::{COUNT, Trigger};

const _: () = assert!(COUNT + TEXTS.len() <= 64, "a mark has a bit");

/// A set of marks, one bit each; the lowest bits are the triggers, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u64);

macro_rules! marks {
    ($($name:ident $($text:literal)|+)*) => {
        /// The texts behind the triggers: each mark's, in the order of the bits.
        const TEXTS: &[&[&str]] = &[$(&[$($text),+]),*];
        /// Numbers of the marks.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "it only numbers the constants")]
        enum Number { $($name),* }
        impl Marks {
            $(#[doc = concat!("The line holds", $(" `", $text, "`",)+ ".")]
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
    SYZ_COMM " Comm: syz."
    SUPPRESSED "panic: failed to start executor binary"
        | "panic: executor failed: pthread_create failed"
        | "panic: failed to create temp dir"
        | "fatal error: unexpected signal during runtime execution"
        | "signal SIGBUS: bus error"
        | "SYZFAIL: SIGBUS"
        | "INIT: PANIC: segmentation violation!"
        | "*** stack smashing detected ***: terminated"
        | "fatal error: runtime: out of memory"
        | "fatal error: runtime: cannot allocate memory"
        | "fatal error: out of memory"
        | "fatal error: newosproc"
    KILL "Out of memory: Kill process "
    KILLED "Killed process "
    LOW_MEMORY "lowmemorykiller: Killing 's"
    CANNOT_ALLOCATE "cannot allocate memory"
}

impl Marks {
    /// Some text that may mean that the whole output is not worth a bug; `suppresses` looks closer.
    pub(crate) const MAYBE_SUPPRESSED: Marks =
        Marks::SUPPRESSED.or(Marks::KILL).or(Marks::KILLED).or(Marks::LOW_MEMORY).or(Marks::CANNOT_ALLOCATE);

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
    pub(crate) fn triggers(self) -> u64 {
        self.0 & ((1 << COUNT) - 1)
    }

    pub(crate) fn add(&mut self, marks: Marks) {
        self.0 |= marks.0;
    }
}

/// Parts of the texts that are rare in logs: one of them stands in each text, and few of them elsewhere.
///
/// Four bytes or more each, since the search looks for the first four of all at once; none starts with another.
const NEEDLES: &[&str] = &[
    "BUG:",
    "BUG k",
    "l BUG",
    "ARNING:",
    "INFO:",
    "Unable to h",
    "general pro",
    "segment",
    "panic",
    "PANIC",
    "divide",
    "opcode:",
    "int3:",
    "UBSAN:",
    "Booting",
    "unregister_netd",
    "VFS: ",
    "Internal er",
    "Unhandled",
    "Alignment",
    "fatal error:",
    "SYZF",
    "Disabling lo",
    "Sending NMI",
    "replaying",
    "lure:",
    "FAULT_",
    "serialport",
    "Call ",
    "acktrace",
    "Allocated",
    "Freed",
    "Uninit was",
    "badaddr",
    "syz.",
    "SIGBUS",
    "Out of mem",
    "illed proc",
    "lowmem",
    "smashing",
    "cannot al",
];

/// Finds needles, and the texts around them.
pub(crate) struct Finder {
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
    /// For each needle the texts that it stands in: bytes before it, the mark, text.
    texts: Vec<Vec<(usize, Marks, &'static [u8])>>,
}

static ALL: LazyLock<Finder> = LazyLock::new(|| Finder::new(texts()));
static TRIGGERS: LazyLock<Finder> = LazyLock::new(|| Finder::new(texts().take(COUNT)));

/// All texts with their marks, the triggers first.
fn texts() -> impl Iterator<Item = (Marks, &'static str)> {
    let triggers = Trigger::all().map(|trigger| (Marks::trigger(trigger), trigger.text()));
    let others = TEXTS.iter().enumerate();
    triggers.chain(others.flat_map(|(n, texts)| texts.iter().map(move |text| (Marks(1 << (COUNT + n)), *text))))
}

impl Finder {
    fn new(texts: impl Iterator<Item = (Marks, &'static str)>) -> Finder {
        let mut by_needle: Vec<Vec<_>> = vec![Vec::new(); NEEDLES.len()];
        for (mark, text) in texts {
            let found = NEEDLES.iter().enumerate().find_map(|(n, needle)| text.find(needle).map(|at| (n, at)));
            let (needle, at) = found.expect("each text holds a needle");
            by_needle[needle].push((at, mark, text.as_bytes()));
        }
        let (needles, texts): (Vec<&str>, Vec<_>) =
            NEEDLES.iter().zip(by_needle).filter(|(_, texts)| !texts.is_empty()).unzip();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&needles);
        let automaton = automaton.expect("some dozens of short texts fit an automaton");
        Finder { packed: packed::Searcher::new(&needles), automaton, texts }
    }

    /// The next needle at or behind `from`: its number, and where it starts.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match &self.packed {
            Some(packed) => packed.find_in(text, (from..text.len()).into()),
            None => self.automaton.find(aho_corasick::Input::new(text).range(from..)),
        }?;
        Some((found.pattern().as_usize(), found.start()))
    }

    /// Each mark of a text: where its text starts, and the mark. Those of a line come before those of the next one.
    pub(crate) fn marks<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Marks)> + 't {
        let mut from = 0;
        let mut texts: &[(usize, Marks, &[u8])] = &[];
        let mut start = 0;
        std::iter::from_fn(move || {
            loop {
                while let Some(((before, mark, wanted), rest)) = texts.split_first() {
                    texts = rest;
                    if let Some(at) = usize::checked_sub(start, *before)
                        && text[at..].starts_with(wanted)
                    {
                        return Some((at, *mark));
                    }
                }
                let needle;
                (needle, start) = self.next(text, from)?;
                // Needles may overlap: `kernel BUG: x` holds `l BUG` and `BUG:`.
                from = start + 1;
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
    let holds = |text: &str| memchr::memmem::find(line, text.as_bytes());
    let follows = |first: &str, then: &[&str]| {
        holds(first).is_some_and(|at| then.iter().any(|t| memchr::memmem::find(&line[at..], t.as_bytes()).is_some()))
    };
    marks.any(Marks::SUPPRESSED)
        || marks.any(Marks::KILL) && follows("Out of memory: Kill process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::KILLED) && follows("Killed process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::LOW_MEMORY)
            && (holds("lowmemorykiller: Killing 'syz-executor'").is_some()
                || holds("lowmemorykiller: Killing 'sshd'").is_some())
        || marks.any(Marks::CANNOT_ALLOCATE) && follows("panic:", &["cannot allocate memory"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppressed(line: &str) -> bool {
        let mut set = Marks::default();
        all().marks(line.as_bytes()).for_each(|(_, mark)| set.add(mark));
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
        for (mark, text) in texts() {
            assert!(all().marks(text.as_bytes()).any(|(_, found)| found == mark), "{text}");
        }
        assert_eq!(all().marks(b"kernel BUG: x").count(), 2);
    }

    #[test]
    fn needles_are_long_and_none_hides_another() {
        for needle in NEEDLES {
            assert!(needle.len() >= 4, "{needle}");
            assert_eq!(NEEDLES.iter().filter(|other| other.starts_with(needle)).count(), 1, "{needle}");
        }
    }
}
