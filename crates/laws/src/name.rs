//! Laws of names: what differs from one occurrence of a crash to the next, and from one capture to another, is not in them.

use ksplat::Options;
use ksplat::signature::{Corrupted, Signature, Title};
use ksplat::trace::{Log, Report, Rules, Splat, Why};
use testkit::mutate::{FORMS, NOISES, Noise, decoded, symbolized, without};

use crate::ensure;

/// All that names a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    title: String,
    alternatives: Vec<String>,
    corrupted: Option<&'static str>,
    signature: Signature,
}

impl Name {
    pub(crate) fn of(splat: &Splat<'_>) -> Name {
        let title = Title::of(splat);
        let signature = Signature::of(splat, &Report::parse(splat), &title);
        Name {
            corrupted: title.corrupted.map(|why| why.reason()),
            title: title.title,
            alternatives: title.alternatives,
            signature,
        }
    }

    /// The name without what a lost console says, which may stand anywhere in a log and be about each of its reports.
    pub(crate) fn without_lost_console(self) -> Name {
        let lost = Corrupted::Disconnected.reason();
        Name { corrupted: self.corrupted.filter(|why| *why != lost), ..self }
    }
}

/// The first difference between the names that were expected and those that are there.
fn difference(want: &[Name], got: &[Name]) -> Option<String> {
    let Some((want, got)) = want.iter().zip(got).find(|(want, got)| want != got) else {
        return (want.len() != got.len()).then(|| format!("{} reports, not {}", got.len(), want.len()));
    };
    let lines = |name: &Name| -> Vec<String> {
        let facts = [name.title.clone(), name.alternatives.join(", "), name.corrupted.unwrap_or_default().to_owned()];
        facts.into_iter().chain(name.signature.plaintext().lines().map(str::to_owned)).collect()
    };
    let (want, got) = (lines(want), lines(got));
    let at = want.iter().zip(&got).position(|(want, got)| want != got).unwrap_or(want.len().min(got.len()));
    Some(format!("{:?}: {:?}, not {:?}", want[0], got.get(at), want.get(at)))
}

/// Stamps, caller ids and the lines of other callers mean nothing, whatever the messages are.
///
/// A caller id that is not the line's own is text to the one who changes prefixes, and may be the line's to the one who
/// reads them.
pub(crate) fn prefixes_name_nothing(text: &[u8]) -> Result<(), String> {
    let is_glued = |line: &[u8]| {
        let mut ids = memchr::memmem::find_iter(line, b"][");
        ids.next().is_some_and(|at| !is_stamp(&line[..at]) || ids.next().is_some())
    };
    if text.split(|b| *b == b'\n').any(is_glued) {
        return Ok(());
    }
    let want = of_text(text);
    NOISES.iter().filter(|noise| noise.is_outside_messages).try_for_each(|noise| is_same(noise, text, &want))
}

/// What stands in front of a caller id's bracket is a stamp alone, or one behind a level: `[    1.000000`.
fn is_stamp(text: &[u8]) -> bool {
    let are = |text: &[u8], others: &[u8]| text.iter().all(|b| b.is_ascii_digit() || others.contains(b));
    let bracket = memchr::memchr(b'[', text);
    bracket.is_some_and(|at| are(&text[..at], b"<>") && are(&text[at + 1..], b" ."))
}

/// Nor do, in the logs of real kernels, CPUs, processes, addresses and offsets in the messages.
pub(crate) fn what_varies_names_nothing(text: &[u8]) -> Result<(), String> {
    let want = of_text(text);
    NOISES.iter().try_for_each(|noise| is_same(noise, text, &want))
}

fn is_same(noise: &Noise, text: &[u8], want: &[Name]) -> Result<(), String> {
    for seed in [1, 0x9e37_79b9_7f4a_7c15] {
        let got = of_text(&(noise.write)(text, seed));
        let differs = difference(want, &got);
        ensure!(differs.is_none(), "other {}: {}", noise.name, differs.unwrap_or_default());
    }
    Ok(())
}

/// A capture names the reports of the console that it keeps, in whatever form.
pub(crate) fn forms_name_nothing(log: &[u8]) -> Result<(), String> {
    // Forms are written from what a console shows.
    let log: Vec<u8> = log.iter().copied().filter(|b| *b != b'\r').collect();
    for form in FORMS {
        let want = of_capture(&without(&log, form.loses));
        let got = of_capture(&(form.write)(&log));
        let differs = difference(&want, &got);
        ensure!(differs.is_none(), "as {}: {}", form.name, differs.unwrap_or_default());
    }
    Ok(())
}

/// By ksplat's rules a symbolized log has the titles, types and corrupted flags of the plain one.
pub(crate) fn source_positions_name_nothing(log: &[u8]) -> Result<(), String> {
    let want = by_ksplats_rules(log);
    for (name, text) in [("symbolized", symbolized(log)), ("decoded", decoded(log))] {
        let got = by_ksplats_rules(&text);
        let differs = want.iter().zip(&got).find(|(want, got)| want != got);
        ensure!(differs.is_none(), "{name}: {:?}", differs.map(|(want, got)| format!("{got:?}, not {want:?}")));
        ensure!(want.len() == got.len(), "{name}: {} reports, not {}", got.len(), want.len());
    }
    Ok(())
}

/// Title, type and corrupted flag of each report that is more than another headline of the one before it.
fn by_ksplats_rules(log: &[u8]) -> Vec<(String, Option<&'static str>, bool)> {
    let mut names = Vec::new();
    Options { rules: Rules::Ksplat }.reports(log, |found| {
        if found.follows.is_none_or(|follows| follows.why != Why::Headline) {
            let Title { title, crash_type, corrupted, .. } = &found.title;
            names.push((title.clone(), crash_type.map(|kind| kind.name()), corrupted.is_some()));
        }
    });
    names
}

fn of_text(text: &[u8]) -> Vec<Name> {
    let log = Log::parse(text, Rules::default());
    log.splats().map(|splat| Name::of(&splat)).collect()
}

fn of_capture(capture: &[u8]) -> Vec<Name> {
    let mut names = Vec::new();
    ksplat::reports(capture, |found| names.push(Name::of(&found.splat)));
    names
}
