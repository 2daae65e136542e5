//! Titles, flags, positions and texts of the labelled logs in `../shared/corpus/report`, against the oracle beside them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};
use signature::Title;
use trace::Log;

/// One row of `report-oracle.tsv`.
struct Oracle {
    fields: BTreeMap<String, String>,
}

impl Oracle {
    fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
}

fn oracle(path: &Path) -> Vec<Oracle> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names: Vec<&str> = lines.next().unwrap().collect();
    lines
        .map(|row| Oracle { fields: names.iter().map(|n| n.to_string()).zip(row.map(str::to_owned)).collect() })
        .collect()
}

fn describe(log: &[u8]) -> BTreeMap<&'static str, String> {
    let log = Log::parse(log, trace::Rules::Syzbot);
    let Some(splat) = log.splats().next() else {
        return BTreeMap::new();
    };
    let title = Title::of(&splat);
    let text = splat.text();
    let alternatives = {
        let mut sorted = title.alternatives.clone();
        sorted.sort();
        serde_json::to_string(&sorted).unwrap()
    };
    BTreeMap::from([
        ("title", title.title.clone()),
        ("alts", alternatives),
        ("type", title.crash_type.map_or(String::new(), |t| t.name().to_owned())),
        ("start", splat.start.to_string()),
        ("end", splat.end.to_string()),
        ("skip", splat.skip.to_string()),
        ("corrupted", title.corrupted.is_some().to_string()),
        ("reason", title.corrupted.map_or(String::new(), |c| c.reason().to_owned())),
        ("frame", title.frame().unwrap_or_default().to_owned()),
        ("report_bytes", text.len().to_string()),
        ("report_sha256", Sha256::digest(&text).iter().map(|b| format!("{b:02x}")).collect()),
    ])
}

#[test]
fn every_labelled_log_is_named_as_its_label_says() {
    let Some(shared) = testkit::shared_or_skip("signature::corpus") else {
        return;
    };
    let mut wrong = Vec::new();
    let rows = oracle(&shared.join("corpus/report-oracle.tsv"));
    for row in &rows {
        let name = row.get("file");
        let got = describe(&testkit::unlabelled(std::fs::read(shared.join("corpus/report").join(name)).unwrap()));
        if got.is_empty() {
            if !row.get("title").is_empty() {
                wrong.push(format!("{name}: no report, wanted {}", row.get("title")));
            }
            continue;
        }
        for (field, got) in &got {
            let mut want = row.get(field).to_owned();
            if *field == "alts" {
                let mut alternatives: Vec<String> = serde_json::from_str(&want).unwrap();
                alternatives.sort();
                want = serde_json::to_string(&alternatives).unwrap();
            }
            if *got != want {
                wrong.push(format!("{name}: {field}: got {got}, want {want}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences in {} logs:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The oracle has no columns for these: they stand in the header of each log.
#[test]
fn every_labelled_log_has_the_flags_of_its_header() {
    let Some(shared) = testkit::shared_or_skip("signature::corpus") else {
        return;
    };
    let (mut wrong, mut set) = (Vec::new(), 0);
    for path in testkit::files(&shared.join("corpus/report")) {
        let file = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&file);
        let header: BTreeMap<&str, &str> =
            text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": ")).collect();
        let log = testkit::unlabelled(file.clone());
        let log = Log::parse(&log, trace::Rules::Syzbot);
        let Some(splat) = log.splats().next() else { continue };
        let executor = splat.executor().map(|(process, id)| format!("proc={process}, id={id}"));
        let flag = |set: bool| if set { "Y" } else { "" }.to_owned();
        for (name, got) in [
            ("PANICKED", flag(splat.panicked)),
            ("SUPPRESSED", flag(splat.suppressed)),
            ("EXECUTOR", executor.unwrap_or_default()),
        ] {
            let want = header.get(name).copied().unwrap_or_default();
            set += usize::from(!want.is_empty());
            if got != want {
                wrong.push(format!("{}: {name}: got {got}, want {want}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(set > 100, "{set} flags are set: the headers were not read");
}
