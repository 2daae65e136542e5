//! Who did something, on which CPU and when.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::{Cursor, Text, text};
use super::value::Time;
use crate::find::find;

/// Who did something, on which CPU and when, as far as the kernel says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct By<'t> {
    /// The task's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comm: Option<Text<'t>>,
    /// The task's pid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// True for an interrupt; it is no task's doing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupt: bool,
    /// The CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// When, in seconds since boot.
    #[serde(rename = "seconds", skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

impl<'t> By<'t> {
    /// Reads `comm/pid`, whose name may hold a `/` too; anything else is a name.
    pub(super) fn task(task: &'t [u8], between: u8) -> By<'t> {
        let named = memchr::memrchr(between, task).and_then(|at| {
            let pid = std::str::from_utf8(&task[at + 1..]).ok()?.parse().ok()?;
            Some((&task[..at], pid))
        });
        let (comm, pid) = named.map_or((task, None), |(comm, pid)| (comm, Some(pid)));
        By { comm: Some(text(comm)).filter(|comm| !comm.is_empty()), pid, ..By::default() }
    }

    /// Reads what heads a stack trace; `None` where it names nobody.
    ///
    /// `Allocated by task 65 on cpu 1 at 12.345678s:` (mm/kasan/report.c, mm/kfence/report.c), `write to 0xffff888012345678
    /// of 8 bytes by interrupt on cpu 1:` (kernel/kcsan/report.c), `page last allocated via order 0, …, pid 65, tgid 65 (sh), ts
    /// 12345678, …` (mm/page_owner.c).
    pub(crate) fn of_head(head: &'t [u8]) -> Option<By<'t>> {
        let mut line = Cursor(head);
        if line.skip("page last ").is_some() {
            return By::of_page(line);
        }
        line.until(" by ")?;
        let mut by = if line.skip("interrupt").is_some() {
            By { interrupt: true, ..By::default() }
        } else {
            line.skip("task ")?;
            let pid = line.number()?;
            By { pid: Some(pid), ..By::default() }
        };
        if line.skip(" on cpu ").is_some() {
            by.cpu = line.number();
        }
        if line.skip(" at ").is_some() {
            by.time = seconds(&mut line);
        }
        Some(by)
    }

    fn of_page(mut line: Cursor<'t>) -> Option<By<'t>> {
        let pid = line.number_behind("pid ")?;
        let mut by = By { pid: Some(pid), ..By::default() };
        if let Some(tail) = find(line.0, b"tgid ").map(|at| &line.0[at..])
            && let Some(open) = memchr::memchr(b'(', tail)
            && let Some(close) = memchr::memchr(b')', &tail[open..])
        {
            by.comm = Some(text(&tail[open + 1..open + close]));
        }
        by.time = line.number_behind(", ts ").map(|nanos: u64| Time { micros: nanos / 1000 });
        Some(by)
    }
}

/// `12.345678s`.
fn seconds(line: &mut Cursor<'_>) -> Option<Time> {
    let whole: u64 = line.number()?;
    line.skip(".")?;
    let width = crate::run::digits(line.0);
    let fraction: u64 = line.number().filter(|_| width == 6)?;
    Some(Time { micros: whole.checked_mul(1_000_000)?.checked_add(fraction)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(line: &str) -> String {
        By::of_head(line.as_bytes()).map_or("-".into(), |by| serde_json::to_string(&by).expect("it is data"))
    }

    #[test]
    fn heads_of_traces() {
        for (line, want) in [
            ("Allocated by task 65:", r#"{"pid":65}"#),
            ("Freed by task 0 on cpu 1 at 12.345678s:", r#"{"pid":0,"cpu":1,"seconds":12.345678}"#),
            ("allocated by task 7 on cpu 0 at 46.000001s (1.5s ago):", r#"{"pid":7,"cpu":0,"seconds":46.000001}"#),
            ("write to 0xffff888012345678 of 8 bytes by interrupt on cpu 1:", r#"{"interrupt":true,"cpu":1}"#),
            ("page last free pid 9 tgid 9 stack trace:", r#"{"pid":9}"#),
            (
                "page last allocated via order 0, migratetype Movable, gfp_mask 0x1(X), pid 5, tgid 5 (sh), ts 62059000000, free_ts 1",
                r#"{"comm":"sh","pid":5,"seconds":62.059}"#,
            ),
            ("Allocated by task ffff:", "-"),
            ("Call Trace:", "-"),
        ] {
            assert_eq!(head(line), want, "{line}");
        }
    }

    #[test]
    fn a_task_may_hold_a_slash() {
        let by = By::task(b"kworker/0:1/23", b'/');
        assert_eq!((by.comm.as_deref(), by.pid), (Some("kworker/0:1"), Some(23)));
        let by = By::task(b"no pid", b'/');
        assert_eq!((by.comm.as_deref(), by.pid), (Some("no pid"), None));
    }
}
