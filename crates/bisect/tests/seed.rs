//! The log that started the project, read to the last line.

use bisect::{Direction, Log, Outcome, Role, Rule, RunResult, Verdict};
use std::path::PathBuf;

fn seed() -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/seed-bisection.txt");
    let bytes = std::fs::read(path).ok();
    if bytes.is_none() {
        println!("skipped: ../shared/corpus/seed-bisection.txt is missing");
    }
    bytes
}

#[test]
fn the_seed_log_is_read() {
    let Some(bytes) = seed() else { return };
    let log = Log::parse(&bytes);
    assert_eq!(log.direction, Some(Direction::Cause));
    assert_eq!(log.original.as_deref(), Some("bef7b2a7be28638770972ab2709adf11d601c11a"));
    assert_eq!(log.revisions.len(), 15);
    assert_eq!(log.totals.unwrap().revisions, 15);
    assert_eq!(log.totals.unwrap().total.to_string(), "3h57m50s");
    assert_eq!(log.outcome, Outcome::Found);

    let roles: Vec<Role> = log.revisions.iter().map(|test| test.role).collect();
    assert_eq!(roles[..2], [Role::Original, Role::Release]);
    assert!(roles[2..].iter().all(|role| *role == Role::Bisect));
    assert_eq!(log.revisions[1].release.as_deref(), Some("v5.6"));
    assert!(log.revisions.iter().all(|test| test.compiler.as_deref() == Some("gcc (GCC) 8.1.0")));

    let flaky = log.revisions.iter().find(|test| test.hash.starts_with("d1e7fd6462ca")).unwrap();
    assert_eq!(flaky.title.as_deref(), Some("signal: Extend exec_id to 64bits"));
    assert_eq!(flaky.remaining.unwrap().revisions, 35);
    assert_eq!(flaky.decision.unwrap().verdict, Verdict::Bad);
    let counts = [RunResult::Crashed, RunResult::Ok, RunResult::BootFailed].map(|result| flaky.count(result));
    assert_eq!(counts, [8, 1, 1]);

    let culprit = log.culprit.as_ref().unwrap();
    assert!(culprit.hash.starts_with("7bc3e6e55acf"));
    assert_eq!(culprit.title, "proc: Use a list of inodes to flush from proc");
    assert_eq!(culprit.files.len(), 7);
    assert_eq!(culprit.changed, Some((7, 45, 79)));
    assert!(culprit.merge.is_empty());
    assert_ne!(log.culprit_signature, log.parent_signature);
    assert_eq!(log.recipients.cc.len(), 23);
    assert_eq!(log.crash.as_ref().unwrap().title, "possible deadlock in send_sigio");
    assert!(log.report().starts_with("====="));
    assert!(log.lines.unread.is_empty());
}

/// Nothing before the report is foreign text that would swallow a line nobody knows.
#[test]
fn a_made_up_line_is_unread_wherever_it_stands() {
    let Some(bytes) = seed() else { return };
    let lines: Vec<&str> = str::from_utf8(&bytes).unwrap().lines().collect();
    let report = lines.iter().position(|line| line.starts_with("crash: ")).unwrap();
    for at in 0..=report {
        let mut mutated = lines.clone();
        mutated.insert(at, "the moon was full at commit 7bc3e6e55acf");
        let mutated = mutated.join("\n");
        let log = Log::parse(mutated.as_bytes());
        assert_eq!(log.lines.unread.len(), 1, "before line {}: {:?}", at + 1, log.lines.unread);
        assert_eq!(log.lines.unread[0].0, at + 1);
        assert_eq!(log.revisions.len(), 15);
    }
}

#[test]
fn a_log_cut_anywhere_is_read() {
    let Some(bytes) = seed() else { return };
    let report = Log::parse(&bytes).crash.unwrap().report.start;
    let mut revisions = 0;
    for end in (0..report).step_by(7) {
        let log = Log::parse(&bytes[..end]);
        assert!(log.lines.unread.len() <= 1, "{end}: only the cut line may be unread: {:?}", log.lines.unread);
        assert!(log.revisions.len() >= revisions);
        revisions = log.revisions.len();
        log.to_text();
    }
    assert_eq!(revisions, 15);
}

/// The standalone tool stamps its lines. That is data, and it dates the rule of the verdicts; all else stays as it is.
#[test]
fn the_stamps_of_the_standalone_tool_are_read() {
    let Some(bytes) = seed() else { return };
    let text = String::from_utf8(bytes).unwrap();
    let (head, _) = text.split_once("crash: ").unwrap();
    let plain = Log::parse(head.as_bytes());
    let clock = |line: usize| format!("{:02}:{:02}:00", line / 60, line % 60);
    let stamped = |date: &str| -> String {
        head.lines().enumerate().map(|(at, line)| format!("{date} {}: {line}\r\n", clock(at + 1))).collect()
    };
    let dated = stamped("09-Aug-2025");
    let dated = Log::parse(dated.as_bytes());
    assert_eq!(dated.lines, plain.lines);
    assert_eq!(dated.culprit, plain.culprit);

    let at = |line: usize| format!("2025-08-09T{}", clock(line));
    let (first, last) = dated.times.unwrap();
    assert_eq!([first.to_string(), last.to_string()], [at(1), at(dated.lines.total)]);
    for (test, other) in dated.revisions.iter().zip(&plain.revisions) {
        let (first, last) = test.times.unwrap();
        assert_eq!([first.to_string(), last.to_string()], [at(test.lines.0), at(test.lines.1)]);
        assert!(test.runs.iter().all(|run| run.time.unwrap().to_string() == at(run.line)));
        assert!(test.decision.is_none_or(|told| told.time.unwrap().to_string() == at(told.line)));
        assert!(other.times.is_none() && other.runs.iter().all(|run| run.time.is_none()));
    }

    assert_eq!(Rule::of(&plain).0, Rule::OneCrash);
    assert_eq!(Rule::of(&dated).0, Rule::Share);
    let early = stamped("09-Aug-2023");
    assert_eq!(Rule::of(&Log::parse(early.as_bytes())).0, Rule::OneCrash);
    assert!(dated.to_text().contains("written from 2025-08-09T00:01:00 to 2025-08-09T"), "{}", dated.to_text());
}

/// A stamp is of the log, and not of the report at its end.
#[test]
fn a_report_has_no_stamps() {
    let log = Log::parse(b"crash: WARNING in f\n09-Aug-2025 15:59:01: WARNING: at f\n");
    assert_eq!(log.times, None);
    assert_eq!(log.report(), "09-Aug-2025 15:59:01: WARNING: at f\n");
}
