//! The audit: what it finds, that it follows the era's rules, and that it is as good as it says.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod corpus_logs;

use bisect::{Audit, Context, GitFacts, Log, Outcome, Rule, Trust, audit};
use std::{collections::BTreeMap, ops::AddAssign};

/// A bisection of three steps: what the first test did, and for each step its runs and git's word.
fn log(head: &str, first: &str, steps: [(&str, &str); 3], end: &str) -> String {
    let hash = |digit: char| digit.to_string().repeat(40);
    let mut log =
        format!("{head}bisecting cause commit starting from {0}\ntesting commit {0} gcc\n{first}\n", hash('0'));
    log += &format!("testing release v6.0\ntesting commit {} gcc\nall runs: OK\n", hash('9'));
    log += &format!("# git bisect start {} {}\n", hash('0'), hash('9'));
    for (digit, (runs, word)) in ['1', '2', '3'].into_iter().zip(steps) {
        log += &format!(
            "Bisecting: 1 revision left to test after this (roughly 1 step)\n[{}] sctp: step {digit}\n",
            hash(digit)
        );
        log += &format!("testing commit {} gcc\n{runs}\n# git bisect {word} {}\n", hash(digit), hash(digit));
    }
    log + end
}

const CRASH: &str = "all runs: crashed: KASAN: use-after-free Read in sctp_free";
const OTHER: &str = "all runs: crashed: INFO: task hung in pipe_release";
const OK: &str = "all runs: OK";
const END: &str = "revisions tested: 5, total time: 1h0m0s (build: 30m0s, test: 30m0s)\n\
    first bad commit: 3333333333333333333333333333333333333333 sctp: free later\n\
    crash: KASAN: use-after-free Read in sctp_free\n sctp_free+0x1/0x2 fs/sctp/auth.c:12\n";
const FOUND: &str = "3333333333333333333333333333333333333333 is the first bad commit\n\
    commit 3333333333333333333333333333333333333333\n\n    sctp: free later\n\n fs/sctp/auth.c | 2 +-\n \
    1 file changed, 1 insertion(+), 1 deletion(-)\n";

fn kinds(audit: &Audit) -> Vec<&'static str> {
    audit.findings.iter().filter(|finding| !finding.minor).map(|finding| finding.kind).collect()
}

fn judge(text: &str) -> Audit {
    let log = Log::parse(text.as_bytes());
    assert!(log.lines.unread.is_empty(), "{:?}", log.lines.unread);
    audit(&log, Context::default())
}

#[test]
fn a_clean_bisection_is_trusted() {
    let clean = judge(&log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &format!("{FOUND}{END}")));
    assert_eq!(clean.verdict, Some(Trust::Trust), "{}", clean.to_text());
    assert_eq!(clean.rule, Rule::OneCrash);
    assert!(kinds(&clean).is_empty(), "{}", clean.to_text());
    assert_eq!(clean.next.unwrap().revision, "1".repeat(40));
}

/// Each defect costs: it is found, named, quoted, and makes the probability smaller.
#[test]
fn every_defect_is_found_and_costs() {
    let end = format!("{FOUND}{END}");
    let clean = judge(&log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &end)).probability.unwrap();
    let signature = |runs: &str, digit: char| format!("kernel signature: {}\n{runs}", digit.to_string().repeat(64));
    let single = "run #0: crashed: KASAN: use-after-free Read in sctp_free\nrun #1: OK\nrun #2: OK";
    let equal = "culprit signature: aa\nparent  signature: aa\n";
    let cases = [
        ("crash-drift", log("", CRASH, [(OK, "good"), (CRASH, "bad"), (OTHER, "bad")], &end)),
        ("single-crash", log("", CRASH, [(OK, "good"), (CRASH, "bad"), (single, "bad")], &end)),
        ("unfounded-verdict", log("", CRASH, [(OK, "good"), (OK, "bad"), (CRASH, "bad")], &end)),
        ("good-end", log("", CRASH, [(CRASH, "bad"), (OK, "good"), (OK, "good")], &end)),
        (
            "equal-kernels",
            log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &format!("{FOUND}{equal}{END}")),
        ),
        (
            "equal-kernels",
            log("", CRASH, [(&signature(OK, 'a'), "good"), (CRASH, "bad"), (&signature(CRASH, 'a'), "bad")], &end),
        ),
        (
            "impossible-culprit",
            log(
                "",
                CRASH,
                [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")],
                &end.replace("fs/sctp/auth.c |", "Documentation/a.rst |"),
            ),
        ),
        (
            "files-elsewhere",
            log(
                "",
                CRASH,
                [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")],
                &end.replace("fs/sctp/auth.c |", "mm/a.c |"),
            ),
        ),
        (
            "busy-subsystem",
            log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &end.replace("fs/sctp/", "net/sctp/")),
        ),
        (
            "exposing-culprit",
            log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &end.replace("free later", "warn on free")),
        ),
    ];
    for (kind, text) in cases {
        let found = judge(&text);
        let finding = found.findings.iter().find(|finding| finding.kind == kind && !finding.minor);
        let finding = finding.unwrap_or_else(|| panic!("no {kind}:\n{}", found.to_text()));
        assert!(finding.weight < 0.0, "{kind}: {finding:?}");
        assert!(!finding.quote.is_empty(), "{kind}: {finding:?}");
        assert!(found.probability.unwrap() < clean, "{kind}");
    }
}

/// What cannot be the cause of anything is never trusted, however clean the log is.
#[test]
fn a_culprit_that_changes_nothing_settles_the_result() {
    let clean = log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &format!("{FOUND}{END}"));
    assert!(judge(&clean).probability.unwrap() > 0.9);
    let signatures = |culprit: &str, parent: &str| {
        clean.replace(END, &format!("culprit signature: {culprit}\nparent  signature: {parent}\n{END}"))
    };
    for (text, kind, quotes) in [
        (signatures("aa", "aa"), "equal-kernels", &["culprit signature: aa", "parent  signature: aa"][..]),
        (
            clean.replace("\n\n    sctp", "\nMerge: 0123456 89abcde\n\n    sctp"),
            "impossible-culprit",
            &["Merge: 0123456 89abcde"],
        ),
        (clean.replace("sctp: free later", "Linux 6.1-rc4"), "impossible-culprit", &[]),
    ] {
        let settled = judge(&text);
        assert_eq!((settled.verdict, settled.probability), (Some(Trust::Reject), Some(0.016)), "{}", settled.to_text());
        let first = &settled.findings[0];
        assert_eq!((first.kind, first.at_most), (kind, Some(0.016)));
        assert!(quotes.iter().all(|quote| first.quote.iter().any(|line| line.text == *quote)), "{}", settled.to_text());
    }
    // Other kernels, and no kernel at all, are nothing to object to.
    for text in [signatures("aa", "ab"), signatures("", "")] {
        assert_eq!(judge(&text).verdict, Some(Trust::Trust), "{}", judge(&text).to_text());
    }
}

#[test]
fn the_era_decides_what_one_crash_means() {
    let runs = "run #0: crashed: KASAN: use-after-free Read in sctp_free\n".to_owned() + &"run #1: OK\n".repeat(9);
    let text = |head: &str| {
        log(head, CRASH, [(OK, "good"), (CRASH, "bad"), (runs.trim_end(), "bad")], &format!("{FOUND}{END}"))
    };
    let old = judge(&text("ci starts bisection 2023-03-16 07:07:20.9 +0000 UTC m=+70546.5\n"));
    assert_eq!((old.rule, kinds(&old).contains(&"unfounded-verdict")), (Rule::OneCrash, false));
    assert!(kinds(&old).contains(&"threshold-verdict"));
    let late = judge(&text("ci starts bisection 2025-03-16 07:07:20.9 +0000 UTC m=+70546.5\n"));
    assert_eq!((late.rule, kinds(&late).contains(&"unfounded-verdict")), (Rule::Share, true), "{}", late.to_text());
}

#[test]
fn a_switch_of_the_configuration_is_told() {
    let text = log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &format!("{FOUND}{END}"));
    let note = "the bug reproduces without the instrumentation\ntesting release v6.0\n";
    let switched = judge(&text.replacen("testing release v6.0\n", note, 1));
    assert_eq!(kinds(&switched), ["config-switch"]);
    assert_eq!(switched.findings[0].quote[0].text, note.lines().next().unwrap());
}

/// In a fix bisection a build that failed leaves a report, and a report counts as the bug.
#[test]
fn presence_that_rests_on_a_failed_build_is_told() {
    let hash = "1".repeat(40);
    let text = |runs: &str| {
        format!(
            "bisecting fixing commit since {hash}\ntesting commit {hash} gcc\n{runs}\nrevision {hash} crashed and is reachable\n"
        )
    };
    let failed = judge(&text(&format!("failed building {hash}: make failed\n")));
    assert_eq!(kinds(&failed), ["presence-unproved"]);
    assert!(judge(&text(CRASH)).findings.is_empty());
}

/// In a fix bisection git's `bad` is the fixed kernel.
#[test]
fn a_fix_bisection_swaps_the_words() {
    let text = log("", CRASH, [(CRASH, "good"), (OK, "bad"), (OK, "bad")], &format!("{FOUND}{END}"));
    let fix = judge(&text.replace("bisecting cause commit starting from", "bisecting fixing commit since"));
    assert!(!kinds(&fix).contains(&"unfounded-verdict"), "{}", fix.to_text());
    assert!(kinds(&judge(&text)).contains(&"unfounded-verdict"));
}

#[test]
fn git_says_more_than_the_log() {
    let text = log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &format!("{FOUND}{END}"));
    let log = Log::parse(text.as_bytes());
    let facts = GitFacts { files: vec!["fs/sctp/auth.c".into()], functions: vec!["sctp_free".into()] };
    let touched = audit(&log, Context { git: Some(&facts), ..Context::default() });
    let finding = touched.findings.iter().find(|finding| finding.kind == "touched-functions").unwrap();
    assert_eq!(finding.text, "the culprit touches `sctp_free`, which is in the report");
    let elsewhere = GitFacts { files: vec!["mm/slub.c".into()], functions: Vec::new() };
    assert!(audit(&log, Context { git: Some(&elsewhere), ..Context::default() }).probability < touched.probability);
}

#[test]
fn a_log_without_a_result_has_no_probability() {
    let none = judge("bisecting cause commit starting from 0000000000000000000000000000000000000000\n");
    assert_eq!((none.probability, none.verdict, none.outcome), (None, None, Outcome::Unfinished));
}

/// Rules of a time that is over: they explain what git was told at every step of every log but one.
#[test]
fn the_rules_explain_every_verdict_of_the_corpus() {
    let (mut steps, mut unfounded) = (0, Vec::new());
    for (name, bytes) in corpus_logs::logs() {
        let log = Log::parse(&bytes);
        steps += log.steps().count();
        let judged = audit(&log, Context::default());
        serde_json::to_string(&judged).unwrap();
        for finding in &judged.findings {
            assert!(!finding.quote.is_empty(), "{name}: {finding:?}");
            assert!(finding.quote.iter().all(|quote| quote.text == log.line(quote.line)), "{name}: {finding:?}");
        }
        if kinds(&judged).contains(&"unfounded-verdict") {
            unfounded.push(name);
        }
    }
    println!("{steps} verdicts, unfounded in {unfounded:?}");
    assert!(steps == 0 || unfounded.len() == 1, "{unfounded:?}");
}

/// Every term of the sum is a finding with its name, its weight and the lines that it stands on: nothing else changes the probability.
#[test]
fn base_and_weights_add_up_to_the_probability() {
    let ends = [(OK, "good"), (CRASH, "bad"), (OTHER, "bad")];
    let made = [CRASH, OTHER].map(|first| log("", first, ends, &format!("{FOUND}{END}")).into_bytes());
    let (mut results, mut minor, mut kinds) = (0, 0, BTreeMap::new());
    for bytes in made.into_iter().chain(corpus_logs::logs().into_iter().map(|(_, bytes)| bytes)) {
        let log = Log::parse(&bytes);
        let audit = audit(&log, Context::default());
        let (Some(base), Some(probability)) = (audit.base, audit.probability) else {
            assert!(audit.base.is_none() && audit.probability.is_none());
            continue;
        };
        let odds = base + audit.findings.iter().map(|finding| finding.weight).sum::<f64>();
        let most = audit.findings.iter().filter_map(|finding| finding.at_most).fold(1.0, f64::min);
        let told = (1.0 / (1.0 + (-odds).exp())).min(most);
        assert!((told - probability).abs() <= 0.000_51, "{told}, not {probability}: {}", audit.to_text());
        // Each name once, in the record and in the text.
        let text = audit.to_text();
        for finding in &audit.findings {
            assert_eq!(audit.findings.iter().filter(|other| other.kind == finding.kind).count(), 1, "{text}");
            let said = format!("{:+.2} {}", finding.weight, finding.kind);
            assert!(text.replace('\n', " ").replace("      ", "").contains(&said), "{said} is not in {text}");
            assert!(!finding.quote.is_empty(), "{finding:?}");
            minor += usize::from(finding.minor);
            kinds.entry(finding.kind).or_insert(0).add_assign(1);
        }
        results += 1;
    }
    println!("{results} results, {minor} minor findings, {kinds:?}");
}

/// On the logs that the weights come from; what to expect of others is in `CALIBRATION.md`.
#[test]
fn the_weights_are_those_of_the_measures() {
    let logs = corpus_logs::logs();
    if logs.is_empty() {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/bisection-labels.tsv");
    let labels = std::fs::read_to_string(path).unwrap();
    let labels: BTreeMap<&str, bool> = labels
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            Some((columns[0], *columns.get(4).filter(|label| matches!(**label, "0" | "1"))? == "1"))
        })
        .collect();
    assert_eq!(labels.len(), 493);
    let (mut trusted, mut right, mut rejected, mut lost) = (0.0, 0.0, 0.0, 0.0);
    for (name, bytes) in logs {
        let Some(&is_right) = labels.get(name.trim_end_matches(".txt")) else { continue };
        match (audit(&Log::parse(&bytes), Context::default()).verdict, is_right) {
            (Some(Trust::Trust), is_right) => (trusted, right) = (trusted + 1.0, right + f64::from(u8::from(is_right))),
            (Some(Trust::Reject), is_right) => {
                (rejected, lost) = (rejected + 1.0, lost + f64::from(u8::from(is_right)))
            }
            (Some(Trust::Doubt) | None, _) => {}
        }
    }
    println!("trusted {trusted}, right {right}; rejected {rejected}, right all the same {lost}");
    assert!(right / trusted > 0.88, "{right} of {trusted}");
    assert!(right / 219.0 > 0.60, "{right} of 219");
    assert!(lost / rejected < 0.12, "{lost} of {rejected}");
}

/// What is in no x86 kernel is in that of another architecture, which the compiler or the report names.
#[test]
fn an_architecture_has_its_own_files() {
    let of = |file: &str, compiler: &str, frame: &str| {
        let end = format!("{FOUND}{END}")
            .replace("fs/sctp/auth.c |", &format!("{file} |"))
            .replace("fs/sctp/auth.c:12", frame);
        let first = format!("compiler: {compiler}\n{CRASH}");
        kinds(&judge(&log("", &first, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], &end)))
            .contains(&"impossible-culprit")
    };
    const X86: &str = "gcc (Debian 10.2.1-6) 10.2.1 20210110";
    const ARM64: &str = "aarch64-linux-gnu-gcc (Debian 10.2.1-6) 10.2.1 20210110";
    assert!(of("arch/arm64/mm/fault.c", X86, "fs/sctp/auth.c:12"));
    assert!(of("arch/x86/mm/fault.c", ARM64, "fs/sctp/auth.c:12"));
    assert!(!of("arch/arm64/mm/fault.c", ARM64, "fs/sctp/auth.c:12"));
    assert!(!of("arch/arm64/mm/fault.c", X86, "arch/arm64/mm/fault.c:12"));
    assert!(!of("arch/x86/mm/fault.c", X86, "fs/sctp/auth.c:12"));
    assert!(of("arch/arm/mm/fault.c", ARM64, "fs/sctp/auth.c:12"));
}

/// Of a log that ends in the middle the revision that was being tested is the next one.
#[test]
fn a_log_that_was_cut_says_where_to_go_on() {
    let text = log("", CRASH, [(OK, "good"), (CRASH, "bad"), (CRASH, "bad")], "");
    let next = |end: &str| judge(&text[..text.find(end).unwrap()]).next.map(|next| next.revision);
    assert_eq!(next(&format!("testing commit {}", "2".repeat(40))), Some("2".repeat(40)));
    assert_eq!(next(&format!("# git bisect bad {}", "2".repeat(40))), Some("2".repeat(40)));
    assert_eq!(next("testing release"), None);
}
