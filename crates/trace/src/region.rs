//! Regions by ksplat's rules: a report ends where it ends, not with the last line of the text that could start one.
//!
//! Lines, end and flags of a splat are cut to what belongs to it: a report ends at the latest where the same caller starts
//! another one, and its flags are what it and its echoes say, not what stands anywhere else in the text.

use std::collections::HashMap;

use crate::causes::{Causes, Why};
use crate::line::Context;
use crate::log::{Entry, Log};
use crate::marks::{Marks, suppresses};
use crate::report::Report;
use crate::splat::Splat;

/// What each splat of a log may hold.
#[derive(Debug)]
pub struct Regions<'t> {
    text: &'t [u8],
    regions: Vec<Region>,
    /// Where the last report of each caller ended.
    ends: HashMap<Context, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Region {
    /// Where the same caller starts another report, in bytes of the text.
    limit: usize,
    panicked: bool,
    suppressed: bool,
}

impl<'t> Regions<'t> {
    /// Looks at all splats of a log.
    pub fn of(log: &Log<'t>, causes: &Causes) -> Regions<'t> {
        let starts: Vec<usize> = log.starts().collect();
        let none = Region { limit: log.text().len(), panicked: false, suppressed: false };
        let mut regions = vec![none; starts.len()];
        // From the last one on: where the next report of each caller starts.
        let mut next = HashMap::new();
        for (number, start) in starts.iter().enumerate().rev() {
            let entry = &log.entries()[*start];
            let limit = next.get(&entry.line.context).copied().unwrap_or(log.text().len());
            regions[number].limit = limit;
            let goes_on = causes.echo(number).is_some_and(|echo| echo.why == Why::Headline);
            next.insert(entry.line.context, if goes_on { limit } else { entry.line.offset });
            let cause = causes.echo(number).map_or(number, |echo| echo.of);
            for group in [number, cause] {
                regions[group].panicked |= entry.marks.any(Marks::NOT_SYNCING);
                regions[group].suppressed |= suppresses(entry.line.raw, entry.marks);
            }
        }
        Regions { text: log.text(), regions, ends: HashMap::new() }
    }

    /// Drops what the same caller's report before this one said from the lines that led to a splat.
    pub fn begin(&self, splat: &mut Splat<'t>) {
        if let Some(end) = self.ends.get(&splat.context) {
            splat.before.retain(|entry| entry.line.offset >= *end);
        }
    }

    /// Takes note of where a splat's report ends; splats come in their order.
    pub fn end(&mut self, splat: &Splat<'t>, report: &Report<'t>) {
        self.ends.insert(splat.context, report.end);
    }

    /// The splat without what is not its own, and what it says.
    pub fn cut(&self, mut splat: Splat<'t>) -> (Splat<'t>, Report<'t>) {
        splat.keep(self.regions[splat.index].limit);
        let report = Report::parse(&splat);
        splat.keep(report.end);
        splat.end = report.end.max(splat.skip);
        splat.raw = &self.text[splat.start..splat.end];
        (self.judged(splat), report)
    }

    /// The splat as it is, with flags of its own.
    pub fn judged(&self, mut splat: Splat<'t>) -> Splat<'t> {
        let Region { panicked, suppressed, .. } = self.regions[splat.index];
        let suppresses = |entry: &Entry<'_>| {
            entry.line.offset < splat.end
                && entry.marks.any(Marks::MAYBE_SUPPRESSED)
                && suppresses(entry.line.raw, entry.marks)
        };
        (splat.panicked, splat.suppressed) = (panicked, suppressed || splat.lines.iter().any(suppresses));
        splat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    /// Text, panicked and suppressed of each splat.
    fn cut(text: &str) -> Vec<(String, bool, bool)> {
        let log = Log::parse(text.as_bytes(), Rules::Ksplat);
        let regions = Regions::of(&log, &Causes::of(&log));
        let body = |splat: &Splat<'_>| {
            let lines = splat.lines.iter().map(|entry| String::from_utf8_lossy(entry.line.body));
            lines.collect::<Vec<_>>().join("|")
        };
        let splats = log.splats().map(|splat| regions.cut(splat).0);
        splats.map(|splat| (body(&splat), splat.panicked, splat.suppressed)).collect()
    }

    #[test]
    fn a_report_ends_where_other_output_starts() {
        let text = "WARNING: a.c:1 at f+0x1/0x2\nCall Trace:\n f+0x1/0x2\n---[ end trace 0 ]---\nhello\n\
                    Killed process 7 (syz-executor)\nWARNING: a.c:2 at g+0x1/0x2\nCall Trace:\n g+0x1/0x2\n";
        let (first, second) = (
            "WARNING: a.c:1 at f+0x1/0x2|Call Trace:| f+0x1/0x2|---[ end trace 0 ]---",
            "WARNING: a.c:2 at g+0x1/0x2|Call Trace:| g+0x1/0x2",
        );
        assert_eq!(cut(text), [(first.into(), false, false), (second.into(), false, false)]);
    }

    #[test]
    fn flags_are_those_of_a_report_and_its_echoes() {
        let oops = "kernel BUG at a.c:1!\ninvalid opcode: 0000 [#1]\nRIP: 0010:f+0x1/0x2\n---[ end trace 0 ]---\n";
        let panic = "Kernel panic - not syncing: Fatal exception\n";
        let flags = |text: String| cut(&text).iter().map(|splat| splat.1).collect::<Vec<_>>();
        assert_eq!(flags(format!("{oops}{panic}")), [true, false, true]);
        assert_eq!(flags(format!("{oops}Kernel panic - not syncing: sysrq\n")), [false, false, true]);
        assert!(
            cut(oops)[0].0.ends_with("|RIP: 0010:f+0x1/0x2|---[ end trace 0 ]---"),
            "a headline does not end its report"
        );
    }
}
