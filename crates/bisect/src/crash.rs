//! The crash report at the end of a log, named as every other report is.

use crate::log::Log;
use schemars::JsonSchema;
use serde::Serialize;
use signature::{Signature, Title};
use trace::{Report, Rules};

/// What our own reading of the report says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CrashReport {
    /// The bug's name.
    pub title: String,
    /// Other names of the same bug.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alt_titles: Vec<String>,
    /// What kind of bug it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub crash_type: Option<&'static str>,
    /// The signature by which other tools find the same bug.
    pub signature: String,
    /// The functions that the signature blames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blamed: Vec<String>,
    /// The stack traces.
    pub traces: Vec<CrashTrace>,
}

/// One stack trace of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CrashTrace {
    /// What it shows.
    pub role: &'static str,
    /// Its functions, innermost first; those that are only guessed are left out.
    pub functions: Vec<String>,
}

impl CrashReport {
    /// Reads the report of a log; none where there is none, or where it is not one of the kernel.
    pub fn of(log: &Log<'_>) -> Option<CrashReport> {
        CrashReport::read(&log.report())
    }

    /// Reads the first report of a text; none where there is no report of the kernel.
    pub fn read(text: &str) -> Option<CrashReport> {
        let text = physical(text);
        let lines = trace::Log::parse(text.as_bytes(), Rules::Syzbot);
        let splat = lines.splats().next()?;
        let report = Report::parse(&splat);
        let title = Title::of(&splat);
        let signature = Signature::of(&splat, &report, &title);
        let traces = report.traces.iter().map(|trace| CrashTrace {
            role: trace.role.name(),
            functions: (trace.frames.iter())
                .filter(|frame| frame.reliable && !frame.function.is_empty())
                .map(|frame| frame.function.to_owned())
                .collect(),
        });
        Some(CrashReport {
            traces: traces.collect(),
            title: title.title,
            alt_titles: title.alternatives,
            crash_type: title.crash_type.map(|kind| kind.name()),
            blamed: signature.frames().map(str::to_owned).collect(),
            signature: signature.to_string(),
        })
    }

    /// All names of the bug.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.title).chain(&self.alt_titles).map(String::as_str)
    }
}

/// The report without what syzkaller's symbolizer added to it: it repeats a line, also the first, for each function
/// that was inlined there.
fn physical(report: &str) -> String {
    let printed = report.lines().filter(|line| !line.contains(" [inline]"));
    printed.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbolized_report_is_named_by_its_physical_function() {
        let text = "crash: KASAN: use-after-free Read in gizmo_poll\n\
            BUG: KASAN: use-after-free in memcpy include/linux/string.h:12 [inline]\n\
            BUG: KASAN: use-after-free in gizmo_poll+0x41/0x90 drivers/gizmo/gizmo.c:88\n\
            Read of size 8 at addr ffff888104b2c010 by task poller/412\n\n\
            Call Trace:\n dump_stack+0x5d/0x80 lib/dump_stack.c:120\n kasan_report+0xbe/0xf0 mm/kasan/report.c:601\n \
            gizmo_poll+0x41/0x90 drivers/gizmo/gizmo.c:88\n do_sys_poll+0x3a1/0xd60 fs/select.c:1015\n";
        let log = Log::parse(text.as_bytes());
        let report = CrashReport::of(&log).expect("a report");
        assert_eq!(
            report.titles().collect::<Vec<_>>(),
            ["KASAN: use-after-free Read in gizmo_poll", "bad-access in gizmo_poll"]
        );
        assert_eq!(report.crash_type, Some("KASAN-USE-AFTER-FREE-READ"));
        assert!(report.traces[0].functions.contains(&"do_sys_poll".to_owned()), "{report:?}");
        assert_eq!(CrashReport::of(&Log::parse(b"crash: no output from test machine\n")), None);
    }
}
