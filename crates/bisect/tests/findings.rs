//! Each finding by its name: a small log that shows it, and a twin that does not.

use bisect::{Audit, Context, CrashReport, Finding, Log, audit};

/// What differs between two logs of one bisection.
struct Course<'a> {
    head: &'a str,
    first: &'a str,
    releases: &'a str,
    /// Compiler and runs of each step, and what git was told.
    steps: [(&'a str, &'a str, &'a str); 3],
    end: &'a str,
    title: &'a str,
}

const CRASH: &str = "all runs: crashed: KASAN: use-after-free Read in sctp_free";
const OK: &str = "all runs: OK";
const PLAIN: Course<'_> = Course {
    head: "",
    first: CRASH,
    releases: "testing release v6.0\ntesting commit 9999999999999999999999999999999999999999 gcc\nall runs: OK\n",
    steps: [("gcc", OK, "good"), ("gcc", CRASH, "bad"), ("gcc", CRASH, "bad")],
    end: "",
    title: "sctp: free later",
};

fn judge(log: &Course<'_>) -> Audit {
    let text = written(log);
    let log = Log::parse(text.as_bytes());
    assert!(log.lines.unread.is_empty(), "{:?}", log.lines.unread);
    audit(&log, Context::default())
}

/// Steps 1, 2 and 3 have hashes of that digit; the third is the culprit.
fn written(log: &Course<'_>) -> String {
    let hash = |digit: usize| digit.to_string().repeat(40);
    let mut text = format!("{}bisecting cause commit starting from {}\n", log.head, hash(0));
    text += &format!(
        "testing commit {} gcc\n{}\n{}# git bisect start {} {}\n",
        hash(0),
        log.first,
        log.releases,
        hash(0),
        hash(9)
    );
    for (digit, (compiler, runs, word)) in log.steps.iter().enumerate().map(|(at, step)| (at + 1, step)) {
        text += &format!("Bisecting: 1 revision left to test after this (roughly 1 step)\n[{}] a: b\n", hash(digit));
        text += &format!("testing commit {} {compiler}\n{runs}\n# git bisect {word} {}\n", hash(digit), hash(digit));
    }
    text +=
        &format!("{0} is the first bad commit\ncommit {0}\n\n    {1}\n\n fs/sctp/auth.c | 2 +-\n", hash(3), log.title);
    text += " 1 file changed, 1 insertion(+), 1 deletion(-)\n";
    text += log.end;
    text += "revisions tested: 5, total time: 1h0m0s (build: 30m0s, test: 30m0s)\n";
    text += &format!("first bad commit: {} {}\ncrash: KASAN: use-after-free Read in sctp_free\n", hash(3), log.title);
    text + " sctp_free+0x1/0x2 fs/sctp/auth.c:12\n"
}

/// Holds a kind of finding to stand in the first log, with these quotes, and not in its twin.
#[track_caller]
fn only_in(log: &Course<'_>, twin: &Course<'_>, kind: &str, quotes: &[&str]) -> Finding {
    let find = |audit: Audit| audit.findings.into_iter().find(|finding| finding.kind == kind && !finding.minor);
    assert_eq!(find(judge(twin)), None);
    let finding = find(judge(log)).unwrap_or_else(|| panic!("no {kind}: {}", judge(log).to_text()));
    let quoted: Vec<&str> = finding.quote.iter().map(|quote| quote.text.as_str()).collect();
    assert_eq!(quoted, quotes);
    finding
}

fn step<'a>(number: usize, compiler: &'a str, runs: &'a str, word: &'a str) -> Course<'a> {
    let mut steps = PLAIN.steps;
    steps[number - 1] = (compiler, runs, word);
    Course { steps, ..PLAIN }
}

#[test]
fn a_plain_log_has_none() {
    let audit = judge(&PLAIN);
    assert!(audit.findings.iter().all(|finding| finding.minor && finding.weight != 0.0), "{}", audit.to_text());
}

/// What a log has of a crash drift; none where no crash is unlike the bug.
fn drift(log: &str, crash: Option<&CrashReport>) -> Option<Finding> {
    let log = Log::parse(log.as_bytes());
    assert!(log.lines.unread.is_empty(), "{:?}", log.lines.unread);
    let audit = audit(&log, Context { crash, ..Context::default() });
    audit.findings.into_iter().find(|finding| finding.kind == "crash-drift")
}

#[test]
fn crash_drift_says_which_other_bug_was_answered() {
    let quotes = [
        "all runs: crashed: KASAN: use-after-free Read in sctp_free",
        "all runs: crashed: INFO: task hung in pipe_release",
    ];
    let finding = only_in(&step(2, "gcc", quotes[1], "bad"), &PLAIN, "crash-drift", &quotes);
    let said = "another bug was answered: `INFO: task hung in pipe_release` counted as `KASAN: use-after-free Read in sctp_free`";
    assert_eq!(finding.text, said);
    assert!(finding.weight < -0.5, "{finding:?}");
}

/// A bad access is a bad access, whoever noticed it: the two titles have one alternative title. A warning in the same function has not.
#[test]
fn an_alternative_title_is_the_same_bug() {
    let with = |title: &str| written(&step(2, "gcc", &format!("all runs: crashed: {title}"), "bad"));
    assert_eq!(drift(&with("general protection fault in sctp_free"), None), None);
    assert_eq!(drift(&with("BUG: unable to handle kernel paging request in sctp_free"), None), None);
    let warning = drift(&with("WARNING in sctp_free"), None).unwrap();
    assert!(warning.minor && warning.weight < 0.0, "{warning:?}");
    let elsewhere = drift(&with("general protection fault in pipe_release"), None).unwrap();
    assert!(!elsewhere.minor && elsewhere.weight < warning.weight, "{elsewhere:?}");
}

/// A report whose innermost function is this one, called by `sctp_free`.
fn report(function: &str) -> String {
    format!(
        "BUG: KASAN: use-after-free in {function}+0x41/0x90\nRead of size 8 at addr ffff888104b2c010 by task a/412\n\n\
         Call Trace:\n dump_stack+0x5d/0x80\n kasan_report+0xbe/0xf0\n {function}+0x41/0x90\n sctp_free+0x1/0x2\n do_exit+0x1/0x2\n"
    )
}

/// All crashes that the bisection saw are titled by a function that was inlined in the original kernel. The signature of the report
/// at the end blames the function of the original title, too; that of another report does not.
#[test]
fn the_signature_at_the_end_tells_another_title_from_another_bug() {
    const OTHER: &str = "KASAN: use-after-free Read in unhook";
    let crashed = format!("all runs: crashed: {OTHER}");
    let steps = [PLAIN.steps[0], ("gcc", &crashed, "bad"), ("gcc", &crashed, "bad")];
    let text = written(&Course { steps, ..PLAIN });
    let (head, _) = text.rsplit_once("crash: ").unwrap();
    let with = |report: &str| drift(&format!("{head}crash: {OTHER}\n{report}"), None).unwrap();
    let same = with(&report("unhook"));
    let other = with(&report("unhook").replace("sctp_free", "pipe_release"));
    assert!(same.minor && !other.minor && other.weight < same.weight, "{same:?} {other:?}");
}

/// The report of the original crash has a signature; one signature is one bug, whatever the log calls it.
#[test]
fn an_equal_signature_is_no_drift() {
    const OTHER: &str = "KASAN: use-after-free Read in unhook";
    let crashed = format!("all runs: crashed: {OTHER}");
    let steps = [PLAIN.steps[0], ("gcc", &crashed, "bad"), ("gcc", &crashed, "bad")];
    let text = written(&Course { first: "all runs: crashed: WARNING in corrupted", steps, ..PLAIN });
    let (head, _) = text.rsplit_once("crash: ").unwrap();
    let log = format!("{head}crash: {OTHER}\n{}", report("unhook"));
    let [same, other] = ["unhook", "sctp_new"].map(|function| CrashReport::read(&report(function)).unwrap());
    assert_ne!(same.signature, other.signature);
    assert!(!drift(&log, None).unwrap().minor);
    assert_eq!(drift(&log, Some(&same)), None);
    assert!(drift(&log, Some(&other)).is_some());
}

#[test]
fn release_walk() {
    let releases = "testing release v6.1\ntesting commit 8888888888888888888888888888888888888888 gcc\n\
        all runs: crashed: KASAN: use-after-free Read in sctp_free\n\
        testing release v6.0\ntesting commit 9999999999999999999999999999999999999999 gcc\nall runs: OK\n";
    let tests = [
        "testing commit 8888888888888888888888888888888888888888 gcc",
        "testing commit 9999999999999999999999999999999999999999 gcc",
    ];
    let finding = only_in(&Course { releases, ..PLAIN }, &PLAIN, "release-walk", &tests);
    assert_eq!(finding.text, "the bug was followed back over 2 releases before one was good");
    assert!(finding.weight < 0.0);
}

#[test]
fn names_elsewhere() {
    let quotes = [
        "first bad commit: 3333333333333333333333333333333333333333 tls: poll sooner",
        "crash: KASAN: use-after-free Read in sctp_free",
    ];
    let finding = only_in(&Course { title: "tls: poll sooner", ..PLAIN }, &PLAIN, "names-elsewhere", &quotes);
    assert!(finding.text.contains("`sctp_free`") && finding.weight < 0.0, "{finding:?}");
}

#[test]
fn missed_bug_and_flaky_runs() {
    let runs = "run #0: crashed: KASAN: use-after-free Read in sctp_free\nrun #1: crashed: KASAN: use-after-free Read in sctp_free\n\
        run #2: OK\nrun #3: OK\nrun #4: OK";
    let often = "run #0: crashed: KASAN: use-after-free Read in sctp_free\nrun #1: crashed: KASAN: use-after-free Read in sctp_free\n\
        run #2: crashed: KASAN: use-after-free Read in sctp_free\nrun #3: OK\nrun #4: crashed: KASAN: use-after-free Read in sctp_free";
    let silent = "run #0: OK\nrun #1: OK\nrun #2: OK";
    let rare =
        |silent| Course { steps: [("gcc", silent, "good"), ("gcc", runs, "bad"), ("gcc", CRASH, "bad")], ..PLAIN };
    let twin = Course { steps: [PLAIN.steps[0], ("gcc", often, "bad"), PLAIN.steps[2]], ..PLAIN };
    let quotes =
        ["run #0: OK", "run #1: OK", "run #2: OK", "# git bisect good 1111111111111111111111111111111111111111"];
    only_in(&rare(silent), &twin, "missed-bug", &quotes);
    let quotes = [
        "testing commit 2222222222222222222222222222222222222222 gcc",
        "run #0: crashed: KASAN: use-after-free Read in sctp_free",
        "run #2: OK",
    ];
    only_in(&rare(silent), &twin, "flaky-runs", &quotes);

    // Two of five runs crash; three silent ones are a miss with 0.6 ^ 3, five with 0.6 ^ 5, and ten are needed.
    let judged = judge(&rare(silent));
    assert_eq!(judged.chance, Some(0.4));
    let silences: Vec<_> =
        judged.silences.iter().map(|silence| (&silence.revision[..1], silence.runs, silence.miss)).collect();
    assert_eq!(silences, [("9", 5, 0.078), ("1", 3, 0.216)]);
    assert!(judged.to_text().contains("111111111111, 3 silent runs: 0.22"), "{}", judged.to_text());
    assert_eq!(judged.next.map(|next| (next.revision, next.runs)), Some(("1".repeat(40), 10)));
}

#[test]
fn unstable_build() {
    let first = "kernel signature: aa\nall runs: crashed: KASAN: use-after-free Read in sctp_free\n\
        testing release v6.2\ntesting commit 0000000000000000000000000000000000000000 gcc\nkernel signature: SIGNATURE\n\
        all runs: crashed: KASAN: use-after-free Read in sctp_free";
    let (other, same) = (first.replace("SIGNATURE", "ab"), first.replace("SIGNATURE", "aa"));
    let quotes = ["kernel signature: aa", "kernel signature: ab"];
    only_in(&Course { first: &other, ..PLAIN }, &Course { first: &same, ..PLAIN }, "unstable-build", &quotes);
}

#[test]
fn untested_parent() {
    let end = "parent commit 4444444444444444444444444444444444444444 wasn't tested\n\
        testing commit 4444444444444444444444444444444444444444 gcc\nkernel signature: ab\n\
        culprit signature: aa\nparent  signature: ab\n";
    let twin = "culprit signature: aa\nparent  signature: ab\n";
    let quotes = ["parent commit 4444444444444444444444444444444444444444 wasn't tested"];
    only_in(&Course { end, ..PLAIN }, &Course { end: twin, ..PLAIN }, "untested-parent", &quotes);
    assert_eq!(judge(&Course { end, ..PLAIN }).next.map(|next| next.revision), Some("4".repeat(40)));
}

#[test]
fn unbuilt_culprit() {
    let failed = "failed building 3333333333333333333333333333333333333333: make: *** [net/sctp/auth.o] Error 1";
    let quotes = ["testing commit 3333333333333333333333333333333333333333 gcc", failed];
    let finding = only_in(&step(3, "gcc", failed, "bad"), &PLAIN, "unbuilt-culprit", &quotes);
    assert!(finding.weight < 0.0);
    // Another revision that could not be built says nothing of the culprit.
    let other = "failed building 1111111111111111111111111111111111111111: make: *** [net/sctp/auth.o] Error 1";
    only_in(&step(3, "gcc", failed, "bad"), &step(1, "gcc", other, "skip"), "unbuilt-culprit", &quotes);
}

/// Git was told to skip what the runs say is good: that leaves more to test, and misleads nobody.
#[test]
fn unfounded_verdict() {
    let quotes = ["all runs: OK", "# git bisect skip 1111111111111111111111111111111111111111"];
    assert_eq!(only_in(&step(1, "gcc", OK, "skip"), &PLAIN, "unfounded-verdict", &quotes).weight, 0.0);
    let quotes = ["all runs: OK", "# git bisect bad 1111111111111111111111111111111111111111"];
    assert!(only_in(&step(1, "gcc", OK, "bad"), &PLAIN, "unfounded-verdict", &quotes).weight < 0.0);
}

#[test]
fn skipped_near() {
    let broken = "all runs: boot failed: kernel panic";
    let quotes = ["# git bisect skip 1111111111111111111111111111111111111111"];
    only_in(&step(1, "gcc", broken, "skip"), &PLAIN, "skipped-near", &quotes);
}

#[test]
fn compiler_switch() {
    let quotes = [
        "testing commit 1111111111111111111111111111111111111111 with gcc (GCC) 8.1.0",
        "testing commit 3333333333333333333333333333333333333333 with gcc (GCC) 5.5.0",
    ];
    let with = |first, last| {
        let steps = [(first, OK, "good"), ("with gcc (GCC) 5.5.0", CRASH, "bad"), (last, CRASH, "bad")];
        let releases = "testing release v6.0\ntesting commit 9999999999999999999999999999999999999999 with gcc (GCC) 5.5.0\nall runs: OK\n";
        Course { steps, releases, first: "", ..PLAIN }
    };
    let log = with("with gcc (GCC) 8.1.0", "with gcc (GCC) 5.5.0");
    let finding = only_in(&log, &with("with gcc (GCC) 5.5.0", "with gcc (GCC) 5.5.0"), "compiler-switch", &quotes);
    let text =
        "the last revision with the bug was built by gcc (GCC) 5.5.0, the last one without it by gcc (GCC) 8.1.0";
    assert_eq!(finding.text, text);
}

#[test]
fn threshold_verdict() {
    let head = "ci starts bisection 2025-03-16 07:07:20.9 +0000 UTC m=+70546.5\n";
    let crash = "run #0: crashed: KASAN: use-after-free Read in sctp_free\n".replace("#0", "#1")
        + "run #2: crashed: KASAN: use-after-free Read in sctp_free\n";
    let two = crash.clone() + &"run #3: OK\n".repeat(8);
    let three =
        crash.clone() + "run #4: crashed: KASAN: use-after-free Read in sctp_free\n" + &"run #3: OK\n".repeat(7);
    let with = |runs| Course { head, steps: [PLAIN.steps[0], ("gcc", runs, "bad"), PLAIN.steps[2]], ..PLAIN };
    let quotes = [
        "run #1: crashed: KASAN: use-after-free Read in sctp_free",
        "run #2: crashed: KASAN: use-after-free Read in sctp_free",
        "# git bisect bad 2222222222222222222222222222222222222222",
    ];
    only_in(&with(two.trim_end()), &with(three.trim_end()), "threshold-verdict", &quotes);
}
