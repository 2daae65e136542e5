//! The table of formats tests itself: each row names the report that is made of its shapes, and the page that shows how to
//! add one (`trace/README.md`) says what is there.

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

#[test]
fn rows_of_ksplats_rules_are_unknown_to_syzbots() {
    for format in Format::all().iter().filter(|format| format.row.rules == Rules::Ksplat) {
        let by = fired(&format.sample(), Rules::Syzbot).map(|(by, _)| by.index);
        assert_ne!(by, Some(format.index), "line {} of format/table.rs", format.row.line);
    }
}

/// The first block of code of this kind in the page that shows how to add a message, without its indentation.
fn block(kind: &str) -> String {
    const PAGE: &str = include_str!("../../trace/README.md");
    let mut lines = PAGE.lines().skip_while(|line| line.trim() != format!("```{kind}")).skip(1).peekable();
    let indent = lines.peek().map_or(0, |line| line.len() - line.trim_start().len());
    let inside = lines.take_while(|line| line.trim() != "```");
    inside.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn the_page_shows_a_row_of_the_table() {
    let table = include_str!("../../trace/src/format/table.rs");
    let row: String = block("rust").lines().map(|line| format!("    {line}\n")).collect();
    assert!(row.contains("row(") && table.contains(&row), "the table has no\n{row}");
}

#[test]
fn the_page_shows_what_comes_of_its_log() {
    let log = block("log");
    let golden =
        |extension: &str| testkit::workspace_root().join("testdata/reports/irq/nobody-cared").with_extension(extension);
    assert_eq!(std::fs::read_to_string(golden("log")).ok().as_deref(), Some(&*log));
    let log = Log::parse(log.as_bytes(), Rules::Ksplat);
    let title = Title::of(&log.splats().next().expect("the trigger is known"));
    let kind = title.crash_type.map_or("none", CrashType::name);
    assert_eq!(format!("{}\n  type       {kind}\n", title.title), block("title"));
    let golden = std::fs::read_to_string(golden("txt")).unwrap_or_default();
    assert!(golden.contains(&block("title")), "make golden has not been run:\n{golden}");
}
