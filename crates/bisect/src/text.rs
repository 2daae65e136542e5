//! A log as a table for people.

use crate::{crash::CrashReport, log::*};
use std::{collections::BTreeMap, fmt::Write};

impl Log<'_> {
    /// The log as text: what was looked for, a line for each test, and how it ended. Mail addresses are only counted.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let direction = match self.direction {
            Some(Direction::Cause) => "looking for the cause",
            Some(Direction::Fix) => "looking for the fix",
            None => "direction unknown",
        };
        writeln!(out, "{direction}, original commit {}", self.original.as_deref().map_or("unknown", short))?;
        if let Some(start) = &self.started {
            writeln!(out, "started {} on {}", start.time, start.host)?;
        }
        if !self.revisions.is_empty() {
            writeln!(out, "\n{:<13}{:<14}{:<8}{:<14}runs", "why", "revision", "told", "signature")?;
        }
        for test in &self.revisions {
            test.write(out)?;
        }
        let mut compilers: BTreeMap<&str, usize> = BTreeMap::new();
        for compiler in self.revisions.iter().filter_map(|test| test.compiler.as_deref()) {
            *compilers.entry(compiler).or_default() += 1;
        }
        for (compiler, count) in compilers {
            writeln!(out, "{count} built by {compiler}")?;
        }
        if !self.config.is_empty() {
            writeln!(out, "\nconfiguration:")?;
        }
        for note in self.config.iter().chain(&self.notes) {
            writeln!(out, "  {}", note.text)?;
        }
        writeln!(out)?;
        self.write_result(out)
    }

    fn write_result(&self, out: &mut String) -> std::fmt::Result {
        for reason in self.reasons.iter().chain(&self.errors) {
            writeln!(out, "ended: {reason}")?;
        }
        if let Some(culprit) = &self.culprit {
            let word = if self.direction == Some(Direction::Fix) { "fix" } else { "culprit" };
            writeln!(out, "{word}: {} {}", short(&culprit.hash), culprit.title)?;
            for file in &culprit.files {
                writeln!(out, "  {file}")?;
            }
        }
        if !self.candidates.is_empty() {
            writeln!(out, "inconclusive, any of {} commits:", self.candidates.len())?;
        }
        for candidate in &self.candidates {
            writeln!(out, "  {}", short(candidate))?;
        }
        if let (Some(culprit), Some(parent)) = (&self.culprit_signature, &self.parent_signature) {
            let same = if culprit == parent { "same signature" } else { "other signature" };
            writeln!(out, "culprit and parent: {same}")?;
        }
        if let Some(crash) = &self.crash {
            writeln!(out, "crash: {} ({} bytes of report)", crash.title, crash.report.len())?;
        }
        if let Some(report) = CrashReport::of(self) {
            writeln!(out, "  named {}, {}", report.titles().collect::<Vec<_>>().join(", "), report.signature)?;
        }
        let Recipients { to, cc } = &self.recipients;
        if !(to.is_empty() && cc.is_empty()) {
            writeln!(out, "recipients: {} to, {} cc", to.len(), cc.len())?;
        }
        if let Some(totals) = &self.totals {
            let Totals { revisions, total, build, test } = totals;
            writeln!(out, "{revisions} revisions tested in {total} (build {build}, test {test})")?;
        }
        let foreign: usize = self.lines.foreign.values().sum();
        writeln!(out, "{} lines, {foreign} of others, {} unread", self.lines.total, self.lines.unread.len())?;
        Ok(())
    }
}

impl Revision<'_> {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let why = match (self.role, self.release.as_deref()) {
            (_, Some(tag)) => tag.to_owned(),
            (Role::Original, _) => "original".into(),
            (Role::Config, _) => "config".into(),
            (Role::Head, _) => "head".into(),
            (Role::MergeBase, _) => "merge base".into(),
            (Role::Parent, _) => "parent".into(),
            (Role::Bisect, _) => self.remaining.map_or("bisect".into(), |left| format!("{} left", left.revisions)),
            (Role::Release | Role::Other, _) => String::new(),
        };
        let told = match self.decision.map(|decision| decision.verdict) {
            Some(Verdict::Good) => "good",
            Some(Verdict::Bad) => "bad",
            Some(Verdict::Skip) => "skip",
            None => "",
        };
        let signature = self.signature.as_deref().map_or("", short);
        write!(out, "{why:<13}{:<14}{told:<8}{signature:<14}", short(&self.hash))?;
        let mut runs: BTreeMap<(RunResult, &str), usize> = BTreeMap::new();
        for run in &self.runs {
            let title = run.title.as_deref().filter(|_| run.result == RunResult::Crashed);
            *runs.entry((run.result, title.unwrap_or_default())).or_default() += 1;
        }
        for (index, ((result, title), count)) in runs.iter().enumerate() {
            let count = if self.all_runs { "all".to_owned() } else { count.to_string() };
            let blank = if title.is_empty() { "" } else { " " };
            write!(out, "{}{count} {}{blank}{title}", if index == 0 { "" } else { ", " }, result.words())?;
        }
        if self.runs.is_empty() && !self.failures.is_empty() {
            write!(out, "not built or not tested: {}", self.failures[0].chars().take(80).collect::<String>())?;
        }
        out.truncate(out.trim_end_matches(' ').len());
        writeln!(out)?;
        Ok(())
    }
}

impl RunResult {
    fn words(self) -> &'static str {
        match self {
            RunResult::Ok => "OK",
            RunResult::Crashed => "crashed:",
            RunResult::Ignored => "ignored",
            RunResult::BootFailed => "boot failed",
            RunResult::BasicFailed => "basic test failed",
            RunResult::Infra => "infra problem",
            RunResult::Failed => "failed",
        }
    }
}

/// The first 12 digits of a hash, which is what kernel people write.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
