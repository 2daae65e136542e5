//! The log that started the project, read to the last line.

use bisect::{Direction, Log, Outcome, Role, RunResult, Verdict};
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
    let counts = [RunResult::Crashed, RunResult::Ok, RunResult::BootFailed].map(|result| flaky.count(result, 10));
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

#[test]
fn the_standalone_tool_and_crlf_change_nothing() {
    let Some(bytes) = seed() else { return };
    let text = String::from_utf8(bytes).unwrap();
    let (head, _) = text.split_once("crash: ").unwrap();
    let plain = Log::parse(head.as_bytes());
    let dated: String = head.lines().map(|line| format!("09-Jul-2025 13:22:22: {line}\r\n")).collect();
    let dated = Log::parse(dated.as_bytes());
    assert_eq!(dated.to_text(), plain.to_text());
    assert_eq!(dated.lines, plain.lines);
}
