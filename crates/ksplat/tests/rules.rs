//! Both rules on the same logs: our own, and the labelled ones of `../shared/corpus/report` where they are there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ksplat::Options;
use ksplat::trace::Rules;

/// Title and signature of each report, by where it starts.
fn reports(log: &[u8], rules: Rules) -> BTreeMap<usize, (String, String)> {
    let mut reports = BTreeMap::new();
    Options { rules }.reports(log, |found| {
        reports.insert(found.span.start, (found.title.title.clone(), found.signature.to_string()));
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
        for (start, (title, signature)) in &syzbot {
            let (other, same) = ksplat.get(start).unwrap_or_else(|| panic!("{title}: ksplat's rules lose it"));
            assert_eq!(same, signature, "{title}: the signature depends on the rules");
            differ += usize::from(other != title);
        }
    }
    differ
}

#[test]
fn signatures_do_not_depend_on_the_rules() {
    let testdata = testkit::workspace_root().join("testdata");
    assert!(compare(&testdata.join("reports")) > 0, "some titles differ");
    compare(&testdata.join("logs"));
    if let Some(shared) = testkit::shared_or_skip("ksplat::rules") {
        compare(&shared.join("corpus/report"));
    }
}
