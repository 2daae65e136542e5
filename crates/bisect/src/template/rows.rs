//! The lines that a bisection log can hold: one row for each wording.

use super::{
    Foreign,
    Means::{self, self as M},
    Place::{self, self as P},
    Row,
};

/// Lines of the bisection itself: wherever its own text may stand.
const OWN: &[Place] = &[P::Top, P::Test, P::Tool, P::Build, P::Git, P::Commit, P::Candidates, P::Result, P::Error];
/// The same without places where a compiler might print the like.
const CLEAR: &[Place] = &[P::Top, P::Test, P::Git, P::Commit, P::Candidates, P::Result];
const TEST: &[Place] = &[P::Test];
const GIT: &[Place] = &[P::Git];
const COMMIT: &[Place] = &[P::Commit];

const fn row(name: &'static str, means: Means, places: &'static [Place], pattern: &'static str) -> Row {
    Row { name, means, places, pattern }
}

/// Every wording that is known. Sources: real logs from 2018 to 2023 and, for later ones, the texts of syzkaller's
/// `pkg/bisect` (Apache-2.0).
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    // The crash report at the end is the kernel's words to the last line.
    row("report-text",            M::Foreign(Foreign::Report), &[P::Report], "{text}"),

    // The head.
    row("starts-bisection",       M::Start,     OWN, "{word} starts bisection {text}"),
    row("cause-from",             M::Cause,     OWN, "bisecting cause commit starting from {hash}"),
    row("fix-since",              M::Fix,       OWN, "bisecting fixing commit since {hash}"),
    row("building-syzkaller",     M::Syzkaller, OWN, "building syzkaller on {hash}"),
    row("ensuring-original",      M::Original,  OWN, "ensuring issue is reproducible on original commit {hash}"),
    row("fetch-other-tags",       M::Note,      OWN, "fetch other tags and check if the commit is present"),
    row("fetch-failed",           M::Note,      OWN, "fetch failed with {text}"),
    row("rewritten-commit",       M::Note,      OWN, "rewritten commit {hash} reidentified by title '{text}'"),

    // Tests of one revision.
    row("testing-commit-with",    M::Testing,   OWN, "testing commit {hash} with {text}"),
    row("testing-commit-config",  M::Testing,   OWN, "testing commit {hash} {word}"),
    row("testing-commit",         M::Testing,   OWN, "testing commit {hash}"),
    row("testing-release",        M::Release,   OWN, "testing release {word}"),
    row("testing-head",           M::Head,      OWN, "testing current HEAD {hash}"),
    row("compiler",               M::Compiler,  OWN, "compiler: {text}"),
    row("kernel-signature",       M::Signature, OWN, "kernel signature: {hex}"),
    row("all-runs-ok",            M::AllRuns,   OWN, "all runs: OK"),
    row("all-runs-crashed",       M::AllRuns,   OWN, "all runs: crashed: {text}"),
    row("all-runs-ignored",       M::AllRuns,   OWN, "all runs: ignore: {text}"),
    row("all-runs-boot-failed",   M::AllRuns,   OWN, "all runs: boot failed: {text}"),
    row("all-runs-basic-failed",  M::AllRuns,   OWN, "all runs: basic kernel testing failed: {text}"),
    row("all-runs-infra",         M::AllRuns,   OWN, "all runs: infra problem: {text}"),
    row("all-runs-failed",        M::AllRuns,   OWN, "all runs: failed: {text}"),
    row("run-ok",                 M::Run,       OWN, "run #{n}: OK"),
    row("run-crashed",            M::Run,       OWN, "run #{n}: crashed: {text}"),
    row("run-ignored",            M::Run,       OWN, "run #{n}: ignore: {text}"),
    row("run-boot-failed",        M::Run,       OWN, "run #{n}: boot failed: {text}"),
    row("run-basic-failed",       M::Run,       OWN, "run #{n}: basic kernel testing failed: {text}"),
    row("run-infra",              M::Run,       OWN, "run #{n}: infra problem: {text}"),
    row("run-failed",             M::Run,       OWN, "run #{n}: failed: {text}"),
    row("tests-failed",           M::RunFailed, TEST, "failed: {text}"),
    row("failed-building",        M::BuildFailed, OWN, "failed building {hash}: {text}"),
    row("representative-crash",   M::Note,      OWN, "representative crash: {text}, types: [{text}]"),
    row("false-negative-chance",  M::Note,      OWN, "false negative chance: {f}"),
    row("verdict-undetermined",   M::Note,      OWN, "unable to determine the verdict: {text}"),
    row("repro-testing-failure",  M::Note,      OWN, "repro testing failure: {text}"),
    row("repro-flaky-chance",     M::Flaky,     OWN, "reproducer is flaky ({f} repro chance estimate)"),
    row("repro-seems-flaky",      M::Flaky,     OWN, "reproducer seems to be flaky"),
    row("repro-flagged-flaky",    M::Flaky,     OWN, "Reproducer flagged being flaky"),

    // Configuration.
    row("config-check",           M::Config,    OWN, "check whether we can drop unnecessary instrumentation"),
    row("config-disabling",       M::Config,    OWN, "disabling configs for [{text}], they are not needed"),
    row("config-nothing",         M::Config,    OWN, "there was nothing we could disable; skip"),
    row("config-not-needed",      M::Config,    OWN, "the bug reproduces without the instrumentation"),
    row("config-minimized-before", M::Config,   OWN, "# configuration already minimized"),
    row("config-minimization",    M::Config,    OWN, "kconfig minimization: base={n} full={n} leaves diff={n}{text}"),
    row("config-split-chunks",    M::Config,    OWN, "split chunks (needed={text}): {text}"),
    row("config-split-chunk",     M::Config,    OWN, "split chunk #{n} of len {n} into {n} parts"),
    row("config-sub-chunk",       M::Config,    OWN, "testing without sub-chunk {n}/{n}"),
    row("config-chunk-dropped",   M::Config,    OWN, "the chunk can be dropped"),
    row("config-no-split",        M::Config,    OWN, "no way to further split the chunk"),
    row("config-chunk-needed",    M::Config,    OWN, "no need to test this chunk, it's definitely needed"),
    row("config-limit",           M::Config,    OWN, "we have reached the limit on predicate runs ({n}); pretend it returns false"),
    row("config-minimized",       M::Config,    OWN, "minimized to {n} configs; suspects: [{text}]"),
    row("config-failed",          M::Config,    OWN, "config minimization failed{text}"),
    row("config-proceeding",      M::Config,    OWN, "proceeding with the original config"),

    // Releases and merge bases.
    row("picked-releases",        M::Picked,      OWN, "picked [{text}] out of {n} release tags"),
    row("merge-base-between",     M::Note,        OWN, "determining the merge base between {word} and {word}"),
    row("merge-base",             M::MergeBase,   OWN, "{hash}/{text} is a merge base, check if it has the bug"),
    row("merge-bases",            M::MergeBases,  OWN, "expected 1 merge base, got {n}"),
    row("merge-base-clean",       M::NoMergeBase, OWN, "reproducer does not crash the merge base, so there's no known bad commit"),
    row("merge-base-checking",    M::Note,        OWN, "checking the merge base {hash}"),
    row("guilty-contained",       M::Note,        OWN, "determine whether the revision contains the guilty commit"),
    row("guilty-reachable",       M::Note,        OWN, "revision {hash} crashed and is reachable"),
    row("guilty-untested",        M::Note,        OWN, "no existing result, test the revision"),
    row("guilty-absent",          M::Note,        OWN, "the bug was not introduced yet; pretend that kernel crashed"),

    // git bisect.
    row("git-bisect-start",       M::GitStart,    OWN, "# git bisect start {word} {word}"),
    row("git-bisect-bad",         M::GitDecision, OWN, "# git bisect bad {hash}"),
    row("git-bisect-good",        M::GitDecision, OWN, "# git bisect good {hash}"),
    row("git-bisect-skip",        M::GitDecision, OWN, "# git bisect skip {hash}"),
    row("git-bisecting",          M::Remaining,   GIT, "Bisecting: {n} revisions left to test after this (roughly {n} steps)"),
    row("git-bisecting-steps",    M::Remaining,   GIT, "Bisecting: {n} revision left to test after this (roughly {n} steps)"),
    row("git-bisecting-one",      M::Remaining,   GIT, "Bisecting: {n} revision left to test after this (roughly {n} step)"),
    row("git-bisecting-step",     M::Remaining,   GIT, "Bisecting: {n} revisions left to test after this (roughly {n} step)"),
    row("git-merge-base-test",    M::Note,        GIT, "Bisecting: a merge base must be tested"),
    row("git-next",               M::Next,        GIT, "[{hash}] {text}"),
    row("git-warning",            M::Foreign(Foreign::Git), GIT, "warning: {text}"),
    row("git-hint",               M::Foreign(Foreign::Git), GIT, "hint: {text}"),
    row("git-status",             M::Foreign(Foreign::Git), GIT, "status: {text}"),
    row("git-only-skipped",       M::OnlySkipped, GIT, "There are only 'skip'ped commits left to test."),
    row("git-any-of",             M::Foreign(Foreign::Git), GIT, "The first {word} commit could be any of:"),
    row("git-candidate",          M::Foreign(Foreign::Git), GIT, "{hash}"),
    row("git-cannot-bisect",      M::Foreign(Foreign::Git), GIT, "We cannot bisect more!"),
    row("git-found-bad",          M::Found,       GIT, "{hash} is the first bad commit"),
    row("git-found-other",        M::Found,       GIT, "{hash} is the first {word} commit"),

    // The commit that git found: `git show --stat`, or the raw form of older git.
    row("commit-hash",            M::Foreign(Foreign::CommitHeader),  COMMIT, "commit {hash}"),
    row("commit-merge",           M::Foreign(Foreign::CommitHeader),  COMMIT, "Merge: {text}"),
    row("commit-author",          M::Foreign(Foreign::CommitHeader),  COMMIT, "Author: {text}"),
    row("commit-date",            M::Foreign(Foreign::CommitHeader),  COMMIT, "Date:   {text}"),
    row("commit-message",         M::Foreign(Foreign::CommitMessage), COMMIT, "    {text}"),
    row("commit-raw-dots",        M::Foreign(Foreign::CommitFiles),   COMMIT, ":{n} {n} {hex}... {hex}... {word}\t{text}"),
    row("commit-raw",         M::Foreign(Foreign::CommitFiles),   COMMIT, ":{n} {n} {hex} {hex} {text}"),
    row("commit-file",            M::Foreign(Foreign::CommitFiles),   COMMIT, " {text} | {text}"),
    row("commit-files",           M::Foreign(Foreign::CommitFiles),   COMMIT, " {n} files changed{text}"),
    row("commit-file-one",        M::Foreign(Foreign::CommitFiles),   COMMIT, " {n} file changed{text}"),
    row("commit-create",          M::Foreign(Foreign::CommitFiles),   COMMIT, " create mode {n} {text}"),
    row("commit-delete",          M::Foreign(Foreign::CommitFiles),   COMMIT, " delete mode {n} {text}"),
    row("commit-rename",          M::Foreign(Foreign::CommitFiles),   COMMIT, " rename {text} ({n}%)"),
    row("commit-copy",            M::Foreign(Foreign::CommitFiles),   COMMIT, " copy {text} ({n}%)"),
    row("commit-rewrite",         M::Foreign(Foreign::CommitFiles),   COMMIT, " rewrite {text} ({n}%)"),
    row("commit-mode",            M::Foreign(Foreign::CommitFiles),   COMMIT, " mode change {n} => {n} {text}"),

    // The end.
    row("parent-untested",        M::ParentUntested,   OWN,   "parent commit {hash} wasn't tested"),
    row("culprit-signature",      M::CulpritSignature, OWN,   "culprit signature: {hex}"),
    row("culprit-signature-old",  M::CulpritSignature, OWN,   "kernel signature:   {hex}"),
    row("parent-signature",       M::ParentSignature,  OWN,   "parent  signature: {hex}"),
    row("parent-signature-old",   M::ParentSignature,  OWN,   "previous signature: {hex}"),
    row("noop-failed",            M::Note,             OWN,   "failed to detect noop change: {text}"),
    row("release-failed",         M::Note,             OWN,   "failed to detect release: {text}"),
    row("error-probability",      M::ErrorProbability, OWN,   "accumulated error probability: {f}"),
    row("totals",                 M::Totals,           OWN,   "revisions tested: {n}, total time: {text} (build: {text}, test: {text})"),
    row("error",                  M::Failed,           &[P::Top, P::Result], "error: {text}"),
    row("still-on-head",          M::NoResult,         OWN,   "the crash still happens on HEAD"),
    row("on-oldest",              M::NoResult,         OWN,   "the crash already happened on the oldest tested release"),
    row("not-fixed",              M::NoResult,         OWN,   "crash still not fixed/happens on the oldest tested release"),
    row("head-errors",            M::NoResult,         OWN,   "HEAD had kernel build, boot or test errors"),
    row("not-fixed-or-errors",    M::NoResult,         OWN,   "crash still not fixed or there were kernel test errors"),
    row("oldest-bug-or-errors",   M::NoResult,         OWN,   "oldest tested release already had the bug or it had kernel test errors"),
    row("inconclusive",           M::Inconclusive,     OWN,   "bisection is inconclusive, the first {word} commit could be any of:"),
    row("candidate",              M::Candidate,        &[P::Candidates], "{hash}"),
    row("first-commit",           M::Culprit,          OWN,   "first {word} commit: {hash} {text}"),
    row("recipients-to",          M::To,               OWN,   "recipients (to): [{text}]"),
    row("recipients-cc",          M::Cc,               OWN,   "recipients (cc): [{text}]"),
    row("cc",                     M::Cc,               OWN,   "cc: [{text}]"),
    row("commit-msg",             M::TipTitle,         OWN,   "commit msg: {text}"),
    row("crash",                  M::Crash,            CLEAR, "crash: {text}"),

    // Why a kernel could not be built, in logs that say it without `failed building`.
    row("make-failed",            M::Foreign(Foreign::Build), TEST, "failed to run [\"make\" {text}]: exit status {n}"),
    row("diagnostic-error",       M::Foreign(Foreign::Build), TEST, "{text}:{n}:{n}: error: {text}"),
    row("diagnostic-warning",     M::Foreign(Foreign::Build), TEST, "{text}:{n}:{n}: warning: {text}"),
    row("diagnostic-fatal",       M::Foreign(Foreign::Build), TEST, "{text}:{n}:{n}: fatal error: {text}"),
    row("diagnostic-assembler",   M::Foreign(Foreign::Build), TEST, "{text}:{n}: Error: {text}"),
    row("linker-undefined",       M::Foreign(Foreign::Build), TEST, "{text}:{n}: undefined reference to {text}"),
    row("linker-multiple",        M::Foreign(Foreign::Build), TEST, "{text}:{n}: multiple definition of {text}"),
    row("signing-key",            M::Foreign(Foreign::Build), TEST, "certs/signing_key.pem: {text}"),

    // The file that a dashboard keeps for a failed job: errors of its attempts, one behind the other.
    row("errors-too-long",        M::ErrorTexts, &[P::Top], "bisection is taking too long {text}"),
    row("errors-not-reproduced",  M::ErrorTexts, &[P::Top], "the crash wasn't reproduced on the original commit{text}"),
    row("errors-not-reachable",   M::ErrorTexts, &[P::Top], "commit {hash} not reachable in branch {text}"),
    row("errors-clean-failed",    M::ErrorTexts, &[P::Top], "kernel clean failed: {text}"),
    row("errors-syzkaller-build", M::ErrorTexts, &[P::Top], "syzkaller build failed: {text}"),
    row("errors-command",         M::ErrorTexts, &[P::Top], "failed to run [{text}]: exit status {n}{text}"),

    row("errors-diagnostic",      M::ErrorTexts, &[P::Top], "{text}:{n}:{n}: error: {text}"),

    row("blank",                  M::Blank,      OWN, ""),
    // Text without a form of its own: allowed only where a line has opened it.
    row("machine-output",         M::Foreign(Foreign::Machine), &[P::Tool], "{text}"),
    row("build-output",           M::Foreign(Foreign::Build), &[P::Build], "{text}"),
    row("error-text",             M::Foreign(Foreign::Error), &[P::Error], "{text}"),
];
