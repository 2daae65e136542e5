//! The seeds: the reports of our own logs, and each form that they can be captured in.

use testkit::mutate::FORMS;

/// Targets whose input is console text.
const TEXTS: [&str; 4] = ["lines", "reports", "prefixes", "decode"];
/// Longer seeds make a fuzzer slow.
const LONGEST: usize = 6 << 10;

/// The target, name and bytes of each seed.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (number, report) in reports().iter().enumerate() {
        for target in TEXTS {
            seeds.push((target, format!("report-{number}"), report.clone()));
        }
        // One form each, in turn, so that there are few seeds and all forms are among them.
        let (n, form) = FORMS.iter().enumerate().nth(number % FORMS.len()).expect("a form");
        let capture = (form.write)(report);
        seeds.push(("captures", format!("form-{n}-{number}"), [&[u8::MAX], &capture[..]].concat()));
        let lines = report.split_inclusive(|&b| b == b'\n').skip(number % 7).take(12);
        seeds.push((
            "captures",
            format!("lines-{n}-{number}"),
            [&[n as u8], &lines.collect::<Vec<_>>().concat()[..]].concat(),
        ));
    }
    let pieces = [[0, 9, 200, 1], [200, 1, 255, 0], [130, 1, 0, 1]];
    seeds.extend(pieces.iter().enumerate().map(|(n, bytes)| ("streams", format!("pieces-{n}"), bytes.to_vec())));
    seeds
}

/// The reports of our own logs, each from a few lines before its start to its end.
fn reports() -> Vec<Vec<u8>> {
    let mut reports = Vec::new();
    for log in testkit::logs() {
        ksplat::reports(&log.bytes, |found| {
            let before = found.splat.before.iter().rev().take(3).next_back();
            let start = before.map_or(found.splat.start, |entry| entry.line.offset);
            let end = found.span.region_end.max(found.span.end).min(start + LONGEST);
            reports.push(log.bytes.get(start..end).unwrap_or_default().to_vec());
        });
    }
    reports.sort();
    reports.dedup();
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_and_every_form_has_seeds() {
        let seeds = seeds();
        let targets = testkit::files(&testkit::workspace_root().join("crates/fuzz/targets"));
        for target in targets {
            let name = target.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(seeds.iter().any(|(target, ..)| *target == name), "{name}");
        }
        for (n, form) in FORMS.iter().enumerate() {
            assert!(seeds.iter().any(|(_, name, _)| name.starts_with(&format!("form-{n}-"))), "{}", form.name);
        }
    }
}
