//! A log as a table for people: what was tested, what it did and what git was told, in the order of the log.

use super::{paragraph, short};
use crate::{clock::Clock, crash::CrashReport, log::*, revision::*, stamp::Stamp};
use std::{collections::BTreeMap, fmt::Write};

/// Where the runs of a test stand.
const RUNS: usize = 62;
/// Lines of a failed build that are shown.
const FAILURES: usize = 3;
/// Functions of a trace that are shown.
const FUNCTIONS: usize = 6;
/// Indentation of what belongs to the line above.
const INDENT: &str = "      ";

impl Log<'_> {
    /// The log as text. Mail addresses are only counted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let direction = match self.direction {
            Some(Direction::Cause) => "looking for the cause of a bug",
            Some(Direction::Fix) => "looking for the fix of a bug",
            None => "direction unknown",
        };
        writeln!(out, "{direction}, original commit {}", self.original.as_deref().map_or("unknown", short))?;
        if let Some(start) = &self.started {
            writeln!(out, "started {} on {}", start.time, start.host)?;
        }
        if let Some((first, last)) = self.times {
            writeln!(out, "written {}", span(first, last))?;
        }
        if let Some(syzkaller) = &self.syzkaller {
            writeln!(out, "tests by syzkaller {}", short(syzkaller))?;
        }
        if !self.picked.is_empty() {
            paragraph(out, "releases picked: ", INDENT, &self.picked.join(" "))?;
        }
        if let Some(base) = &self.merge_base {
            writeln!(out, "merge base: {} {}", short(&base.hash), base.title)?;
        }
        self.write_course(out)?;
        writeln!(out)?;
        self.write_result(out)
    }

    /// Tests and what was said between them, in order.
    fn write_course(&self, out: &mut String) -> std::fmt::Result {
        let tests = self.revisions.iter().map(|test| (test.lines.0, Entry::Test(test)));
        let notes = self.config.iter().chain(&self.notes).map(|note| (note.line, Entry::Note(&note.text)));
        let bounds = self.bisect.iter().map(|bounds| (bounds.line, Entry::Bounds(bounds)));
        let mut entries: Vec<(usize, Entry<'_>)> = tests.chain(notes).chain(bounds).collect();
        entries.sort_by_key(|(line, _)| *line);
        if !self.revisions.is_empty() {
            writeln!(out, "\n line {:<22}{:<14}{:<6}{:<14}runs", "why", "revision", "told", "kernel")?;
        }
        let mut compiler = None;
        for (line, entry) in entries {
            match entry {
                Entry::Test(test) => {
                    test.write(out)?;
                    // What was not built has only the name of a configuration.
                    let known = test.compiler.as_deref().filter(|_| !test.runs.is_empty());
                    if known.is_some() && known != compiler {
                        compiler = known;
                        paragraph(out, "      compiler: ", INDENT, compiler.unwrap_or_default().trim_end())?;
                    }
                }
                Entry::Note(text) => paragraph(out, &format!("{line:>5} "), INDENT, text)?,
                Entry::Bounds(Bounds { bad, good, .. }) => {
                    writeln!(out, "{line:>5} git bisect start: bad {}, good {}", short(bad), short(good))?;
                }
            }
        }
        if let Some(next) = &self.untested {
            writeln!(out, "      not tested any more: {} {}", short(&next.hash), next.title)?;
        }
        Ok(())
    }

    fn write_result(&self, out: &mut String) -> std::fmt::Result {
        for reason in self.reasons.iter().chain(&self.errors) {
            writeln!(out, "ended: {reason}")?;
        }
        if self.outcome == Outcome::Unfinished {
            writeln!(out, "ended: the log stops here, without a result")?;
        }
        if let Some(tip) = &self.tip {
            writeln!(out, "tip commit: {tip}")?;
        }
        if let Some(culprit) = &self.culprit {
            culprit.write(self.direction, out)?;
        }
        if !self.candidates.is_empty() {
            writeln!(out, "inconclusive, any of {} commits:", self.candidates.len())?;
        }
        for candidate in &self.candidates {
            writeln!(out, "  {}", short(candidate))?;
        }
        if let (Some(culprit), Some(parent)) = (&self.culprit_signature, &self.parent_signature) {
            let same = if culprit == parent { "the same kernel" } else { "different kernels" };
            writeln!(out, "culprit {} and parent {}: {same}", short(culprit), short(parent))?;
        }
        if let Some(probability) = self.error_probability {
            writeln!(out, "the log's own error probability: {probability}")?;
        }
        self.write_crash(out)?;
        let Recipients { to, cc } = &self.recipients;
        if !(to.is_empty() && cc.is_empty()) {
            writeln!(out, "recipients: {} to, {} cc", to.len(), cc.len())?;
        }
        if let Some(totals) = &self.totals {
            let Totals { revisions, total, build, test } = totals;
            writeln!(out, "{revisions} revisions tested in {total} (build {build}, test {test})")?;
        }
        let foreign: usize = self.lines.foreign.values().sum();
        writeln!(out, "{} lines, {foreign} of others, {} unread", self.lines.total, self.lines.unread.len())
    }

    /// The crash at the end, as the log and as we name it.
    fn write_crash(&self, out: &mut String) -> std::fmt::Result {
        let Some(crash) = &self.crash else { return Ok(()) };
        writeln!(out, "crash: {} ({} bytes of report)", crash.title, crash.report.len())?;
        let Some(report) = CrashReport::of(self) else { return Ok(()) };
        let kind = report.crash_type.map_or(String::new(), |kind| format!(", type {kind}"));
        let names = report.titles().collect::<Vec<_>>().join(", ");
        paragraph(out, "  named ", INDENT, &format!("{names}{kind}, {}", report.signature))?;
        for trace in report.traces.iter().filter(|trace| !trace.functions.is_empty()) {
            let shown = trace.functions.iter().take(FUNCTIONS).map(String::as_str).collect::<Vec<_>>().join(" < ");
            let rest = match trace.functions.len().saturating_sub(FUNCTIONS) {
                0 => String::new(),
                rest => format!(" and {rest} more"),
            };
            paragraph(out, &format!("  {}: ", trace.role), INDENT, &format!("{shown}{rest}"))?;
        }
        Ok(())
    }
}

/// One entry of the course.
enum Entry<'a> {
    Test(&'a Revision<'a>),
    Note(&'a str),
    Bounds(&'a Bounds<'a>),
}

impl Culprit<'_> {
    fn write(&self, direction: Option<Direction>, out: &mut String) -> std::fmt::Result {
        let word = if direction == Some(Direction::Fix) { "fix" } else { "culprit" };
        writeln!(out, "{word}: {} {}", short(&self.hash), self.title)?;
        if !self.merge.is_empty() {
            writeln!(out, "  merge of {}", self.merge.join(", "))?;
        }
        if let Some(date) = &self.date {
            writeln!(out, "  {date}")?;
        }
        for file in &self.files {
            writeln!(out, "  {file}")?;
        }
        if let Some((files, added, deleted)) = self.changed {
            let plural = if files == 1 { "" } else { "s" };
            writeln!(out, "  {files} file{plural} changed, {added} lines added, {deleted} deleted")?;
        }
        Ok(())
    }
}

impl Revision<'_> {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let told = match self.decision.map(|decision| decision.verdict) {
            Some(Verdict::Good) => "good",
            Some(Verdict::Bad) => "bad",
            Some(Verdict::Skip) => "skip",
            None => "",
        };
        let signature = self.signature.as_deref().map_or("", short);
        let (line, why, hash) = (self.lines.0, self.why(), short(&self.hash));
        let head = format!("{line:>5} {why:<22}{hash:<14}{told:<6}{signature:<14}");
        let indent = " ".repeat(RUNS);
        let groups = self.groups();
        match groups.split_first() {
            Some((first, rest)) => {
                paragraph(out, &head, &format!("{indent}  "), first)?;
                for group in rest {
                    paragraph(out, &indent, &format!("{indent}  "), group)?;
                }
            }
            None => writeln!(out, "{}", head.trim_end())?,
        }
        if let Some(title) = &self.title {
            paragraph(out, INDENT, INDENT, title)?;
        }
        if let Some((first, last)) = self.times {
            writeln!(out, "{INDENT}{}", span(first, last))?;
        }
        for failure in self.failures.iter().take(FAILURES) {
            paragraph(out, INDENT, INDENT, &failure.chars().take(500).collect::<String>())?;
        }
        if self.failures.len() > FAILURES {
            writeln!(out, "      and {} lines more", self.failures.len() - FAILURES)?;
        }
        for note in &self.notes {
            paragraph(out, INDENT, INDENT, &note.text)?;
        }
        Ok(())
    }

    fn why(&self) -> String {
        let left = |left: Remaining| {
            let plural = if left.steps == 1 { "" } else { "s" };
            format!("{} left, {} step{plural}", left.revisions, left.steps)
        };
        match (self.role, self.release.as_deref()) {
            (_, Some(tag)) => format!("release {tag}"),
            (Role::Original, _) => "original".into(),
            (Role::Config, _) => "config".into(),
            (Role::Head, _) => "head".into(),
            (Role::MergeBase, _) => "merge base".into(),
            (Role::Parent, _) => "parent of culprit".into(),
            (Role::Bisect, _) => self.remaining.map_or("bisect".into(), left),
            (Role::Release | Role::Other, _) => String::new(),
        }
    }

    /// The runs that ended alike, counted, in the order of their first one. Words of other tools are cut: ten runs have
    /// ten addresses.
    fn groups(&self) -> Vec<String> {
        let mut counts: BTreeMap<(RunResult, &str, bool), (usize, usize)> = BTreeMap::new();
        for (index, run) in self.runs.iter().enumerate() {
            let title = run.title.as_deref().unwrap_or_default();
            let (title, is_cut) = title.split_once(" [\"").map_or((title, false), |(title, _)| (title, true));
            counts.entry((run.result, title, is_cut)).or_insert((index, 0)).1 += 1;
        }
        let mut groups: Vec<_> = counts.into_iter().collect();
        groups.sort_by_key(|(_, (first, _))| *first);
        let text = |((result, title, is_cut), (_, count)): ((RunResult, &str, bool), (usize, usize))| {
            let count = if self.all_runs { "all".to_owned() } else { count.to_string() };
            let colon = if title.is_empty() { "" } else { ": " };
            let cut = if is_cut { " …" } else { "" };
            format!("{count} {}{colon}{title}{cut}", result.words())
        };
        groups.into_iter().map(text).collect()
    }
}

impl RunResult {
    fn words(self) -> &'static str {
        match self {
            RunResult::Ok => "OK",
            RunResult::Crashed => "crashed",
            RunResult::Ignored => "ignored",
            RunResult::BootFailed => "boot failed",
            RunResult::BasicFailed => "basic test failed",
            RunResult::Infra => "infra problem",
            RunResult::Failed => "failed",
        }
    }
}

/// Two times, and what lies between them.
fn span(first: Stamp, last: Stamp) -> String {
    let took = last.since(first).map_or(String::new(), |took| format!(" ({})", Clock(took)));
    format!("from {first} to {last}{took}")
}
