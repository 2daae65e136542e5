//! Panics: which panic lines only say that a report before them was too much.

use super::headline::{Headline, Kind};
use crate::find::holds;

/// What a panic line says, and the headlines that it can follow.
struct Row {
    says: &'static str,
    follows: Follows,
}

enum Follows {
    /// Any report but an oops or a panic.
    Report,
    /// An oops.
    Oops,
    /// An oops of the task that the panic is about.
    OwnOops,
    /// A headline that holds one of these.
    Headline(&'static [&'static str]),
}

const fn row(says: &'static str, follows: Follows) -> Row {
    Row { says, follows }
}

/// Facts from the kernel: kernel/panic.c, kernel/exit.c, kernel/hung_task.c, kernel/watchdog.c, kernel/rcu/tree_stall.h,
/// kernel/workqueue.c, mm/oom_kill.c, mm/kmsan/report.c, drivers/acpi/apei, drivers/edac, arch/*/kernel.
const ROWS: &[Row] = &[
    row("panic_on_warn set", Follows::Report),
    row("panic_on_kmsan set", Follows::Headline(&["BUG: KMSAN:"])),
    row("panic_on_taint set", Follows::Report),
    row("scheduling while atomic", Follows::Headline(&["BUG: scheduling while atomic"])),
    row("Fatal exception", Follows::Oops),
    row("Machine halted", Follows::Headline(&["PANIC: double fault"])),
    row("Aiee, killing interrupt handler!", Follows::OwnOops),
    row("Attempted to kill the idle task!", Follows::OwnOops),
    row("Attempted to kill init!", Follows::OwnOops),
    row("hung_task: blocked tasks", Follows::Headline(&["INFO: task "])),
    row("softlockup: hung tasks", Follows::Headline(&["BUG: soft lockup"])),
    row("Hard LOCKUP", Follows::Headline(&["hard LOCKUP"])),
    row("RCU Stall", Follows::Headline(&["INFO: rcu_"])),
    row("workqueue: ", Follows::Headline(&["BUG: workqueue lockup"])),
    row("machine check", Follows::Headline(&["Machine Check", "[Hardware Error]"])),
    row("Fatal hardware error", Follows::Headline(&["[Hardware Error]"])),
    row("UE ", Follows::Headline(&["EDAC MC"])),
    row("panic_on_oom is enabled", Follows::Headline(&["invoked oom-killer"])),
    row("System is deadlocked on memory", Follows::Headline(&["invoked oom-killer"])),
];

/// True where a panic line only says that this earlier report was too much.
pub(super) fn follows(earlier: &Headline<'_>, panic: &Headline<'_>) -> bool {
    let has = |text: &[u8], part: &str| holds(text, part.as_bytes());
    let row = ROWS.iter().find(|row| has(panic.text, row.says));
    row.is_some_and(|row| match row.follows {
        Follows::Report => !matches!(earlier.kind, Kind::Oops | Kind::Panic),
        Follows::Oops => earlier.kind == Kind::Oops,
        Follows::OwnOops => earlier.kind == Kind::Oops && earlier.is_beside(panic),
        Follows::Headline(parts) => parts.iter().any(|part| has(earlier.text, part)),
    })
}
