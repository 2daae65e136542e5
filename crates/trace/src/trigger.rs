//! Triggers: the texts that make a console line the start of a report, and the lines that only look so.
//!
//! The order is syzkaller's (pkg/report/linux.go, `linuxOopses`): the first trigger that fits names the line.

use std::sync::LazyLock;

use memchr::memmem;

use crate::shape::Shape;

/// Position in the table of triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigger(pub(crate) u8);

struct Row {
    text: &'static str,
    /// Shapes of lines that hold the text and are no report.
    harmless: &'static [&'static str],
}

const fn row(text: &'static str, harmless: &'static [&'static str]) -> Row {
    Row { text, harmless }
}

const TABLE: &[Row] = &[
    row("BUG:", &["ODEBUG:", "Boot_DEBUG:", "xlog_status:", "DEBUG:", "BUG: no syscalls can create resource"]),
    row(
        "WARNING:",
        &[
            "WARNING: /etc/ssh/moduli does not exist, using fixed modulus",
            "WARNING: workqueue cpumask: online intersect > possible intersect",
            "WARNING: {The|the} mand mount option",
            "WARNING: Unsupported flag value\\(s) of 0x\\%x in DT_FLAGS_1",
            "WARNING: Unprivileged eBPF is enabled with eIBRS",
            "WARNING: fbcon: Driver '%l' missed to adjust virtual screen size \\(%dx%d vs. %dx%d)",
            "WARNING: See https…for mitigation options.",
            "WARNING: kernel not compiled with CPU_SRSO",
            "EXT4-{f|F}{s|S}:",
            "EXT4-{f|F}{s|S} \\(%l):",
            "warning:…uses deprecated v2 capabilities",
            "warning:…uses wireless extensions",
            "XFS \\(%w): WARNING",
        ],
    ),
    row(
        "INFO:",
        &[
            "INFO: lockdep is turned off",
            "INFO: Stall ended before state dump start",
            "INFO: NMI handler",
            "INFO: recovery required on readonly filesystem",
            "{handler|interrupt}…took too long",
            "INFO: sys_%w is not present in /proc/kallsyms",
            "INFO: no syscalls can create resource",
            "rmt_storage:INFO:",
            "_INFO:",
        ],
    ),
    row("Unable to handle kernel", &[]),
    row("general protection fault", &["general protection fault…error:%d in "]),
    row("stack segment: ", &[]),
    row("Kernel panic", &[]),
    row("PANIC: double fault", &[]),
    row("rust_kernel: panicked", &[]),
    row("kernel BUG", &[]),
    row("Kernel BUG", &[]),
    row("BUG kmalloc-", &[]),
    row("divide error:", &[]),
    row("divide_error:", &[]),
    row("invalid opcode:", &[]),
    row("int3:", &[]),
    row("UBSAN:", &[]),
    row("Booting the kernel.", &["Parsing ELF", "Decompressing Linux", "Unknown parameter '"]),
    row("unregister_netdevice: waiting for", &[]),
    row("VFS: Close: file count is 0", &[]),
    row("VFS: Busy inodes after unmount", &[]),
    row("Internal error:", &[]),
    row("Unhandled fault:", &[]),
    row("Alignment trap:", &[]),
    row("trusty: panic", &[]),
    row("fatal error:", &["ALSA", "fatal error: cannot create timer"]),
    row("SYZFAIL:", &[]),
    row("SYZFATAL:", &[]),
    row("panic:", &["_panic:", "xlog_status:", "ddb.onpanic:", "evtlog_status:"]),
];

/// How many triggers there are.
pub(crate) const COUNT: usize = TABLE.len();

static HARMLESS: LazyLock<Vec<Vec<Shape>>> =
    LazyLock::new(|| TABLE.iter().map(|row| row.harmless.iter().map(|shape| Shape::new(shape)).collect()).collect());

impl Trigger {
    /// The trigger of this text; the tables of formats name their trigger so.
    pub fn of(text: &str) -> Option<Trigger> {
        TABLE.iter().position(|row| row.text == text).map(|n| Trigger(n as u8))
    }

    /// All triggers, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Trigger> {
        (0..COUNT as u8).map(Trigger)
    }

    /// The text that a line must hold.
    pub fn text(self) -> &'static str {
        TABLE[usize::from(self.0)].text
    }

    /// The first trigger that fits a line, where `held` has a bit for each trigger whose text the line holds.
    pub(crate) fn first(line: &[u8], held: u64) -> Option<Trigger> {
        let mut held = held;
        while held != 0 {
            let n = held.trailing_zeros() as usize;
            if !HARMLESS[n].iter().any(|shape| is_like(line, shape)) {
                return Some(Trigger(n as u8));
            }
            held &= held - 1;
        }
        None
    }
}

/// True where a line holds a shape; `warning:` stands for any case of all its letters.
fn is_like(line: &[u8], shape: &Shape) -> bool {
    if shape.head() == b"warning:" {
        return memmem::find(line, b"uses ").is_some() && shape.find(&line.to_ascii_lowercase()).is_some();
    }
    shape.find(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(line: &str) -> Option<&'static str> {
        let held = Trigger::all().filter(|t| line.contains(t.text())).fold(0, |bits, t| bits | 1 << t.0);
        Trigger::first(line.as_bytes(), held).map(Trigger::text)
    }

    #[test]
    fn the_first_trigger_names_a_line() {
        assert_eq!(first("BUG: unable to handle kernel paging request"), Some("BUG:"));
        assert_eq!(first("kernel BUG at mm/slub.c:1!"), Some("kernel BUG"));
        assert_eq!(first("Kernel panic - not syncing: panic: x"), Some("Kernel panic"));
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
            "traps: general protection fault ip:1 sp:2 error:0 in x",
            "audit_panic: x",
        ] {
            assert_eq!(first(line), None, "{line}");
        }
        // A harmless BUG does not hide what stands beside it.
        assert_eq!(first("ODEBUG: x WARNING: y"), Some("WARNING:"));
    }
}
