//! Laws of splats, reports and their names.

use ksplat::signature::{Signature, Title};
use ksplat::trace::{Log, Report, Rules, Splat};

use crate::line::place;
use crate::name::Name;
use crate::{ensure, shown};

/// A splat starts where a trigger stands and ends behind it, its parts are parts of the text, and the next splat comes later.
pub(crate) fn places_are_in_order(text: &[u8]) -> Result<(), String> {
    by_all_rules(text, |log| places(log, text))
}

fn places(log: &Log<'_>, text: &[u8]) -> Result<(), String> {
    let mut last = None;
    for (number, splat) in log.splats().enumerate() {
        let Splat { index, start, end, skip, .. } = splat;
        ensure!(index == number, "splat {number} has number {index}");
        ensure!(start <= skip && skip <= end && end <= text.len(), "{start}, {skip}, {end} of {}", text.len());
        ensure!(last < Some(start), "splat {number} starts at {start}, the one before at {last:?}");
        last = Some(start);
        ensure!(start == 0 || text[start - 1] == b'\n', "{start} is within a line");
        let line = &text[start..skip];
        let trigger = splat.trigger.text();
        ensure!(memchr::memmem::find(line, trigger.as_bytes()).is_some(), "{trigger:?} is not in {}", shown(line));
        ensure!(splat.raw == &text[start..end], "splat {number}: another text");
        let region = Report::parse(&splat).end;
        ensure!((start..=text.len()).contains(&region), "the report of {start} ends at {region}");
    }
    Ok(())
}

/// The lines of a splat are lines of the text, in order, from the one with the trigger on; those before it are of the same caller.
pub(crate) fn lines_are_its_callers(text: &[u8]) -> Result<(), String> {
    by_all_rules(text, |log| callers(log, text))
}

fn callers(log: &Log<'_>, text: &[u8]) -> Result<(), String> {
    for splat in log.splats() {
        let start = splat.start;
        ensure!(splat.lines.first().map(|first| first.line.offset) == Some(start), "the first line of {start}");
        ensure!(splat.own <= splat.lines.len() && splat.own > 0, "own lines of {start}: {}", splat.own);
        ensure!(splat.before.iter().all(|entry| entry.line.end() < start), "{start} has lines before it behind it");
        let is_same = |entry: &ksplat::trace::Entry<'_>| entry.line.context == splat.context;
        ensure!(splat.before.iter().all(is_same), "{start} has another caller's lines before it");
        let offsets = |lines: &[ksplat::trace::Entry<'_>]| lines.iter().map(|e| e.line.offset).collect::<Vec<_>>();
        for lines in [&splat.before, &splat.lines, &splat.doubted] {
            ensure!(offsets(lines).is_sorted_by(|a, b| a < b), "the lines of {start} are not in order");
            ensure!(lines.iter().all(|e| place(text, e.line.raw).is_some()), "a line of {start} is not in the text");
        }
        let all: Vec<usize> = splat.with_doubted().map(|entry| entry.line.offset).collect();
        ensure!(all.is_sorted_by(|a, b| a < b), "the lines of {start} with the doubted ones are not in order");
        ensure!(all.len() == splat.lines.len() + splat.doubted.len(), "{start} loses lines");
    }
    Ok(())
}

/// The text from a report's start on has that report first, with the same name and signature.
pub(crate) fn it_is_found_again(text: &[u8]) -> Result<(), String> {
    by_all_rules(text, |log| again(log, text))
}

fn again(log: &Log<'_>, text: &[u8]) -> Result<(), String> {
    // A flood of reports would make this the square of its length.
    for splat in log.splats().take(8).filter(|splat| !splat.cut) {
        let rest = Log::parse(&text[splat.start..], splat.rules);
        let Some(again) = rest.splats().next() else {
            return Err(format!("the report at {} is gone", splat.start));
        };
        ensure!(again.start == 0, "the report at {} starts {} bytes later", splat.start, again.start);
        let [want, got] = [&splat, &again].map(|splat| Name::of(splat).without_lost_console());
        ensure!(got == want, "the report at {} was {want:?}, and is {got:?}", splat.start);
    }
    Ok(())
}

/// Titles and signatures are printable and bounded, whatever a log says.
pub(crate) fn names_are_printable(text: &[u8]) -> Result<(), String> {
    by_all_rules(text, names)
}

fn names(log: &Log<'_>) -> Result<(), String> {
    for splat in log.splats() {
        let title = Title::of(&splat);
        let names = [&title.title].into_iter().chain(&title.alternatives);
        for name in names {
            let is_plain = name.len() <= 120 && name.bytes().all(|b| matches!(b, b' '..0x7f));
            ensure!(is_plain, "the title at {} is {}", splat.start, shown(name.as_bytes()));
        }
        ensure!(!title.alternatives.contains(&title.title), "{:?} is its own alternative", title.title);
        let signature = Signature::of(&splat, &Report::parse(&splat), &title);
        let is_plain = signature.plaintext().chars().all(|c| c == '\n' || !c.is_control());
        ensure!(is_plain, "the signature at {} is of {}", splat.start, shown(signature.plaintext().as_bytes()));
    }
    Ok(())
}

/// Checks a text as each set of rules reads it.
fn by_all_rules(text: &[u8], check: impl Fn(&Log<'_>) -> Result<(), String>) -> Result<(), String> {
    RULES.into_iter().try_for_each(|rules| check(&Log::parse(text, rules)).map_err(|how| format!("{rules:?}: {how}")))
}

/// All sets of rules.
pub(crate) const RULES: [Rules; 2] = [Rules::Syzbot, Rules::Ksplat];
