//! What of a report says which bug it is, for the families.

use family::{Role, Stack, Traits};
use signature::name::{demangled, without_suffixes};
use trace::Marks;
use trace::detail::lockdep::Lock;

use crate::Found;

/// How many source files of a report count.
const FILES: usize = 200;

impl Found<'_> {
    /// What of this report says which bug it is.
    pub fn traits(&self) -> Traits {
        let detail = &self.report.detail;
        let (files, inlined) = self.sources();
        let stacks = self.report.traces.iter().map(|trace| Stack {
            role: role(trace.role),
            functions: trace
                .frames
                .iter()
                .filter(|frame| frame.reliable && !frame.function.is_empty())
                .map(|frame| demangled(without_suffixes(frame.function)).into_owned())
                .collect(),
        });
        let inlined = Stack { role: Role::Other, functions: inlined };
        let lockdep = detail.lockdep.iter().flat_map(|report| {
            let own = [&report.wanted, &report.held, &report.irq_safe, &report.irq_unsafe].into_iter().flatten();
            own.chain(report.chain.iter().flat_map(|chain| chain.locks.iter().map(|link| &link.lock)))
        });
        let held = detail.locks_held.iter().flat_map(|holder| &holder.locks);
        let class = |lock: &Lock<'_>| lock.class.class.clone().into_owned();
        let object = detail.object.as_ref().and_then(|object| object.cache.as_ref());
        Traits {
            title: self.title.title.clone(),
            alternatives: self.title.alternatives.clone(),
            kind: self.title.crash_type.map_or_else(String::new, |kind| kind.name().to_owned()),
            blamed: self.title.frame().map(str::to_owned),
            corrupted: self.title.corrupted.is_some(),
            stacks: stacks.chain((!inlined.functions.is_empty()).then_some(inlined)).collect(),
            files,
            locks: lockdep.chain(held).map(class).collect(),
            caches: object.map(|name| name.clone().into_owned()).into_iter().collect(),
            source: detail.source.map(|source| source.file.to_owned()),
            release: self.report.origin.release.map(str::to_owned),
        }
    }

    /// The source files of a symbolized report, and the functions that were inlined.
    fn sources(&self) -> (Vec<String>, Vec<String>) {
        let (mut files, mut inlined): (Vec<String>, Vec<String>) = Default::default();
        for entry in self.splat.lines.iter().filter(|entry| entry.marks.any(Marks::SOURCE)) {
            let Ok(line) = std::str::from_utf8(entry.line.body) else { continue };
            let mut words = line.split_ascii_whitespace();
            let Some(function) = words.next() else { continue };
            if line.trim_end().ends_with("[inline]") {
                inlined.push(function.to_owned());
            }
            let paths = words.filter_map(|word| word.trim_matches(['(', ')']).rsplit_once(':')).map(|(path, _)| path);
            for path in paths.filter(|path| path.ends_with(".c") || path.ends_with(".h") || path.ends_with(".S")) {
                let path = path.trim_start_matches("./");
                if files.len() < FILES && !files.iter().any(|known| known == path) {
                    files.push(path.to_owned());
                }
            }
        }
        (files, inlined)
    }
}

fn role(role: trace::Role) -> Role {
    match role {
        trace::Role::Call | trace::Role::Pointer | trace::Role::Access | trace::Role::Leaked => Role::Crash,
        trace::Role::Allocated | trace::Role::PageAllocated | trace::Role::Created | trace::Role::Stored => {
            Role::Allocated
        }
        trace::Role::Freed | trace::Role::PageFreed => Role::Freed,
        trace::Role::LockChain | trace::Role::LockState => Role::Chain,
        trace::Role::OtherCpu | trace::Role::Queued => Role::Other,
    }
}
