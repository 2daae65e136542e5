//! Triggers: the texts that make a console line the start of a report, and the lines that only look so.
//!
//! They are those of the table's rows, in the order of their first rows, which is syzkaller's (pkg/report/linux.go,
//! `linuxOopses`): the first trigger that fits names the line.

use std::sync::LazyLock;

use crate::find::holds;
use crate::format::TABLE;
use crate::rules::Rules;
use crate::shape::Shape;

/// Position among the triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigger(pub(crate) u8);

/// How many triggers there are.
pub(crate) const COUNT: usize = FOUND.1;

/// The triggers of the table, each once, and how many there are.
const FOUND: ([&str; TABLE.len()], usize) = {
    let mut texts = [""; TABLE.len()];
    let (mut count, mut row) = (0, 0);
    while row < TABLE.len() {
        let text = TABLE[row].trigger;
        let mut known = 0;
        while known < count && !same(texts[known], text) {
            known += 1;
        }
        texts[known] = text;
        count += (known == count) as usize;
        row += 1;
    }
    (texts, count)
};

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// For each of the rules and each trigger, the lines that hold it and are no report.
static HARMLESS: [LazyLock<Vec<Vec<Shape>>>; 2] =
    [LazyLock::new(|| harmless(Rules::Syzbot)), LazyLock::new(|| harmless(Rules::Ksplat))];

fn harmless(rules: Rules) -> Vec<Vec<Shape>> {
    let of = |trigger: Trigger| TABLE.iter().filter(move |row| row.trigger == trigger.text() && row.is_of(rules));
    let shapes = |trigger| of(trigger).flat_map(|row| row.harmless).map(|shape| Shape::new(shape)).collect();
    Trigger::all().map(shapes).collect()
}

impl Trigger {
    /// The trigger of this text.
    pub fn of(text: &str) -> Option<Trigger> {
        Trigger::all().find(|trigger| trigger.text() == text)
    }

    /// All triggers, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Trigger> {
        (0..COUNT as u8).map(Trigger)
    }

    /// The text that a line must hold.
    pub fn text(self) -> &'static str {
        FOUND.0[usize::from(self.0)]
    }

    /// True where these rules have the trigger.
    pub(crate) fn is_of(self, rules: Rules) -> bool {
        TABLE.iter().any(|row| row.trigger == self.text() && row.is_of(rules))
    }

    /// The first trigger that fits a line, where `held` has a bit for each trigger whose text the line holds.
    pub(crate) fn first(line: &[u8], held: u128, rules: Rules) -> Option<Trigger> {
        let mut held = held;
        while held != 0 {
            let n = held.trailing_zeros() as usize;
            if !HARMLESS[rules as usize][n].iter().any(|shape| is_like(line, shape)) {
                return Some(Trigger(n as u8));
            }
            held &= held - 1;
        }
        None
    }
}

/// True where a line holds a shape; `warning:` stands for any case of all its letters.
fn is_like(line: &[u8], shape: &Shape) -> bool {
    if shape.head() == b"warning: " {
        return holds(line, b"uses ") && shape.find(&line.to_ascii_lowercase()).is_some();
    }
    shape.find(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_of(line: &str, rules: Rules) -> Option<&'static str> {
        let held = Trigger::all().filter(|t| t.is_of(rules) && line.contains(t.text()));
        Trigger::first(line.as_bytes(), held.fold(0, |bits, t| bits | 1 << t.0), rules).map(Trigger::text)
    }

    fn first(line: &str) -> Option<&'static str> {
        first_of(line, Rules::Syzbot)
    }

    /// syzkaller's triggers in its order.
    const SYZBOT: [&str; 29] = [
        "BUG:",
        "WARNING:",
        "INFO:",
        "Unable to handle kernel",
        "general protection fault",
        "stack segment: ",
        "Kernel panic",
        "PANIC: double fault",
        "rust_kernel: panicked",
        "kernel BUG",
        "Kernel BUG",
        "BUG kmalloc-",
        "divide error:",
        "divide_error:",
        "invalid opcode:",
        "int3:",
        "UBSAN:",
        "Booting the kernel.",
        "unregister_netdevice: waiting for",
        "VFS: Close: file count is 0",
        "VFS: Busy inodes after unmount",
        "Internal error:",
        "Unhandled fault:",
        "Alignment trap:",
        "trusty: panic",
        "fatal error:",
        "SYZFAIL:",
        "SYZFATAL:",
        "panic:",
    ];

    #[test]
    fn the_triggers_under_syzbots_rules_are_its_own() {
        let triggers: Vec<_> = Trigger::all().filter(|t| t.is_of(Rules::Syzbot)).map(Trigger::text).collect();
        assert_eq!(triggers, SYZBOT);
        assert!(Trigger::all().all(|trigger| trigger.is_of(Rules::Ksplat)));
    }

    #[test]
    fn the_first_trigger_names_a_line() {
        assert_eq!(first("BUG: unable to handle kernel paging request"), Some("BUG:"));
        assert_eq!(first("kernel BUG at mm/slub.c:1!"), Some("kernel BUG"));
        assert_eq!(first("Kernel panic - not syncing: panic: x"), Some("Kernel panic"));
    }

    #[test]
    fn a_trigger_may_be_of_ksplats_rules_only() {
        let line = "irq 16: nobody cared (try booting with the \"irqpoll\" option)";
        assert_eq!((first(line), first_of(line, Rules::Ksplat)), (None, Some(": nobody cared")));
    }

    #[test]
    fn harmless_lines_trigger_nothing() {
        for line in [
            "ODEBUG: selftest passed",
            "WARNING: /etc/ssh/moduli does not exist, using fixed modulus",
            "WARNING: Unsupported flag value(s) of 0x%x in DT_FLAGS_1.",
            "WARNING: fbcon: Driver 'x y' missed to adjust virtual screen size (0x0 vs. 64x768)",
            "EXT4-fs (sda1): WARNING: x",
            "Warning: `syz' uses deprecated v2 capabilities in a way: WARNING: x",
            "XFS (loop0): WARNING: x",
            "INFO: NMI handler (perf) took too long to run",
            "INFO: sys_landlock add_rule is not present in /proc/kallsyms",
            "traps: general protection fault ip:1 sp:2 error:0 in x",
            "audit_panic: x",
        ] {
            assert_eq!(first(line), None, "{line}");
        }
        // A harmless BUG does not hide what stands beside it.
        assert_eq!(first("ODEBUG: x WARNING: y"), Some("WARNING:"));
    }
}
