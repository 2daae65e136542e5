//! Every line of every real bisection log has a template.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod corpus_logs;

use bisect::{CrashReport, Log};
use corpus_logs::logs;
use std::collections::BTreeMap;

#[test]
fn every_line_of_every_log_has_a_template() {
    let logs = logs();
    if logs.is_empty() {
        return;
    }
    assert_eq!(logs.len(), 1757);
    let (mut known, mut foreign, mut lines, mut unread) = (BTreeMap::new(), BTreeMap::new(), 0, 0);
    for (name, bytes) in &logs {
        let log = Log::parse(bytes);
        lines += log.lines.total;
        unread += log.lines.unread.len();
        for (number, text) in log.lines.unread.iter().take(3) {
            println!("{name}:{number}: {text}");
        }
        for (template, count) in &log.lines.known {
            *known.entry(*template).or_insert(0) += count;
        }
        for (kind, count) in &log.lines.foreign {
            *foreign.entry(*kind).or_insert(0) += count;
        }
    }
    println!("{lines} lines: {known:#?} {foreign:#?}");
    assert_eq!(known.values().sum::<usize>() + foreign.values().sum::<usize>() + unread, lines);
    assert_eq!(unread, 0);
}

/// The sum of the parts of all logs, counted independently with grep.
#[test]
fn nothing_that_a_log_says_is_lost() {
    let logs = logs();
    if logs.is_empty() {
        return;
    }
    let (mut tests, mut runs, mut decisions, mut strays) = (0, 0, 0, 0);
    for (name, bytes) in &logs {
        let log = Log::parse(bytes);
        let text = String::from_utf8_lossy(bytes);
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        let told = log.revisions.iter().filter(|test| test.decision.is_some()).count();
        assert_eq!(told, count("# git bisect ") - count("# git bisect start "), "{name}");
        assert_eq!(
            log.revisions.iter().map(|test| test.runs.len()).sum::<usize>(),
            count("run #") + count("all runs: ")
        );
        tests += log.revisions.len();
        runs += log.revisions.iter().map(|test| test.runs.len()).sum::<usize>();
        decisions += told;
        strays += log.revisions.iter().filter(|test| test.lines.0 == test.lines.1 && test.failures.is_empty()).count();
        if name.starts_with("Log_") {
            assert_eq!(log.revisions.len(), count("testing commit "), "{name}");
        }
    }
    println!("{tests} tests, {runs} lines of runs, {decisions} decisions, {strays} blocks with nothing in them");
}

/// Our own names of the crash reports are those that the logs give them, save where the wording of titles changed.
#[test]
fn crash_reports_are_named_as_the_logs_name_them() {
    let (mut reports, mut same, mut none) = (0, 0, 0);
    for (_, bytes) in logs() {
        let log = Log::parse(&bytes);
        let Some(crash) = &log.crash else { continue };
        reports += 1;
        match CrashReport::of(&log) {
            Some(report) if report.titles().any(|title| title == crash.title) => same += 1,
            Some(_) => {}
            None => none += 1,
        }
    }
    println!("{reports} reports, {same} with the log's title, {none} that are no kernel report");
    assert!(same as f64 >= 0.9 * reports as f64, "{same} of {reports}");
}

/// Foreign text is bounded: between two lines of the bisection a line of nobody is unread.
#[test]
fn a_made_up_line_in_a_real_log_is_unread() {
    const OWN: &[&str] =
        &["testing ", "kernel signature: ", "compiler: ", "all runs: ", "run #", "# git ", "Bisecting: ", "["];
    let is_own = |line: &str| OWN.iter().any(|start| line.starts_with(start)) && !line.contains("[\"");
    let mut places = 0;
    for (name, bytes) in logs().iter().filter(|(name, _)| name.starts_with("Log_")).step_by(20) {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\nrevisions tested: ").next().unwrap_or_default();
        let lines: Vec<&str> = head.lines().collect();
        for at in (1..lines.len()).filter(|at| is_own(lines[at - 1]) && is_own(lines[*at])).step_by(5) {
            let mut mutated = lines[..at].to_vec();
            mutated.push("net: the moon was full (roughly 1 step): error");
            mutated.extend(&lines[at..]);
            let mutated = mutated.join("\n");
            let unread = Log::parse(mutated.as_bytes()).lines.unread;
            assert_eq!(unread.len(), 1, "{name}: before line {}", at + 1);
            places += 1;
        }
    }
    println!("{places} places");
}

/// The rule that says how many runs `all runs` stands for says of every test that lists its runs how many it has.
#[test]
fn the_number_of_runs_follows_from_the_era() {
    let (mut tests, mut wrong) = (0, Vec::new());
    for (name, bytes) in logs() {
        let text = String::from_utf8_lossy(&bytes);
        let log = Log::parse(&bytes);
        let listed = log.revisions.iter().filter(|test| !test.all_runs && !test.runs.is_empty());
        for test in listed {
            let lines: Vec<&str> = text.split('\n').collect();
            let list = test.runs.iter().map(|run| run.line).collect::<Vec<_>>();
            // The same log, where this test says that all of its runs were OK.
            let kept = lines.iter().enumerate().filter(|(at, _)| !list[1..].contains(&(at + 1)));
            let kept: Vec<&str> =
                kept.map(|(at, line)| if at + 1 == list[0] { "all runs: OK" } else { *line }).collect();
            let kept = kept.join("\n");
            let shorter = Log::parse(kept.as_bytes());
            let other = shorter.revisions.iter().find(|other| other.lines.0 == test.lines.0);
            tests += 1;
            if other.is_none_or(|other| other.runs_each != list.len()) {
                wrong.push(format!("{name}:{}: {} runs", test.lines.0, list.len()));
            }
        }
    }
    println!("{tests} tests, another number for {}: {wrong:?}", wrong.len());
    assert!(wrong.len() * 200 <= tests, "{} of {tests}", wrong.len());
}
