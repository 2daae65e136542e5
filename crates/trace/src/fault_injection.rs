//! Injected faults: which allocation or copy the fault injection of a fuzzer's kernel made fail, and where.
//!
//! The blocks are syzkaller's (pkg/report/linux.go): lib/fault-inject.c, `fail_dump`, prints one for each fault.

use std::collections::HashSet;

use crate::frame::Frame;
use crate::line::Context;
use crate::log::Entry;
use crate::marks::Marks;
use crate::splat::{INFORMS, following};

/// Blocks that are kept of a text.
const MOST: usize = 5;

/// One injected fault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FaultInjection<'t> {
    /// Its lines without prefixes: the message, the attributes, the head of the stack trace and its frames.
    pub lines: Vec<&'t [u8]>,
}

impl<'t> FaultInjection<'t> {
    /// The first five different faults of a text, in the order in which they were injected.
    pub fn all(entries: &[Entry<'t>]) -> Vec<FaultInjection<'t>> {
        let starts = entries.iter().enumerate().filter(|(_, entry)| entry.marks.any(Marks::FAULT_INJECTION));
        let mut seen = HashSet::new();
        starts
            .filter_map(|(start, _)| FaultInjection::read(&entries[start..]))
            .filter(|fault| seen.insert(fault.clone()))
            .take(MOST)
            .collect()
    }

    /// The block of the first entry; `None` where the kernel printed no frame with it.
    fn read(entries: &[Entry<'t>]) -> Option<FaultInjection<'t>> {
        let (first, rest) = entries.split_first()?;
        let context = first.line.context;
        let following = following();
        let ends =
            |entry: &Entry<'_>| entry.marks.any(INFORMS) || entry.trigger.is_some() && !entry.marks.any(following);
        let mut lines = vec![first.line.body.trim_ascii()];
        let mut has_frames = false;
        let mut cpus = false;
        for Entry { line, marks, .. } in rest.iter().take_while(|entry| !ends(entry)) {
            let same = context == Context::NONE || line.context == context || cpus && line.context.is_cpu();
            if !same || !line.reliable {
                continue;
            }
            cpus |= marks.any(Marks::NMI_FROM_CPU);
            let text = line.body.trim_ascii();
            if text.starts_with(b"name ") || text == b"Call Trace:" {
                lines.push(text);
            } else if Frame::find(line.body).is_some() {
                has_frames = true;
                lines.push(line.body.trim_ascii_end());
            }
        }
        has_frames.then_some(FaultInjection { lines })
    }

    /// The block as text, a line break behind each line.
    pub fn text(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Log;

    fn faults(text: &str) -> Vec<String> {
        let log = Log::parse(text.as_bytes(), crate::Rules::Syzbot);
        FaultInjection::all(log.entries()).iter().map(|f| String::from_utf8_lossy(&f.text()).into_owned()).collect()
    }

    fn fault(caller: &str, function: &str) -> String {
        let lines = [
            "FAULT_INJECTION: forcing a failure.".to_owned(),
            "name failslab, interval 1, probability 0, space 0, times 0".to_owned(),
            "CPU: 0 PID: 7 Comm: syz.0.1 Not tainted 6.1.0 #1".to_owned(),
            "Call Trace:".to_owned(),
            " <TASK>".to_owned(),
            format!(" {function}+0x1/0x2 \n[ 1.0]{caller}  ? doubted+0x1/0x2"),
            " </TASK>".to_owned(),
        ];
        lines.map(|line| format!("[ 1.0]{caller} {line}\n")).concat()
    }

    const NAME: &str = "name failslab, interval 1, probability 0, space 0, times 0";

    fn want(function: &str) -> String {
        format!("FAULT_INJECTION: forcing a failure.\n{NAME}\nCall Trace:\n {function}+0x1/0x2\n")
    }

    #[test]
    fn a_fault_has_its_attributes_and_frames() {
        assert_eq!(faults(&fault("[ T1]", "f")), [want("f")]);
        assert_eq!(faults(&fault("", "f")), [want("f")]);
        assert_eq!(faults("BUG: x\n f+0x1/0x2\n"), [""; 0]);
    }

    #[test]
    fn a_fault_without_frames_is_none() {
        assert_eq!(faults("FAULT_INJECTION: forcing a failure.\nCall Trace:\n"), [""; 0]);
    }

    #[test]
    fn faults_are_told_once_and_five_at_most() {
        let log: String = ["a", "b", "a", "c", "d", "e", "f"].map(|f| fault("[ T1]", f)).concat();
        assert_eq!(faults(&log), ["a", "b", "c", "d", "e"].map(want));
    }

    #[test]
    fn a_fault_ends_at_a_report_but_not_at_its_echo() {
        let more = |line| format!("{}[ 1.0][ T1] {line}\n[ 1.0][ T1]  g+0x1/0x2\n", fault("[ T1]", "f"));
        assert_eq!(faults(&more("BUG: x")), [want("f")]);
        assert_eq!(faults(&more("vmalloc: allocation failure: 8 bytes")), [want("f")]);
        assert_eq!(faults(&more("Internal error: Oops")), [want("f") + " g+0x1/0x2\n"]);
    }

    #[test]
    fn other_callers_are_left_out_unless_they_were_asked() {
        let cpu = "[ 1.0][ C0]  g+0x1/0x2\n";
        assert_eq!(faults(&(fault("[ T1]", "f") + cpu)), [want("f")]);
        let asked = fault("[ T1]", "f") + "[ 1.0][ T1] Sending NMI from CPU 1 to CPUs 0:\n" + cpu;
        assert_eq!(faults(&asked), [want("f") + " g+0x1/0x2\n"]);
        let anybody = "FAULT_INJECTION: forcing a failure.\n f+0x1/0x2\n".to_owned() + cpu;
        assert_eq!(faults(&anybody), ["FAULT_INJECTION: forcing a failure.\n f+0x1/0x2\n g+0x1/0x2\n"]);
    }
}
