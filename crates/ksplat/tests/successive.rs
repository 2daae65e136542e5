//! All successive reports of a log: where they stand, and that each is what a search from where the one before ended finds.

use ksplat::Span;

/// What does not depend on where the search started.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    title: String,
    alternatives: Vec<String>,
    corrupted: Option<&'static str>,
    text: Vec<u8>,
    span: Span,
    panicked: bool,
}

/// The reports of the log from `at` on, with their places in the whole of it.
fn seen(log: &[u8], at: usize) -> Vec<Seen> {
    let mut all = Vec::new();
    ksplat::reports(&log[at..], |found| {
        let Span { start, end, skip, region_end } = found.span;
        all.push(Seen {
            title: found.title.title.clone(),
            alternatives: found.title.alternatives.clone(),
            corrupted: found.title.corrupted.map(|why| why.reason()),
            text: found.splat.text(),
            span: Span { start: start + at, end: end + at, skip: skip + at, region_end: region_end + at },
            panicked: found.splat.panicked,
        });
    });
    all
}

fn check(name: &str, log: &[u8]) {
    let all = seen(log, 0);
    let mut from = 0;
    for (n, report) in all.iter().enumerate() {
        let Span { start, end, skip, region_end } = report.span;
        assert!(start < skip && skip <= end && end <= log.len(), "{name}#{n}: {:?}", report.span);
        assert!(from <= start && start < region_end && region_end <= log.len(), "{name}#{n}: {:?}", report.span);
        assert!(start == 0 || log[start - 1] == b'\n', "{name}#{n}: a report starts with a line");
        assert!(skip == log.len() || log[skip] == b'\n', "{name}#{n}: the search goes on behind that line");

        // Found again from its start, with nothing before it.
        // (Its own last line may be another one: what stands above a report tells how it ends.)
        let again = &seen(log, start)[0];
        let places = |seen: &Seen| (seen.title.clone(), seen.span.start, seen.span.end, seen.span.skip);
        assert_eq!(places(again), places(report), "{name}#{n}: from its start");
        assert!(report.text.ends_with(&again.text), "{name}#{n}: only what led there is missing");

        // Found by a search that goes on where the one before ended, which is how a list of reports is meant.
        assert_eq!(seen(log, from)[0], *report, "{name}#{n}: from byte {from}");
        assert!(seen(log, end).is_empty(), "{name}#{n}: the end is that of the last line with a trigger");
        from = skip;
    }
    assert!(seen(log, from).is_empty(), "{name}: nothing follows the last one");
}

#[test]
fn reports_follow_each_other() {
    let Some(shared) = testkit::shared_or_skip("ksplat::successive") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(shared.join("corpus/report")).unwrap() {
        let path = entry.unwrap().path();
        check(&path.display().to_string(), &testkit::unlabelled(std::fs::read(&path).unwrap()));
        count += 1;
    }
    assert!(count > 0, "an empty corpus tests nothing");
}

#[test]
fn reports_of_our_own_logs_follow_each_other() {
    let logs = testkit::workspace_root().join("testdata/logs");
    for entry in std::fs::read_dir(logs).unwrap() {
        let path = entry.unwrap().path();
        let mut log = std::fs::read(&path).unwrap();
        log.retain(|b| *b != b'\r');
        check(&path.display().to_string(), &log);
    }
}

#[test]
fn a_panic_counts_from_where_the_search_starts_and_a_suppression_anywhere() {
    let log = b"fatal error: newosproc\nKernel panic - not syncing: a\nBUG: Bad page map in process b\n";
    let mut flags = Vec::new();
    ksplat::reports(log, |found| flags.push((found.splat.panicked, found.splat.suppressed)));
    assert_eq!(flags, [(true, true), (true, true), (false, true)]);
}
