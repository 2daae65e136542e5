//! The seeds: the reports of our own logs, each form that they can be captured in, and small kernels.

use laws::{Input, Made, TARGETS};
use testkit::mutate::FORMS;
use testkit::{Function, Vmlinux};

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
        let lines = report.split_inclusive(|&b| b == b'\n').skip(number % 7).take(12).collect::<Vec<_>>().concat();
        for target in TARGETS {
            let Input::Capture(format) = target.input else { continue };
            let ways = laws::ways(format);
            // One way each, in turn, so that there are few seeds and all ways are among them.
            let way = number % ways.len();
            let rest = match ways[way] {
                Made::Whole => form_of(format, number / ways.len(), report),
                Made::Behind(form) => (form.write)(&lines),
                Made::Written(_) => report.clone(),
            };
            seeds.push((target.name, format!("way-{way}-{number}"), [&[way as u8], &rest[..]].concat()));
        }
    }
    seeds.extend(bisections().into_iter().enumerate().map(|(n, log)| ("bisect", format!("log-{n}"), log)));
    let pieces = [[0, 9, 200, 1], [200, 1, 255, 0], [130, 1, 0, 1]];
    seeds.extend(pieces.iter().enumerate().map(|(n, bytes)| ("streams", format!("pieces-{n}"), bytes.to_vec())));
    seeds.extend(kernels().into_iter().enumerate().map(|(n, bytes)| ("kernel", format!("kernel-{n}"), bytes)));
    seeds
}

/// Kernels and modules with and without debug information, and a bzImage.
fn kernels() -> Vec<Vec<u8>> {
    let fill = |image: Vmlinux| {
        let image = image.build_id(&[7; 20]).banner("Linux version 6.1.0-test (me@here) (gcc) #1 SMP PREEMPT 2024");
        let image = image.object("counter", 8).function(Function::new("first", 0x2e).alias("also_first").cold(0x11));
        image.function(Function::new("same", 0x10).local()).function(Function::new("same", 0x23).local())
    };
    let all = [
        fill(Vmlinux::new()),
        fill(Vmlinux::new()).without_dwarf(),
        fill(Vmlinux::module("one")),
        fill(Vmlinux::new()).compressed(),
    ];
    let mut kernels: Vec<Vec<u8>> = all.iter().map(Vmlinux::write).collect();
    // The setup header of protocol 2.15, whose payload starts behind five sectors (Documentation/arch/x86/boot.rst).
    let mut boot = vec![0; 5 * 512];
    for (at, bytes) in [(0x1f1, &[4][..]), (0x202, b"HdrS\x0f\x02"), (0x24c, &1000_u32.to_le_bytes())] {
        boot[at..at + bytes.len()].copy_from_slice(bytes);
    }
    boot.extend(&kernels[1][..1000]);
    kernels.push(boot);
    kernels
}

/// A report in one of the forms of a format.
fn form_of(format: &str, number: usize, report: &[u8]) -> Vec<u8> {
    let forms: Vec<_> = FORMS.iter().filter(|form| form.format == format).collect();
    (forms[number % forms.len()].write)(report)
}

/// Our own bisection logs: their starts, and their ends with the first test in front.
fn bisections() -> Vec<Vec<u8>> {
    let logs = testkit::files(&testkit::workspace_root().join("testdata/bisections"));
    let logs = logs.iter().filter(|path| path.extension().is_some_and(|end| end == "log"));
    let mut seeds = Vec::new();
    for log in logs.map(|path| std::fs::read(path).expect("a log")) {
        let lines: Vec<&[u8]> = log.split_inclusive(|&b| b == b'\n').collect();
        seeds.extend(lines.chunks(60).map(<[_]>::concat));
        seeds.push(
            lines[..lines.len().min(8)]
                .iter()
                .chain(&lines[lines.len().saturating_sub(50)..])
                .copied()
                .collect::<Vec<_>>()
                .concat(),
        );
    }
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
    fn every_target_and_every_way_has_seeds() {
        let seeds = seeds();
        for target in TARGETS {
            assert!(seeds.iter().any(|(name, ..)| *name == target.name), "{}", target.name);
            let Input::Capture(format) = target.input else { continue };
            for way in 0..laws::ways(format).len() {
                let name = format!("way-{way}-");
                assert!(
                    seeds.iter().any(|(t, seed, _)| *t == target.name && seed.starts_with(&name)),
                    "{format} {name}"
                );
            }
        }
    }
}
