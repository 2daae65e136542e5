//! Measures of a bisection's course: the crashes that counted, the releases walked, the verdicts that decided.

use super::Measure;
use crate::{
    log::Outcome,
    revision::{Decision, Revision, Run, RunResult, Verdict},
    verdict::Counts,
    view::{LIKE, LIKELY, View, missed},
};
use std::collections::BTreeSet;

/// Releases after which a longer walk says no more.
const WALK: usize = 10;
/// Verdicts at the end of a bisection that are looked at.
const END: usize = 5;
/// Titles that a sentence names.
const TITLES: usize = 3;
/// A revision is near the culprit with so many commits left.
const NEAR: u32 = 8;

/// How unlike the original bug the crashes are that counted.
pub(super) fn drift(view: &View<'_>) -> Measure {
    let mean = |test: &Revision<'_>| {
        let likes: Vec<f64> = test.crashes().map(|title| view.bug.likeness(title)).collect();
        if likes.is_empty() { 0.0 } else { likes.iter().sum::<f64>() / likes.len() as f64 }
    };
    let steps = match view.with_bug.len() {
        0 => 1.0,
        count => view.with_bug.iter().map(|test| mean(test)).sum::<f64>() / count as f64,
    };
    let last = match (&view.log.crash, view.with_bug.last()) {
        (Some(crash), _) => {
            let named = view.report.map_or(0.0, |report| view.bug.likeness_of(report));
            named.max(view.bug.likeness(&crash.title))
        }
        (None, Some(test)) if view.log.outcome == Outcome::Found => mean(test),
        (None, _) => 0.0,
    };
    let less_like = |than: f64| {
        let is_less = move |run: &&Run<'_>| run.title.as_deref().is_some_and(|title| view.bug.likeness(title) < than);
        view.with_bug.iter().filter_map(move |test| crashes(test).find(is_less)).collect::<Vec<_>>()
    };
    let is_strange = last < LIKE || !less_like(LIKE).is_empty();
    let found = less_like(if is_strange { LIKE } else { 1.0 });
    let mut lines: Vec<usize> = found.iter().copied().map(line).collect();
    let end = view.log.crash.iter().filter(|_| last < LIKE || found.is_empty());
    let others =
        found.iter().filter_map(|run| run.title.as_deref()).chain(end.clone().map(|crash| crash.title.as_ref()));
    let others = listed(&others.collect());
    lines.extend(end.map(|crash| crash.line));
    // What they are unlike comes first.
    lines.extend(view.log.revisions.first().and_then(|test| crashes(test).next()).map(line));
    let originals = listed(&view.bug.titles);
    let text = match (view.with_bug.is_empty(), view.bug.titles.is_empty()) {
        (true, _) => "no step of the bisection shows the bug".into(),
        (_, true) => "nothing says which bug was looked for: the first test has no crash".into(),
        _ if is_strange => format!("another bug was answered: {others} counted as {originals}"),
        _ => format!("crashes of other titles counted, though alike: {others} as {originals}"),
    };
    let is_minor = !is_strange && !view.with_bug.is_empty() && !view.bug.titles.is_empty();
    Measure::new("crash-drift", 1.0 - (steps + last) / 2.0, text, lines).minor_if(is_minor)
}

/// How many releases it took to find one without the bug.
pub(super) fn walk(view: &View<'_>) -> Measure {
    let count = view.releases.len();
    let text = format!("the bug was followed back over {count} releases before one was good");
    let value = count.saturating_sub(1).min(WALK) as f64 / WALK as f64;
    Measure::new("release-walk", value, text, view.releases.iter().map(|test| test.lines.0).collect())
}

/// How much of the end was good verdicts: after one false crash, all that follows is good.
pub(super) fn end(view: &View<'_>) -> Measure {
    let told: Vec<Decision> =
        view.log.steps().map(|(_, told)| told).filter(|told| told.verdict != Verdict::Skip).collect();
    let with_bug = |told: &&Decision| told.verdict == view.bug_word;
    let bad = told.iter().rev().take(END).take_while(with_bug).count();
    let good = told.iter().rev().take_while(|told| !with_bug(told)).count();
    let text = match good {
        0 if bad == 1 => "before the last verdict, which says that the bug is there, stands one that does not".into(),
        0 => format!("the last {bad} verdicts say that the bug is there"),
        1 => "the last verdict says that the bug is not there: the culprit's own test is the last that crashed".into(),
        _ => format!("the last {good} verdicts all say that the bug is not there, as after a crash of another kind"),
    };
    let lines = told.iter().rev().take(good.max(bad) + 1).map(|told| told.line).collect();
    Measure::new("good-end", (END - bad) as f64 / END as f64, text, lines).minor_if(bad > 0)
}

/// Revisions that are bad for one crash of all their runs.
pub(super) fn single_crashes(view: &View<'_>) -> Measure {
    let single: Vec<_> =
        view.crashed().into_iter().filter(|test| !test.all_runs && Counts::of(test).bad == 1).collect();
    let text = match single.len() {
        1 => "a revision is bad for one crash of all its runs".into(),
        count => format!("{count} revisions are bad for one crash of all their runs"),
    };
    let lines = single.iter().flat_map(|test| crashes(test)).map(line).collect();
    Measure::new("single-crash", single.len().min(2) as f64 / 2.0, text, lines)
}

/// The probability that the bug was there at one of the good verdicts, if it shows as rarely as it once did.
pub(super) fn miss(view: &View<'_>) -> Measure {
    let (rarest, _) = view.chances();
    let silent = view.silent();
    let miss = |test: &&Revision<'_>| missed(rarest, Counts::of(test).good);
    let value = 1.0 - silent.iter().map(|test| 1.0 - miss(test)).product::<f64>();
    let text =
        format!("one good verdict or more is a miss with probability {value:.2}, if {rarest:.2} of the runs crash");
    let worst = silent.iter().copied().max_by(|a, b| miss(a).total_cmp(&miss(b)));
    let runs = worst.iter().flat_map(|test| &test.runs).map(line);
    let told = worst.iter().filter_map(|test| test.decision).map(|told| told.line);
    Measure::new("missed-bug", value, text, runs.chain(told).collect()).minor_if(value < LIKELY)
}

/// Revisions near the culprit that nothing is known of.
pub(super) fn skips(view: &View<'_>) -> Measure {
    let steps = view.log.steps().filter(|(test, told)| {
        told.verdict == Verdict::Skip && test.remaining.is_some_and(|left| left.revisions <= NEAR)
    });
    let near: Vec<usize> = steps.map(|(_, told)| told.line).collect();
    let text = match near.len() {
        1 => "a revision near the culprit was skipped".into(),
        count => format!("{count} revisions near the culprit were skipped"),
    };
    Measure::new("skipped-near", near.len().min(4) as f64 / 4.0, text, near)
}

/// The first titles, and how many there are.
fn listed(titles: &BTreeSet<&str>) -> String {
    let shown: Vec<String> = titles.iter().take(TITLES).map(|title| format!("`{title}`")).collect();
    let rest = titles.len() - shown.len();
    shown.join(", ") + &if rest == 0 { String::new() } else { format!(" and {rest} others") }
}

/// The runs of a revision that crashed.
fn crashes<'t>(test: &'t Revision<'_>) -> impl Iterator<Item = &'t Run<'t>> {
    test.runs.iter().filter(|run| run.result == RunResult::Crashed)
}

fn line(run: &Run<'_>) -> usize {
    run.line
}
