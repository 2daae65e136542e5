//! Both rules on the same logs: our own, and the labelled ones of `../shared/corpus/report` where they are there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ksplat::Options;
use ksplat::trace::Rules;

struct Seen {
    title: String,
    signature: String,
    corrupted: bool,
    follows: bool,
}

/// Each report, by where it starts.
fn reports(log: &[u8], rules: Rules) -> BTreeMap<usize, Seen> {
    let mut reports = BTreeMap::new();
    Options { rules }.reports(log, |found| {
        let seen = Seen {
            title: found.title.title.clone(),
            signature: found.signature.to_string(),
            corrupted: found.title.corrupted.is_some(),
            follows: found.follows.is_some(),
        };
        assert!(found.follows.is_none_or(|follows| follows.report < found.index), "{}", seen.title);
        reports.insert(found.span.start, seen);
    });
    reports
}

/// All logs below a folder.
fn logs(folder: &Path) -> Vec<Vec<u8>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logs.extend(self::logs(&path));
        } else if path.extension().is_none_or(|extension| extension == "log") {
            logs.push(fs::read(path).unwrap());
        }
    }
    logs
}

/// Holds both rules against each other; how many reports have another title under ksplat's.
fn compare(folder: &Path) -> usize {
    let mut differ = 0;
    for log in logs(folder) {
        let (syzbot, ksplat) = (reports(&log, Rules::Syzbot), reports(&log, Rules::Ksplat));
        for (start, seen) in &syzbot {
            let title = &seen.title;
            let other = ksplat.get(start).unwrap_or_else(|| panic!("{title}: ksplat's rules lose it"));
            assert_eq!(other.signature, seen.signature, "{title}: the signature depends on the rules");
            assert!(
                seen.corrupted || !other.corrupted || is_echo_of_panic(title),
                "{title}: believed by syzbot's rules"
            );
            differ += usize::from(other.title != seen.title);
        }
        for seen in ksplat.values().filter(|seen| is_echo_of_panic(&seen.title)) {
            assert!(seen.corrupted, "{}: only repeats a report", seen.title);
        }
    }
    differ
}

/// Panics that say nothing of the crash.
fn is_echo_of_panic(title: &str) -> bool {
    let says = [
        "panic_on_warn set",
        "panic_on_kmsan set",
        "panic_on_oom is enabled",
        "softlockup: hung tasks",
        "hung_task: blocked tasks",
        "Fatal exception",
        "RCU Stall",
    ];
    title.starts_with("kernel panic: ") && says.iter().any(|text| title.contains(text))
}

#[test]
fn signatures_do_not_depend_on_the_rules() {
    let testdata = testkit::workspace_root().join("testdata");
    assert!(compare(&testdata.join("reports")) > 0, "some titles differ");
    compare(&testdata.join("logs"));
    if let Some(shared) = testkit::shared_or_skip("ksplat::rules") {
        assert!(compare(&shared.join("corpus/report")) > 0, "some titles differ");
    }
}

#[test]
fn most_panics_of_the_labelled_logs_echo_a_report() {
    let Some(shared) = testkit::shared_or_skip("ksplat::rules") else {
        return;
    };
    let (mut panics, mut echoes) = (0, 0);
    for log in logs(&shared.join("corpus/report")) {
        let reports = reports(&log, Rules::Syzbot);
        for seen in reports.values().skip(1).filter(|seen| is_echo_of_panic(&seen.title)) {
            panics += 1;
            echoes += usize::from(seen.follows);
        }
    }
    // Those that do not are alone: the log lost what they are for, or holds it in a form that starts no report.
    assert!(panics > 100 && echoes * 100 >= panics * 97, "{echoes} of {panics}");
}
