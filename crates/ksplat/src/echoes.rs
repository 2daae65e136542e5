//! Echoes that names tell: what is reported once more, and what happens in a call that was reported already.
//!
//! Headlines alone tell others ([`trace::Causes`]). A report that is no cause of its own is not remembered.

use std::collections::{HashMap, VecDeque};

use signature::Title;
use trace::{Report, Role, Why};

use crate::Follows;

/// The first causes of an input so far.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    /// The number of the first one of each title.
    titles: HashMap<String, usize>,
    /// What the last ones are about, newest first.
    calls: VecDeque<(usize, Call)>,
}

/// Titles that are remembered: logs with more different ones are no logs of one boot.
const TITLES: usize = 4096;
/// Calls that are remembered: what fails in a call is printed soon.
const CALLS: usize = 16;

impl Echoes {
    /// What a report follows that no headline gives away as an echo; else it is remembered by its number.
    pub fn judge(&mut self, number: usize, report: &Report<'_>, title: &Title) -> Option<Follows> {
        if !title.lacks_function()
            && let Some(first) = self.titles.get(&title.title)
        {
            return Some(Follows { report: *first, why: Why::Again });
        }
        if let Some((first, _)) = self.calls.iter().find(|(_, call)| call.is_in(report)) {
            return Some(Follows { report: *first, why: Why::Call });
        }
        if self.titles.len() < TITLES && !title.lacks_function() {
            self.titles.insert(title.title.clone(), number);
        }
        if let Some(call) = Call::of(report, title) {
            self.calls.truncate(CALLS - 1);
            self.calls.push_front((number, call));
        }
        None
    }
}

/// A call of the blamed function.
#[derive(Debug)]
struct Call {
    pid: u32,
    cpu: Option<u32>,
    function: String,
    /// Where it returns to: the caller, and the bytes from its start.
    caller: (String, u64),
}

impl Call {
    /// The call that a report is about, where it says whose it is.
    fn of(report: &Report<'_>, title: &Title) -> Option<Call> {
        let blamed = title.keys.first().filter(|key| key.name.is_some())?;
        let mut pairs = pairs(report);
        let [inner, outer] = pairs.find(|[inner, _]| inner.function == blamed.raw)?;
        Some(Call {
            pid: report.origin.pid?,
            cpu: report.origin.cpu,
            function: inner.function.to_owned(),
            caller: (outer.function.to_owned(), outer.offset),
        })
    }

    /// True where a report's own stack trace has this call on it.
    fn is_in(&self, report: &Report<'_>) -> bool {
        // The idle tasks of all CPUs are 0.
        let is_same_task = report.origin.pid == Some(self.pid) && (self.pid != 0 || report.origin.cpu == self.cpu);
        let is_this = |[inner, outer]: [&trace::Frame<'_>; 2]| {
            inner.function == self.function && outer.function == self.caller.0 && outer.offset == self.caller.1
        };
        is_same_task && pairs(report).any(is_this)
    }
}

/// Each frame of where a report was printed that the unwinder is sure of, and its caller.
fn pairs<'r, 't>(report: &'r Report<'t>) -> impl Iterator<Item = [&'r trace::Frame<'t>; 2]> {
    report.traces.iter().filter(|trace| trace.role == Role::Call).take(1).flat_map(|trace| {
        let frames = || trace.frames.iter().filter(|frame| frame.reliable);
        frames().zip(frames().skip(1)).map(|(inner, outer)| [inner, outer])
    })
}

#[cfg(test)]
mod tests {
    /// For each report a word: `-` for a cause, else the number and the reason.
    fn follows(log: &str) -> Vec<String> {
        let mut words = Vec::new();
        crate::reports(log.as_bytes(), |found| {
            let word = found.follows.map(|follows| format!("{} {}", follows.report, follows.why.name()));
            words.push(word.unwrap_or_else(|| "-".into()));
        });
        words
    }

    fn warning(pid: u32, line: u32, frames: &str) -> String {
        format!(
            "WARNING: CPU: 1 PID: {pid} at mm/slub.c:{line} x+0x1/0x2\nCPU: 1 PID: {pid} Comm: a Not tainted 6.1.0 #1\n\
             Call Trace:\n{frames}\n---[ end trace 0000000000000000 ]---\n"
        )
    }

    #[test]
    fn the_same_title_is_reported_again() {
        let log = warning(7, 1, " f+0x1/0x2\n g+0x1/0x2") + &warning(8, 2, " h+0x1/0x2") + &warning(9, 3, " f+0x1/0x9");
        assert_eq!(follows(&log), ["-", "-", "0 again"]);
        // Nobody knows whether two reports that lack their function are of one.
        let bare = |pid| {
            let machine = format!("CPU: 1 PID: {pid} Comm: a Not tainted 6.1.0 #1");
            format!("general protection fault: 0000 [#1]\n{machine}\n---[ end trace 0 ]---\n")
        };
        assert_eq!(follows(&(bare(5) + &bare(6))), ["-", "-"]);
    }

    #[test]
    fn a_call_that_was_reported_goes_on() {
        let first = warning(7, 1, " f+0x1/0x2\n g+0x8/0x9\n h+0x1/0x2");
        let second = " kasan_report+0x1/0x2\n e+0x1/0x2\n f+0x2/0x2\n g+0x8/0x9\n h+0x1/0x2";
        assert_eq!(follows(&(first.clone() + &warning(7, 2, second))), ["-", "0 same call"]);
        assert_eq!(follows(&(first.clone() + &warning(8, 2, second))), ["-", "-"], "another task");
        assert_eq!(follows(&(first + &warning(7, 2, &second.replace("g+0x8", "g+0x7")))), ["-", "-"], "another call");
    }
}
