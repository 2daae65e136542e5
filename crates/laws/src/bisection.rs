//! Laws of bisection logs.

use bisect::{Audit, Context, CrashReport, Log, audit};

use crate::{ensure, shown};

/// Every line is known, foreign or unread, and its number leads back to its text.
pub fn each_line_has_been_read_once(input: &[u8]) -> Result<(), String> {
    let log = Log::parse(input);
    let lines = &log.lines;
    let read: usize = lines.known.values().chain(lines.foreign.values()).sum();
    ensure!(read + lines.unread.len() == lines.total, "{read} read of {}", lines.total);
    let text: Vec<&[u8]> = input.split_inclusive(|&byte| byte == b'\n').collect();
    ensure!(text.len() == lines.total, "{} of {} lines", lines.total, text.len());
    for (number, unread) in &lines.unread {
        let line = log.line(*number);
        ensure!(line.ends_with(unread.as_ref()), "line {number} is {line:?}, not {unread:?}");
    }
    ensure!(log.line(0).is_empty() && log.line(lines.total + 1).is_empty(), "there is no such line");
    Ok(())
}

/// Up to the half of its lines, a log has tests, runs and decisions that the whole has, too.
pub fn a_longer_log_has_what_a_shorter_one_has(input: &[u8]) -> Result<(), String> {
    let lines: Vec<&[u8]> = input.split_inclusive(|&byte| byte == b'\n').collect();
    let end: usize = lines[..lines.len() / 2].iter().map(|line| line.len()).sum();
    let (short, long) = (Log::parse(&input[..end]), Log::parse(input));
    ensure!(short.revisions.len() <= long.revisions.len(), "a longer log has fewer tests");
    for (one, other) in short.revisions.iter().zip(&long.revisions) {
        ensure!(one.hash == other.hash && one.lines.0 == other.lines.0, "{one:?} became {other:?}");
        ensure!(other.runs.starts_with(&one.runs), "{one:?} became {other:?}");
        ensure!(one.decision.is_none() || one.decision == other.decision, "{one:?} became {other:?}");
    }
    ensure!(long.lines.unread.starts_with(&short.lines.unread), "an unread line was read");
    Ok(())
}

/// A judgement is one, and what it quotes stands in the log.
pub fn findings_quote_the_log(input: &[u8]) -> Result<(), String> {
    let log = Log::parse(input);
    let Audit { probability, verdict, base, findings, silences, .. } = audit(&log, Context::default());
    ensure!(probability.is_some() == verdict.is_some(), "{probability:?} is {verdict:?}");
    ensure!(probability.is_none_or(|p| (0.0..=1.0).contains(&p)), "{probability:?}");
    let odds = base.map(|base| base + findings.iter().map(|finding| finding.weight).sum::<f64>());
    let most = findings.iter().filter_map(|finding| finding.at_most).fold(1.0, f64::min);
    let told = odds.map(|odds| (1.0 / (1.0 + (-odds).exp())).min(most));
    let is_sum = match (probability, told) {
        (Some(probability), Some(told)) => (probability - told).abs() < 0.001,
        (probability, told) => probability == told,
    };
    ensure!(is_sum, "{probability:?} is not what is listed: {told:?}");
    for finding in &findings {
        ensure!(!finding.quote.is_empty(), "nothing is quoted: {finding:?}");
        ensure!(
            finding.at_most.is_none_or(|most| probability <= Some(most)),
            "{probability:?} in spite of {finding:?}"
        );
        for quote in &finding.quote {
            let line = log.line(quote.line);
            let stands =
                quote.text == line || quote.text.strip_suffix('…').is_some_and(|start| line.starts_with(start));
            ensure!(quote.line > 0 && stands, "{finding:?} of {}", shown(input));
        }
    }
    ensure!(silences.iter().all(|silence| (0.0..=1.0).contains(&silence.miss)), "{silences:?}");
    CrashReport::of(&log);
    log.to_text();
    audit(&log, Context::default()).to_text();
    Ok(())
}
