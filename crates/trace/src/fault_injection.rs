//! Injected faults: which allocation or copy the fault injection of a fuzzer's kernel made fail, and where.
//!
//! The blocks are syzkaller's (pkg/report/linux.go): lib/fault-inject.c, `fail_dump`, prints one for each fault.

use std::collections::HashSet;

use crate::frame::Frame;
use crate::log::Entry;
use crate::marks::Marks;
use crate::splat::{INFORMS, follows};

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
        let following = follows();
        let ends = |entry: &Entry<'_>| {
            entry.marks.any(INFORMS) || entry.trigger.is_some() && !entry.marks.any(following)
        };
        let mut lines = vec![first.line.body.trim_ascii()];
        let mut has_frames = false;
        let mut cpus = false;
        for Entry { line, marks, .. } in rest.iter().take_while(|entry| !ends(entry)) {
            let same = !context.is_known() || line.context == context || cpus && line.context.is_cpu();
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
