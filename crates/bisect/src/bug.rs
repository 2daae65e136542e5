//! The bug that a bisection looks for, by everything that names it: titles, alternative titles, signature.

use crate::{
    crash::CrashReport,
    log::Log,
    revision::Revision,
    words::{SAME_FUNCTION, function, likeness},
};
use signature::{CrashType, alternatives};
use std::collections::BTreeSet;

/// Titles that are compared with others.
const TITLES: usize = 20;

/// What is known of a bug.
#[derive(Default)]
pub(crate) struct Bug<'a> {
    /// Crash titles of the first test, and those of the report of the original crash.
    pub(crate) titles: BTreeSet<&'a str>,
    /// All its names, also the alternative titles.
    names: BTreeSet<String>,
    /// The report of the original crash, where somebody has one.
    original: Option<&'a CrashReport>,
    /// The names of the crash at the end, and how alike that is.
    end: Option<(BTreeSet<String>, f64)>,
}

impl<'a> Bug<'a> {
    /// The bug of a log: the crashes of its first test, the report of the original crash, and the one at the end, which may tell that a
    /// title of the log is another name of the bug.
    pub(crate) fn of(log: &'a Log<'_>, original: Option<&'a CrashReport>, end: Option<&'a CrashReport>) -> Bug<'a> {
        let mut bug = Bug { original, ..Bug::default() };
        bug.titles.extend(log.revisions.first().into_iter().flat_map(Revision::crashes).take(TITLES));
        bug.titles.extend(original.map(|report| report.title.as_str()));
        bug.names = bug.titles.iter().flat_map(|title| names(title)).collect();
        bug.names.extend(original.into_iter().flat_map(CrashReport::titles).map(str::to_owned));
        bug.end = end.map(|report| (report.titles().map(str::to_owned).collect(), bug.likeness_of(report)));
        bug
    }

    /// How alike a crash is, of which the title is known, from 0 to 1.
    pub(crate) fn likeness(&self, title: &str) -> f64 {
        let title_names: Vec<String> = names(title).collect();
        let is_named = |known: &BTreeSet<String>| title_names.iter().any(|name| known.contains(name));
        if is_named(&self.names) {
            return 1.0;
        }
        let signed = self.original.map(|report| blames(report, title));
        let end = self.end.as_ref().filter(|(names, _)| is_named(names)).map(|(_, like)| *like);
        self.titles.iter().map(|other| likeness(title, other)).chain(signed).chain(end).fold(0.0, f64::max)
    }

    /// How alike the crash of a report is, from 0 to 1. One signature is one bug, whatever its title.
    pub(crate) fn likeness_of(&self, report: &CrashReport) -> f64 {
        if self.original.is_some_and(|original| original.signature == report.signature) {
            return 1.0;
        }
        let named = report.titles().map(|title| self.likeness(title));
        named.chain(self.titles.iter().map(|title| blames(report, title))).fold(0.0, f64::max)
    }
}

/// A title and its alternatives.
fn names(title: &str) -> impl Iterator<Item = String> {
    std::iter::once(title.to_owned()).chain(alternatives(title))
}

/// How alike a title is to a report by its signature: it blames the functions around the one that the report's own title names, too, since
/// what is inlined there differs from compiler to compiler.
fn blames(report: &CrashReport, title: &str) -> f64 {
    let is_same_type = CrashType::of_title(title).is_some_and(|kind| report.crash_type == Some(kind.name()));
    let is_blamed = is_same_type && report.blamed.iter().any(|blamed| blamed == function(title));
    if is_blamed { SAME_FUNCTION } else { 0.0 }
}
