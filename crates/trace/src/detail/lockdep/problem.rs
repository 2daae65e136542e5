//! What lockdep complains about.

use schemars::JsonSchema;
use serde::Serialize;

use crate::find::holds;

/// What lockdep complains about (kernel/locking/lockdep.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Locks are taken in an order that closes a cycle.
    Circular,
    /// A task takes a lock of a class of which it holds one.
    Recursive,
    /// A lock is taken in an interrupt and also while such interrupts can come.
    InconsistentState,
    /// A lock that interrupts take depends on one that is held while they can come.
    UnsafeOrder,
    /// The same, found when the lock is first taken in an interrupt, or with interrupts enabled.
    IrqInversion,
    /// Something that RCU protects is used without protection.
    SuspiciousRcuUsage,
    /// A lock is released that is not held.
    UnlockBalance,
    /// A lock is waited for that is not held.
    Contention,
    /// A lock is taken where nobody may wait in such a way.
    InvalidWaitContext,
    /// Memory is freed that holds a lock which is held.
    HeldLockFreed,
    /// A system call returns, or a task ends, with a lock held.
    StillHeld,
    /// The lock that should protect a nested one is not held.
    NestedNotTaken,
    /// A lock without a static key is used: it was not initialised.
    NonStaticKey,
}

/// The kernel's words, in the order in which they are looked for.
const WORDS: &[(&str, Problem)] = &[
    ("possible circular locking dependency detected", Problem::Circular),
    ("possible recursive locking detected", Problem::Recursive),
    ("inconsistent lock state", Problem::InconsistentState),
    ("-unsafe lock order detected", Problem::UnsafeOrder),
    ("possible irq lock inversion dependency detected", Problem::IrqInversion),
    ("suspicious RCU usage", Problem::SuspiciousRcuUsage),
    ("bad unlock balance detected", Problem::UnlockBalance),
    ("bad contention detected", Problem::Contention),
    ("Invalid wait context", Problem::InvalidWaitContext),
    ("held lock freed", Problem::HeldLockFreed),
    ("lock held when returning to user space", Problem::StillHeld),
    ("lock held at task exit time", Problem::StillHeld),
    ("still has locks held", Problem::StillHeld),
    ("Nested lock was not taken", Problem::NestedNotTaken),
    ("trying to register non-static key", Problem::NonStaticKey),
];

impl Problem {
    /// The problem of a headline: `WARNING: possible circular locking dependency detected`, `[ BUG: Invalid wait context ]`.
    pub(super) fn of_headline(line: &[u8]) -> Option<Problem> {
        // Before 4.12 these were `[ INFO: … ]`; some still are `[ BUG: … ]`.
        let line = line.strip_prefix(b"[ ").unwrap_or(line);
        let heads: [&[u8]; 3] = [b"WARNING: ", b"BUG: ", b"INFO: "];
        let line = heads.iter().find_map(|head| line.strip_prefix(*head))?;
        WORDS.iter().find(|(words, _)| holds(line, words.as_bytes())).map(|(_, problem)| *problem)
    }
}
