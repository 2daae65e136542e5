//! The locks of an interrupt report's dependencies: `-> (&a){+.+.} {`, and where each was taken in which state.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::cursor::{Text, text};
use super::lock::Lock;

/// A lock of a dependency between one that interrupts take and one that is held while they can come
/// (kernel/locking/lockdep.c, `print_lock_class_header`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dependency<'t> {
    /// The lock.
    pub lock: Lock<'t>,
    /// How it was taken, and where first so.
    pub states: Vec<State<'t>>,
    /// The stack trace that shows how the dependency came about, by its number in `traces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquired: Option<usize>,
}

/// A state that a lock was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct State<'t> {
    /// Its name: `IN-SOFTIRQ-R`, `HARDIRQ-ON-W`, `INITIAL USE`.
    pub state: Text<'t>,
    /// The stack trace that shows where, by its number in `traces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<usize>,
}

impl<'t> Dependency<'t> {
    /// Reads `-> (&a){+.+.}-{3:3} ops: 12 {`.
    pub(super) fn parse(line: &'t [u8]) -> Option<Dependency<'t>> {
        let lock = line.strip_prefix(b"-> (")?.strip_suffix(b" {")?.len();
        let lock = Lock::parse(&line[3..4 + lock])?;
        Some(Dependency { lock, states: Vec::new(), acquired: None })
    }

    /// Takes a line that heads stack trace number `trace`: `IN-SOFTIRQ-R at:`, `... acquired at:`.
    pub(super) fn head(&mut self, line: &'t [u8], trace: usize) {
        let Some(state) = line.trim_ascii_end().strip_suffix(b" at:") else { return };
        match state {
            b"... acquired" => self.acquired = Some(trace),
            state => self.states.push(State { state: text(state.trim_ascii_end()), trace: Some(trace) }),
        }
    }

    /// The stack trace that was headed last, with this number, has no frames.
    pub(super) fn without_trace(&mut self, trace: usize) {
        self.acquired = self.acquired.filter(|known| *known != trace);
        for state in self.states.iter_mut().filter(|state| state.trace == Some(trace)) {
            state.trace = None;
        }
    }
}

/// True for a line that heads where a lock was taken in some state: `IN-SOFTIRQ-R at:`, `INITIAL USE at:`.
pub(crate) fn heads_state(line: &[u8]) -> bool {
    const STATES: [&str; 5] = ["HARDIRQ-ON-", "SOFTIRQ-ON-", "RECLAIM_FS-ON-", "IN-", "INITIAL "];
    line.trim_ascii_end().ends_with(b" at:") && STATES.iter().any(|state| line.starts_with(state.as_bytes()))
}
