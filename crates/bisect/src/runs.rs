//! How many runs `all runs` stands for: a log lists runs only where they differ.

use crate::{
    log::Log,
    revision::Verdict,
    verdict::{Counts, Judgement, Rule},
};

/// Runs of a test.
const RUNS: usize = 10;
/// Runs of the first test, and of all that follow a flaky one, since early 2021.
const MORE: usize = 20;

/// Notes for each test what an entry of its runs stands for.
///
/// Ten runs, or as many as there were machines; since early 2021 twenty for the first test, and from when the reproducer is known to be
/// flaky, which it is where fewer than half of the runs of a bad revision crash. Of 7,905 tests that list their runs in 1,757
/// logs 23 have another number than that: nothing else dates their logs, which are of the turn of that year.
pub(crate) fn count(log: &mut Log<'_>) {
    let (rule, _) = Rule::of(log);
    // The list of the last test may have been cut.
    let last = log.revisions.len().saturating_sub(1);
    let whole = log.revisions.iter().enumerate().filter(|(at, test)| *at < last || test.decision.is_some());
    let most = whole.filter(|(_, test)| !test.all_runs).map(|(_, test)| test.runs.len()).max().filter(|most| *most > 0);
    // Logs from then on have one of these lines, or a list.
    const SINCE: &[&str] = &["starts-bisection", "compiler", "representative-crash", "false-negative-chance"];
    let is_late = SINCE.iter().any(|template| log.lines.known.contains_key(*template)) || log.times.is_some();
    let more = if is_late || most.is_some_and(|most| most >= MORE) { MORE } else { RUNS };
    let machines = most.filter(|most| *most < RUNS).unwrap_or(MORE);
    let mut is_flaky = false;
    for (index, test) in log.revisions.iter_mut().enumerate() {
        test.runs_each = match test.all_runs {
            true => if index == 0 || is_flaky { more } else { RUNS }.min(machines),
            false => 1,
        };
        is_flaky |= flags(rule, Counts::of(test), is_flaky);
    }
}

/// Whether these runs say that the reproducer is flaky.
pub(crate) fn flags(rule: Rule, counts: Counts, is_flaky: bool) -> bool {
    rule.judge(counts, is_flaky) == Judgement::Verdict(Verdict::Bad) && counts.ratio().unwrap_or(1.0) < 0.5
}

#[cfg(test)]
mod tests {
    use crate::Log;

    /// How many runs each test of a log had; a test is what follows `testing commit`.
    fn runs(head: &str, tests: &[&str]) -> Vec<usize> {
        let hash = "0".repeat(40);
        let tests: String =
            tests.iter().map(|test| format!("testing commit {hash} gcc\n{test}# git bisect bad {hash}\n")).collect();
        let text = format!("{head}{tests}");
        let log = Log::parse(text.as_bytes());
        assert!(log.lines.unread.is_empty(), "{:?}", log.lines.unread);
        log.revisions.iter().map(|test| test.runs_each * test.runs.len()).collect()
    }

    fn listed(crashes: usize, runs: usize) -> String {
        let result = |run| if run < crashes { "crashed: WARNING in f" } else { "OK" };
        (0..runs).map(|run| format!("run #{run}: {}\n", result(run))).collect()
    }

    #[test]
    fn all_runs_are_as_many_as_the_era_had() {
        const ALL: &str = "all runs: crashed: WARNING in f\n";
        const NEW: &str = "compiler: gcc (Debian 10.2.1-6) 10.2.1 20210110, GNU ld (GNU Binutils for Debian) 2.35.2\n";
        let (often, rarely) = (listed(9, 10), listed(2, 10));
        assert_eq!(runs("", &[ALL, ALL, &often, ALL]), [10, 10, 10, 10]);
        // Before 2021 a flaky reproducer was not run more often.
        assert_eq!(runs("", &[ALL, &rarely, ALL]), [10, 10, 10]);
        assert_eq!(runs("", &[&(NEW.to_owned() + ALL), ALL, &rarely, ALL]), [20, 10, 10, 20]);
        assert_eq!(
            runs(
                "09-Aug-2025 15:59:01: bisecting cause commit starting from 0000000000000000000000000000000000000000\n",
                &[ALL, ALL]
            ),
            [20, 10]
        );
        assert_eq!(runs("", &[&listed(19, 20), ALL, &rarely, ALL]), [20, 10, 10, 20]);
        // Eight machines.
        assert_eq!(runs("", &[ALL, ALL, &listed(7, 8), ALL]), [8, 8, 8, 8]);
    }

    /// One crash of ten made a revision bad, and the reproducer flaky; since mid-2024 it is skipped, and says nothing of that.
    #[test]
    fn a_skipped_revision_is_no_flaky_one() {
        let start = |year| format!("ci starts bisection {year}-03-16 07:07:20.9 +0000 UTC m=+70546.5\n");
        let tests = ["all runs: OK\n", &listed(1, 10), "all runs: OK\n"];
        assert_eq!(runs(&start(2023), &tests), [20, 10, 20]);
        assert_eq!(runs(&start(2025), &tests), [20, 10, 10]);
    }
}
