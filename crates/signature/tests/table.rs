//! The table of formats tests itself: each row names the report that is made of its shapes.

use signature::{CrashType, Title};
use trace::{Format, Log, Rules};

/// The row that names a text, and its type.
fn fired(text: &str, rules: Rules) -> Option<(&'static Format, Option<CrashType>)> {
    let log = Log::parse(text.as_bytes(), rules);
    let title = Title::of(&log.splats().next()?);
    Some((title.format?, title.crash_type))
}

#[test]
fn every_row_is_reached_and_none_is_hidden_by_another() {
    for format in Format::all() {
        let sample = format.sample();
        let (by, kind) = fired(&sample, format.row.rules).unwrap_or_else(|| panic!("no row takes {sample:?}"));
        let (line, by) = (format.row.line, by.row.line);
        assert_eq!(by, line, "line {by} of format/table.rs hides line {line}: it takes {sample:?}");
        if let Some(name) = format.row.kind {
            assert_eq!(kind.map(CrashType::name), Some(name));
        }
    }
}

/// What a title alone says of its other names is what its report says.
#[test]
fn alternatives_of_a_title_are_those_of_its_report() {
    let mut named = 0;
    for format in Format::all().iter().filter(|format| format.row.rules == Rules::Syzbot) {
        let sample = format.sample();
        let log = Log::parse(sample.as_bytes(), Rules::Syzbot);
        let title = Title::of(&log.splats().next().unwrap_or_else(|| panic!("no report in {sample:?}")));
        for other in signature::alternatives(&title.title) {
            assert!(title.alternatives.contains(&other), "{other:?} of {:?}: {:?}", title.title, title.alternatives);
            named += 1;
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn rows_of_ksplats_rules_are_unknown_to_syzbots() {
    for format in Format::all().iter().filter(|format| format.row.rules == Rules::Ksplat) {
        let by = fired(&format.sample(), Rules::Syzbot).map(|(by, _)| by.index);
        assert_ne!(by, Some(format.index), "line {} of format/table.rs", format.row.line);
    }
}

/// `testdata/reports` shows what each row is for.
#[test]
fn every_row_names_a_log_of_ours() {
    let mut named = vec![false; Format::all().len()];
    for log in testkit::logs() {
        for rules in [Rules::Syzbot, Rules::Ksplat] {
            let console = trace::Console::read(&log.bytes);
            let log = Log::parse(console.text(), rules);
            log.splats().filter_map(|splat| Title::of(&splat).format).for_each(|format| named[format.index] = true);
        }
    }
    let without = Format::all().iter().filter(|format| !named[format.index]);
    let without: Vec<String> =
        without.map(|format| format!("line {}: {}", format.row.line, format.row.shape)).collect();
    assert!(without.is_empty(), "{} rows have no log in testdata/reports:\n{}", without.len(), without.join("\n"));
}
