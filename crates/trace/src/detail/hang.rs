//! Hung tasks and lockups: who hangs, and for how long.

use schemars::JsonSchema;
use serde::Serialize;

use super::by::By;
use super::cursor::{Cursor, Text, text};

/// What hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HangKind {
    /// A task that sleeps without being interruptible (kernel/hung_task.c).
    HungTask,
    /// A CPU that does not schedule (kernel/watchdog.c).
    SoftLockup,
    /// A CPU that takes no interrupts (kernel/watchdog_perf.c).
    HardLockup,
    /// A pool of workers that makes no progress (kernel/workqueue.c).
    WorkqueueLockup,
}

/// A hang.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hang<'t> {
    /// What hangs.
    pub kind: HangKind,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<By<'t>>,
    /// The CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// For how long, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// The task's state: `D` sleeps without being interruptible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<char>,
    /// What it waits for: `mutex`, `I/O`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Text<'t>>,
    /// Who probably holds what the task waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<By<'t>>,
    /// The pool of workers that hangs: `cpus=0 node=0 flags=0x0 nice=0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Text<'t>>,
}

impl<'t> Hang<'t> {
    fn of(kind: HangKind) -> Hang<'t> {
        Hang { kind, task: None, cpu: None, seconds: None, state: None, waits_for: None, owner: None, pool: None }
    }

    /// Reads `INFO: task sh:65 blocked for more than 143 seconds.`, and linux-next's `… can't die for more than …`.
    pub(super) fn of_task(line: &'t [u8]) -> Option<Hang<'t>> {
        let mut line = Cursor(line);
        line.skip("INFO: task ")?;
        let task = line.until(" blocked ").or_else(|| line.until(" can't die "))?;
        let task = By::task(task, b':');
        // Since 6.18: `blocked in I/O wait for more than`.
        let waits_for = line.skip("in I/O wait ").map(|()| "I/O".into());
        line.skip("for more than ")?;
        Some(Hang { task: Some(task), seconds: Some(line.number()?), waits_for, ..Hang::of(HangKind::HungTask) })
    }

    /// Reads what follows `BUG: `: `soft lockup - CPU#1 stuck for 22s! [sh:65]`, or `workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 34s!`.
    pub(super) fn of_lockup(line: &'t [u8]) -> Option<Hang<'t>> {
        let mut line = Cursor(line);
        if line.skip("soft lockup - CPU#").is_some() {
            let cpu = Some(line.number()?);
            let seconds = line.number_behind("stuck for ");
            let task = line.until("[").and_then(|_| {
                let close = memchr::memrchr(b']', line.0)?;
                Some(By::task(&line.0[..close], b':'))
            });
            return Some(Hang { cpu, seconds, task, ..Hang::of(HangKind::SoftLockup) });
        }
        line.skip("workqueue lockup - pool ")?;
        let pool = Some(text(line.until(" stuck for ")?));
        Some(Hang { pool, seconds: line.number(), ..Hang::of(HangKind::WorkqueueLockup) })
    }

    /// Reads `Watchdog detected hard LOCKUP on cpu 1`.
    pub(super) fn of_hard_lockup(line: &'t [u8]) -> Option<Hang<'t>> {
        let mut line = Cursor(line);
        line.until("atchdog detected hard LOCKUP on cpu ")?;
        Some(Hang { cpu: Some(line.number()?), ..Hang::of(HangKind::HardLockup) })
    }

    /// Takes what is printed of the hung task below the headline; false where a line is about something else.
    pub(super) fn read(&mut self, line: &'t [u8]) -> bool {
        self.kind == HangKind::HungTask && self.take(line).is_some()
    }

    fn take(&mut self, line: &'t [u8]) -> Option<()> {
        let mut rest = Cursor(line);
        if rest.skip("INFO: task ").is_some() {
            // Since 6.16: `INFO: task sh:65 is blocked on a mutex likely owned by task cat:66.`
            rest.until(" is blocked on a")?;
            let _ = rest.skip("n");
            let (kind, owner) = match rest.until(" likely owned by task ") {
                Some(kind) => (kind, Some(rest.0.strip_suffix(b".").unwrap_or(rest.0))),
                None => (rest.until(",")?, None),
            };
            self.waits_for = Some(text(kind));
            // Behind the pid the owner's state may follow: `cat:66 <writer>`.
            self.owner =
                owner.map(|task| task.split(|b| *b == b' ').next().unwrap_or(task)).map(|task| By::task(task, b':'));
            return Some(());
        }
        let comm = self.task.as_ref()?.comm.as_deref()?.as_bytes();
        // Since 5.7 `task:sh state:D stack:0 pid:65`, before that `sh D 0 65 1 0x00000000`.
        let named = rest.skip("task:").is_some();
        rest.0 = rest.0.strip_prefix(comm).filter(|_| self.state.is_none())?;
        rest.blanks();
        if named {
            rest.skip("state:")?;
        }
        let (state, behind) = rest.0.split_first()?;
        let is_state = state.is_ascii_alphabetic() && behind.first().is_none_or(|b| !b.is_ascii_alphabetic());
        self.state = Some(char::from(*state)).filter(|_| is_state);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(hang: &Hang<'_>) -> String {
        serde_json::to_string(hang).expect("it is data")
    }

    #[test]
    fn hung_tasks() {
        let mut hang =
            Hang::of_task(b"INFO: task kworker/0:1:65 blocked for more than 143 seconds.").expect("it is one");
        assert!(!hang.read(b"task:other state:R"));
        assert!(hang.read(b"task:kworker/0:1     state:D stack:25000 pid:65"));
        assert!(hang.read(b"INFO: task kworker/0:1:65 is blocked on a mutex likely owned by task cat:66."));
        assert_eq!(
            show(&hang),
            r#"{"kind":"hung_task","task":{"comm":"kworker/0:1","pid":65},"seconds":143,"state":"D","waits_for":"mutex","owner":{"comm":"cat","pid":66}}"#
        );
        let mut hang = Hang::of_task(b"INFO: task sh:7 blocked for more than 120 seconds.").expect("it is one");
        assert!(hang.read(b"sh              D12345     7      1 0x00000004"));
        assert_eq!(hang.state, Some('D'));
        let hang = Hang::of_task(b"INFO: task sh:7 blocked in I/O wait for more than 120 seconds.").expect("it is one");
        assert_eq!(hang.waits_for.as_deref(), Some("I/O"));
    }

    #[test]
    fn lockups() {
        let lockup = |line: &'static str| Hang::of_lockup(line.as_bytes()).map_or("-".into(), |hang| show(&hang));
        assert_eq!(
            lockup("soft lockup - CPU#1 stuck for 22s! [kworker/0:1:65]"),
            r#"{"kind":"soft_lockup","task":{"comm":"kworker/0:1","pid":65},"cpu":1,"seconds":22}"#
        );
        assert_eq!(
            lockup("workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 34s!"),
            r#"{"kind":"workqueue_lockup","seconds":34,"pool":"cpus=0 node=0 flags=0x0 nice=0"}"#
        );
        assert_eq!(lockup("KASAN: x"), "-");
        let hard = Hang::of_hard_lockup(b"NMI watchdog: Watchdog detected hard LOCKUP on cpu 3").expect("it is one");
        assert_eq!(show(&hard), r#"{"kind":"hard_lockup","cpu":3}"#);
    }
}
