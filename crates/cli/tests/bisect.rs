//! `ksplat bisect` as a user runs it: on the log that started the project, and on all real ones.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn ksplat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ksplat")).args(arguments).output().unwrap()
}

/// The NDJSON records of a command that found something.
fn records(arguments: &[&str]) -> Vec<Value> {
    let output = ksplat(&[&["bisect", "--format", "ndjson"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn shared(test: &str, name: &str) -> Option<String> {
    Some(testkit::shared_or_skip(test)?.join("corpus").join(name).to_str().unwrap().to_owned())
}

fn own(name: &str) -> String {
    testkit::workspace_root().join("testdata/bisections").join(name).to_str().unwrap().to_owned()
}

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_seed_log_is_shown_whole() {
    let Some(seed) = shared("bisect::the_seed_log_is_shown_whole", "seed-bisection.txt") else { return };
    let records = records(&["show", &seed]);
    let [log] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(log["log"], seed.as_str());
    assert_eq!((&log["direction"], &log["outcome"]), (&"cause".into(), &"found".into()));
    assert_eq!(log["revisions"].as_array().unwrap().len(), 15);
    assert!(log["culprit"]["hash"].as_str().unwrap().starts_with("7bc3e6e55acf"));
    assert_ne!(log["culprit_signature"], log["parent_signature"]);
    assert_eq!(log["lines"]["unread"], Value::Array(Vec::new()));
    let report = &log["crash_report"];
    assert_eq!((&report["title"], &report["type"]), (&"possible deadlock in send_sigio".into(), &"LOCKDEP".into()));
    let flaky = log["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|test| test["hash"].as_str().unwrap().starts_with("d1e7fd6462ca"));
    let runs = flaky.unwrap()["runs"].as_array().unwrap();
    let count = |result: &str| runs.iter().filter(|run| run["result"] == result).count();
    assert_eq!((count("crashed"), count("ok"), count("boot-failed"), runs.len()), (8, 1, 1, 10));
}

#[test]
fn the_seed_log_is_audited() {
    let Some(seed) = shared("bisect::the_seed_log_is_audited", "seed-bisection.txt") else { return };
    let records = records(&["audit", &seed]);
    let [audit] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!((&audit["outcome"], &audit["verdict"]), (&"found".into(), &"trust".into()));
    assert!(audit["culprit"].as_str().unwrap().starts_with("7bc3e6e55acf"));
    assert!(audit["probability"].as_f64().unwrap() > 0.5);
    let findings = audit["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    for finding in findings {
        assert!(finding["kind"].is_string() && finding["weight"].is_number() && finding["quote"].is_array());
    }
    assert_eq!(audit["next"]["revision"], "71448011ea2a1cd36d8f5cbdab0ed716c454d565");
    let text = String::from_utf8(ksplat(&["bisect", "audit", &seed]).stdout).unwrap();
    assert!(!text.contains('@'), "an audit quotes no mail address:\n{text}");
}

/// The pages show what the command prints.
#[test]
fn the_readmes_show_the_seed_log_as_it_is() {
    let Some(shared) = testkit::shared_or_skip("bisect::the_readmes_show_the_seed_log_as_it_is") else { return };
    for (command, page) in [("audit", "README.md"), ("show", "crates/bisect/README.md")] {
        let mut ksplat = Command::new(env!("CARGO_BIN_EXE_ksplat"));
        let output =
            ksplat.current_dir(shared.join("corpus")).args(["bisect", command, "seed-bisection.txt"]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let page = fs::read_to_string(testkit::workspace_root().join(page)).unwrap();
        let (_, after) = page.split_once(&format!("$ ksplat bisect {command} seed-bisection.txt\n")).unwrap();
        let (shown, _) = after.split_once("```").unwrap();
        assert_eq!(shown.trim_end(), printed.trim_end());
        assert!(!printed.contains('@'), "it shows no mail address");
    }
}

/// Every log of the archive is one record, in order, whatever the number of threads.
#[test]
fn an_archive_of_logs_is_audited_in_order() {
    let Some(logs) = shared("bisect::an_archive_of_logs_is_audited_in_order", "bisection-logs.tar.zst") else { return };
    let [one, two] = ["1", "2"].map(|jobs| ksplat(&["bisect", "audit", "--format", "ndjson", "--jobs", jobs, &logs]));
    assert_eq!(one.status.code(), Some(0));
    assert_eq!(one.stdout.iter().filter(|byte| **byte == b'\n').count(), 1757);
    assert!(one.stdout == two.stdout, "the number of threads changes nothing");
}

#[test]
fn a_directory_of_logs_is_read_in_order() {
    let folder = folder("bisect-directory");
    let names = ["2018-one-crash.log", "2025-with-config.log", "aborted.log", "cut-fix.log"];
    for name in names {
        fs::copy(own(name), folder.join(name)).unwrap();
    }
    let records = records(&["audit", folder.to_str().unwrap()]);
    let logs: Vec<&str> = records.iter().map(|audit| audit["log"].as_str().unwrap()).collect();
    assert_eq!(logs, names.map(|name| folder.join(name).to_str().unwrap().to_owned()));
    assert_eq!((&records[2]["probability"], &records[2]["verdict"]), (&Value::Null, &Value::Null));
    assert_eq!(records[2]["outcome"], "error");
    assert_eq!(records[3]["outcome"], "unfinished");
    assert!(records[3]["reasons"][0].as_str().unwrap().starts_with("the log ends with line "), "{}", records[3]);
}

/// A repository whose one commit changes a file, and its hash.
fn repository(name: &str, file: &str, before: &str, after: &str) -> (PathBuf, String) {
    let directory = folder(name);
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir_all(directory.join(file).parent().unwrap()).unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=gizmo", "-c", "user.email=gizmo", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(&directory).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    for text in [before, after] {
        fs::write(directory.join(file), text).unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "gizmo: poll without the lock"]);
    }
    let hash = git(&["rev-parse", "HEAD"]);
    (directory, hash)
}

#[test]
fn a_repository_says_what_the_culprit_touches() {
    let body =
        |value: u32| format!("int gizmo_poll(void)\n{{\n\tint one;\n\tint two;\n\tint three;\n\treturn {value};\n}}\n");
    let [poll, other] =
        [("drivers/gizmo/gizmo.c", "bisect-git-poll"), ("mm/slub.c", "bisect-git-other")].map(|(file, name)| {
            let (directory, hash) = repository(name, file, &body(1), &body(2));
            let text = fs::read_to_string(own("2025-with-config.log")).unwrap();
            let culprit = text.split("first bad commit: ").nth(1).unwrap().split(' ').next().unwrap();
            let log = directory.join("bisection.log");
            fs::write(&log, text.replace(culprit, &hash)).unwrap();
            (directory.to_str().unwrap().to_owned(), log.to_str().unwrap().to_owned())
        });
    let audit = |repository: &str, log: &str| records(&["audit", "--git", repository, log]).remove(0);
    let touched = |audit: &Value| {
        let findings = audit["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["kind"] == "touched-functions").map(|finding| finding["text"].clone())
    };
    let near = audit(&poll.0, &poll.1);
    assert_eq!(touched(&near), Some("the culprit touches `gizmo_poll`, which is in the report".into()));
    let far = audit(&other.0, &other.1);
    assert!(far["probability"].as_f64() < near["probability"].as_f64(), "{far} {near}");
    // A commit that the repository does not have leaves the log's own words, and that is said.
    let missing = audit(&poll.0, &other.1);
    assert_eq!(touched(&missing), None);
    let kinds = |audit: &Value| -> Vec<Value> {
        audit["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].clone()).collect()
    };
    assert!(kinds(&missing).contains(&"no-patch".into()) && !kinds(&near).contains(&"no-patch".into()));
    let plain = records(&["audit", &other.1]).remove(0);
    assert_eq!(missing["probability"], plain["probability"]);
    let nowhere = ksplat(&["bisect", "audit", "--git", "/nonexistent", &poll.1]);
    assert_eq!(nowhere.status.code(), Some(2));
    let said = "ksplat: /nonexistent: git finds no repository there\n";
    assert_eq!(String::from_utf8(nowhere.stderr).unwrap(), said);
}

#[test]
fn what_is_no_bisection_log_is_named() {
    let file = folder("bisect-nothing").join("notes.txt");
    fs::write(&file, "call the plumber\n").unwrap();
    let file = file.to_str().unwrap();
    for command in ["show", "audit"] {
        let output = ksplat(&["bisect", command, file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let said = format!("ksplat: {file}: no line of a bisection log\nksplat: no bisection log found\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
        assert_eq!(ksplat(&["bisect", command, "/nonexistent/log"]).status.code(), Some(2));
    }
}

#[test]
fn unread_lines_are_counted_and_shown_on_demand() {
    let quiet = String::from_utf8(ksplat(&["bisect", "show", &own("cut-fix.log")]).stdout).unwrap();
    assert!(quiet.contains("2 unread") && !quiet.contains("nobody's"), "{quiet}");
    let verbose = String::from_utf8(ksplat(&["bisect", "show", "-v", &own("cut-fix.log")]).stdout).unwrap();
    assert!(verbose.contains("unread 8: this line is nobody's\n"), "{verbose}");
}

#[test]
fn a_log_cannot_command_the_terminal() {
    let file = folder("bisect-escapes").join("log");
    let hash = "0".repeat(40);
    let log = format!(
        "bisecting cause commit starting from {hash}\ntesting commit {hash} gcc\nall runs: crashed: \x1b]0;x\x07\n\x1b[2J\n"
    );
    fs::write(&file, log).unwrap();
    for arguments in [&["show", "-v"][..], &["audit"]] {
        let output = ksplat(&[&["bisect"], arguments, &[file.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&7));
    }
}

/// With the report of the original crash its own names are those of the bug.
#[test]
fn the_report_of_the_original_crash_says_which_bug_it_was() {
    let log = fs::read_to_string(own("2025-with-config.log")).unwrap();
    let (_, report) = log.split_once("\ncrash: ").unwrap();
    let folder = folder("bisect-crash");
    let [same, other, nothing] =
        ["same", "other", "nothing"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    fs::write(&same, report).unwrap();
    fs::write(&nothing, "call the plumber\n").unwrap();
    fs::write(&other, report.replace("gizmo_poll", "pipe_release")).unwrap();
    // The log's own first test does not say which bug it was.
    let corrupted = folder.join("log").to_str().unwrap().to_owned();
    let (first, rest) = log.split_once("check whether").unwrap();
    let first = first.replace("KASAN: slab-use-after-free Read in gizmo_poll", "WARNING in corrupted");
    fs::write(&corrupted, format!("{first}check whether{rest}")).unwrap();
    let drift = |arguments: &[&str]| -> f64 {
        let audit = records(&[&["audit", &corrupted], arguments].concat()).remove(0);
        let findings = audit["findings"].as_array().unwrap();
        findings.iter().filter(|finding| finding["kind"] == "crash-drift").filter_map(|it| it["weight"].as_f64()).sum()
    };
    let (alone, with_same, with_other) = (drift(&[]), drift(&["--crash", &same]), drift(&["--crash", &other]));
    assert!(with_same > -0.6 && with_same > with_other && with_other >= alone, "{alone} {with_same} {with_other}");
    let none = ksplat(&["bisect", "audit", "--crash", &nothing, &corrupted]);
    assert_eq!(none.status.code(), Some(2));
    assert_eq!(String::from_utf8(none.stderr).unwrap(), format!("ksplat: {nothing}: no report of a crash in it\n"));
}
