//! Marks: which of the texts that some stage looks for stand in a line.

use crate::find::{find, holds};
use crate::rules::Rules;
use crate::trigger::{COUNT, Trigger};

mod finder;

pub(crate) use finder::{all, triggers};

const _: () = assert!(COUNT + TEXTS.len() <= u128::BITS as usize, "a mark has a bit");

/// A set of marks, one bit each; the lowest bits are the triggers, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u128);

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
    COMM "omm: "
    CODE "Code:"
    INTERRUPT "--- interrupt: "
    POINTER "IP:" | "IP " | "pc " | "PC "
    SOURCE ".c:" | ".h:"
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

    /// Every text that a mark stands for, besides those of triggers.
    pub fn texts() -> impl Iterator<Item = &'static str> {
        TEXTS.iter().flat_map(|texts| texts.iter().copied())
    }

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
    pub(crate) fn triggers(self) -> u128 {
        self.0 & ((1 << COUNT) - 1)
    }

    pub(crate) fn add(&mut self, marks: Marks) {
        self.0 |= marks.0;
    }
}

/// The texts that these rules look for, with their marks: the triggers first.
fn texts(rules: Rules) -> impl Iterator<Item = (Marks, &'static str)> {
    let others = TEXTS.iter().enumerate();
    trigger_texts(rules)
        .chain(others.flat_map(|(n, texts)| texts.iter().map(move |text| (Marks(1 << (COUNT + n)), *text))))
}

/// The triggers that these rules look for, with their marks.
fn trigger_texts(rules: Rules) -> impl Iterator<Item = (Marks, &'static str)> {
    let triggers = Trigger::all().filter(move |trigger| trigger.is_of(rules));
    triggers.map(|trigger| (Marks::trigger(trigger), trigger.text()))
}

/// True where a line says that the output around it is not worth a bug, whatever crashed (syzkaller: `suppressions`).
pub(crate) fn suppresses(line: &[u8], marks: Marks) -> bool {
    let follows = |first: &str, then: &[&str]| {
        find(line, first.as_bytes()).is_some_and(|at| then.iter().any(|t| holds(&line[at..], t.as_bytes())))
    };
    marks.any(Marks::SUPPRESSED)
        || marks.any(Marks::KILL) && follows("Out of memory: Kill process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::KILLED) && follows("Killed process ", &["(syz-executor)", "(sshd)"])
        || marks.any(Marks::LOW_MEMORY)
            && (holds(line, b"lowmemorykiller: Killing 'syz-executor'")
                || holds(line, b"lowmemorykiller: Killing 'sshd'"))
        || marks.any(Marks::CANNOT_ALLOCATE) && follows("panic:", &["cannot allocate memory"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppressed(line: &str) -> bool {
        let mut set = Marks::default();
        all(Rules::Syzbot).marks(line.as_bytes()).for_each(|(_, mark)| set.add(mark));
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
}
