//! Sleeping where one must not: in an interrupt, with a spinlock held, with preemption disabled.

use schemars::JsonSchema;
use serde::Serialize;

use super::by::By;
use super::cursor::Cursor;

/// What forbids to sleep, or to schedule (kernel/sched/core.c, `__might_resched`, `__schedule_bug`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Atomic<'t> {
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<By<'t>>,
    /// It may not be preempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_atomic: Option<bool>,
    /// Interrupts are disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irqs_disabled: Option<bool>,
    /// How often preemption is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preempt_count: Option<u64>,
    /// How deep in read sides of RCU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcu_nest_depth: Option<u64>,
}

impl<'t> Atomic<'t> {
    /// Reads what follows `BUG: `: `sleeping function called from invalid context at f.c:12`, `scheduling while atomic: sh/65/0x00000002`.
    pub(super) fn of_headline(line: &'t [u8]) -> Option<Atomic<'t>> {
        let mut line = Cursor(line);
        if line.skip("scheduling while atomic: ").is_none() {
            return line.skip("sleeping function called from invalid context").map(|()| Atomic::default());
        }
        let slash = memchr::memrchr(b'/', line.0)?;
        let preempt_count = Cursor(&line.0[slash + 1..]).hex().map(|count| count.0);
        let task = Some(By::task(&line.0[..slash], b'/'));
        Some(Atomic { task, in_atomic: Some(true), preempt_count, ..Atomic::default() })
    }

    /// Takes a line below the headline; false where it says nothing.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        self.take(Cursor(line)).is_some()
    }

    fn take(&mut self, mut line: Cursor<'t>) -> Option<()> {
        match line.0.first()? {
            // `in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 65, name: sh`
            b'i' => {
                line.skip("in_atomic(): ")?;
                self.in_atomic = line.number().map(|is: u32| is > 0);
                self.irqs_disabled = line.number_behind("irqs_disabled(): ").map(|is: u32| is > 0);
                let pid = line.number_behind("pid: ");
                let comm = line.until("name: ").map(|_| super::cursor::text(line.0));
                self.task = Some(By { comm, pid, ..By::default() });
            }
            // `preempt_count: 1, expected: 0`
            b'p' => {
                line.skip("preempt_count: ")?;
                self.preempt_count = line.hex().map(|count| count.0);
            }
            b'R' => {
                line.skip("RCU nest depth: ")?;
                self.rcu_nest_depth = line.number();
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forbids_to_sleep() {
        let mut atomic =
            Atomic::of_headline(b"sleeping function called from invalid context at m.c:5").expect("it is one");
        for line in [
            "in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 65, name: my task",
            "preempt_count: 101, expected: 0",
            "RCU nest depth: 2, expected: 0",
        ] {
            assert!(atomic.read(line.as_bytes()), "{line}");
        }
        assert_eq!(
            serde_json::to_string(&atomic).expect("it is data"),
            r#"{"task":{"comm":"my task","pid":65},"in_atomic":true,"irqs_disabled":false,"preempt_count":257,"rcu_nest_depth":2}"#
        );
        let atomic = Atomic::of_headline(b"scheduling while atomic: kworker/0:1/65/0x00000002").expect("it is one");
        assert_eq!((atomic.preempt_count, atomic.task.and_then(|task| task.pid)), (Some(2), Some(65)));
    }
}
