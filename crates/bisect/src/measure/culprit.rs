//! Measures of the culprit: what it has in common with the crash, and whether it can be the cause of anything.

use super::{
    Measure, SETTLED,
    built::{architecture, article, is_built},
};
use crate::{
    git::GitFacts,
    log::{Culprit, Outcome},
    overlap::{Overlap, overlap},
    view::View,
    words::{function, words},
};

/// Words in the title of a commit that makes bugs visible, or reachable, that were there before.
#[rustfmt::skip]
const EXPOSING: &[&str] = &[
    "allow", "annotate", "annotation", "annotations", "assert", "check", "checking", "checks", "config", "convert", "debug", "default",
    "detect", "enable", "enabled", "expose", "kasan", "kconfig", "kmsan", "lockdep", "reenable", "report", "sanitize", "sanity", "select",
    "switch", "syscall", "track", "tracker", "tracking", "unify", "validate", "validation", "verify", "warn", "warning",
];
/// Lines of one kind that a finding about two kinds quotes.
const HALF: usize = 4;

/// Files, names, busy subsystem, impossible and exposing culprit.
pub(super) fn measures(view: &View<'_>, git: Option<&GitFacts>) -> [Measure; 5] {
    let log = view.log;
    let nobody = Culprit::default();
    let culprit = log.culprit.as_ref().unwrap_or(&nobody);
    let files: Vec<&str> = match git {
        Some(facts) if !facts.files.is_empty() => facts.files.iter().map(String::as_str).collect(),
        _ => culprit.files.iter().map(AsRef::as_ref).collect(),
    };
    let arch = architecture(log);
    let built: Vec<&str> = files.iter().copied().filter(|file| is_built(file, arch)).collect();
    let functions = git.map_or(&[][..], |facts| &facts.functions);
    let overlap = overlap(log, culprit, &built, functions, &view.bug.titles);
    [
        files_elsewhere(view, &overlap),
        names_elsewhere(view, &overlap, culprit.line),
        busy(&overlap),
        impossible(view, culprit, &files, &built, arch),
        exposing(culprit),
    ]
}

fn files_elsewhere(view: &View<'_>, overlap: &Overlap) -> Measure {
    let nearest: Vec<&str> = overlap.nearest.iter().map(|(_, path)| path.as_str()).collect();
    let text = match (&view.log.culprit, nearest.is_empty()) {
        (None, _) => "no commit was found whose files could be compared with the report".into(),
        (_, true) => "the report names no file that the culprit could touch".into(),
        // Older git shows no more than directories.
        _ if overlap.files >= 0.5 => {
            "the culprit's title names the part of the kernel that crashed, but none of its files is known".into()
        }
        _ => format!("the culprit touches other files than those of the crash: {}", nearest.join(", ")),
    };
    let own = view.log.places.files.iter().take(if nearest.is_empty() { 0 } else { HALF }).copied();
    let crash = view.log.crash.iter().map(|crash| crash.line);
    let lines = own.chain(crash).chain(overlap.nearest.iter().map(|(line, _)| *line));
    // Overlap that is not perfect is no finding; overlap that is poor is one.
    Measure::new("files-elsewhere", 1.0 - overlap.files, text, lines.collect()).minor_if(overlap.files >= 0.5)
}

fn names_elsewhere(view: &View<'_>, overlap: &Overlap, line: usize) -> Measure {
    let crash = view.log.crash.as_ref();
    let function = match crash.map_or("", |crash| function(&crash.title)) {
        "" => "the crashed function".to_owned(),
        function => format!("`{function}`"),
    };
    let text = match (overlap.titled, overlap.mentioned) {
        (false, _) if overlap.touches => {
            format!("the culprit touches a function of the report, but its title does not name {function}")
        }
        (false, 0) => {
            format!("the culprit's title and message name neither {function} nor any other function of the report")
        }
        (false, 1) => {
            format!("the culprit's message names a function of the report, but its title does not name {function}")
        }
        (true, 0) => format!(
            "the culprit's title or files name {function} or a part of it, but it names no function of the report"
        ),
        // A message with several of them describes such a crash.
        (false, count) => format!(
            "the culprit's title does not name {function}, and its message names {count} functions of the report"
        ),
        (true, count) => format!("the culprit's message names {count} functions of the report, as that of a fix would"),
    };
    let lines = [line].into_iter().chain(crash.map(|crash| crash.line)).collect();
    Measure::new("names-elsewhere", 1.0 - overlap.names, text, lines).minor_if(overlap.names >= 0.5)
}

fn busy(overlap: &Overlap) -> Measure {
    let inside: Vec<&(usize, String)> = overlap.nearest.iter().filter(|(_, path)| path.starts_with("net/")).collect();
    let files = match (inside.len(), overlap.nearest.len()) {
        (1, 1) => "the report's nearest file is".to_owned(),
        (inside, all) if inside == all => format!("all of the report's nearest {all} files are"),
        (inside, all) => format!("{inside} of the report's nearest {all} files are"),
    };
    let text = format!("{files} in net/: so many commits touch it that one of them is near by chance");
    let lines = inside.iter().map(|(line, _)| *line).collect();
    Measure::new("busy-subsystem", overlap.busy, text, lines).minor_if(overlap.busy < 0.5)
}

fn impossible(view: &View<'_>, culprit: &Culprit<'_>, files: &[&str], built: &[&str], arch: &str) -> Measure {
    let places = &view.log.places;
    let configures = |file: &&str| ["Kconfig", "Makefile", "defconfig"].iter().any(|part| file.contains(part));
    let release =
        culprit.title.strip_prefix("Linux ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let measure = |value, text: &str, lines: Vec<usize>| Measure::new("impossible-culprit", value, text, lines);
    let settled = |text, lines| Measure { at_most: Some(SETTLED), ..measure(1.0, text, lines) };
    if !culprit.merge.is_empty() || culprit.title.starts_with("Merge ") {
        settled("the culprit is a merge: what it brought was not bisected", vec![places.merge, culprit.line])
    } else if release {
        settled("the culprit is a release, which changes a version number", vec![culprit.line])
    } else if !files.is_empty() && built.is_empty() {
        let text = format!("the culprit touches nothing that is in {} kernel", article(arch));
        measure(1.0, &text, with(&places.files, culprit.line))
    } else if !built.is_empty() && built.iter().all(configures) {
        measure(1.0, "the culprit changes no code, only how it is configured", with(&places.files, culprit.line))
    } else if view.log.outcome == Outcome::Inconclusive {
        // That there is no culprit to compare with the report is counted by the measures that compare.
        measure(0.25, "several commits are left", vec![places.inconclusive])
    } else {
        measure(0.0, "the culprit changes code", Vec::new())
    }
}

fn exposing(culprit: &Culprit<'_>) -> Measure {
    let title: Vec<String> = words(&culprit.title).collect();
    let word = EXPOSING.iter().find(|word| title.iter().any(|other| other == *word));
    let text = match word {
        Some(word) => format!("the culprit's title says `{word}`: it may only show an older bug"),
        None => "the culprit's title is not that of a check or a switch".into(),
    };
    Measure::new("exposing-culprit", if word.is_some() { 1.0 } else { 0.0 }, text, vec![culprit.line])
}

/// The lines with the culprit's files, or else the one with its title.
fn with(files: &[usize], title: usize) -> Vec<usize> {
    if files.is_empty() { vec![title] } else { files.to_vec() }
}
