//! Reports: what a splat says, read whole: who, where, and every stack trace with its role.

use crate::detail::{By, Detail, Registers};
use crate::frame::Frame;
use crate::origin::Origin;
use crate::splat::Splat;

mod reader;
mod role;

use reader::Reader;
pub use role::Role;

/// What a splat says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report<'t> {
    /// The machine and the task.
    pub origin: Origin<'t>,
    /// The stack traces, in the order in which they were printed.
    pub traces: Vec<Trace<'t>>,
    /// What else it says, by kind of report.
    pub detail: Box<Detail<'t>>,
    /// The register sets, in the order in which they were printed.
    pub registers: Vec<Registers<'t>>,
    /// Where the report's last line ends, in bytes of the text; what follows is other output.
    pub end: usize,
}

/// One stack trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<'t> {
    /// What the trace shows.
    pub role: Role,
    /// Who did what the trace shows, where the line above it says so.
    pub by: Option<By<'t>>,
    /// The frames, innermost first. A kernel instruction pointer above the trace is its first frame.
    pub frames: Vec<Frame<'t>>,
}

impl<'t> Report<'t> {
    /// Reads a splat whole.
    pub fn parse(splat: &Splat<'t>) -> Report<'t> {
        let mut reader = Reader::new(splat.start, splat.rules, splat.utf8);
        reader.read_message(&splat.before);
        let mut lines = splat.with_doubted();
        while !reader.is_over()
            && let Some(entry) = lines.next()
        {
            reader.read(entry);
        }
        reader.finish()
    }

    /// The registers of the kernel at the time of the report: the first set that is not user space's.
    pub fn kernel_registers(&self) -> Option<&Registers<'t>> {
        self.registers.iter().find(|set| set.rip.is_none_or(|rip| !rip.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Log;

    fn report(text: &str) -> String {
        let log = Log::parse(text.as_bytes(), crate::Rules::Syzbot);
        let splat = log.splats().next().expect("a splat");
        let report = Report::parse(&splat);
        let show = |frame: &Frame<'_>| {
            let doubt = if frame.reliable { "" } else { "?" };
            format!("{doubt}{}{}", frame.function, if frame.exact { "!" } else { "" })
        };
        let trace = |trace: &Trace<'_>| {
            format!("{}: {}", trace.role.name(), trace.frames.iter().map(show).collect::<Vec<_>>().join(" "))
        };
        report.traces.iter().map(trace).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn an_oops_has_its_pointer_on_top() {
        let text = "[ 1.0] BUG: kernel NULL pointer dereference\n[ 1.0] RIP: 0010:a+0x1/0x2\n[ 1.0] RAX: 0000000000000000\n\
                    [ 1.0] Call Trace:\n[ 1.0]  <TASK>\n[ 1.0]  ? b+0x1/0x2\n[ 1.0]  c+0x1/0x2\n[ 1.0]  </TASK>\n\
                    [ 1.0] ---[ end trace 0000000000000000 ]---\n[ 1.0] RIP: 0010:a+0x1/0x2\n";
        assert_eq!(report(text), "call trace: a! ?b c");
    }

    #[test]
    fn a_frame_may_stand_behind_the_mark_of_its_stack() {
        let text = "[ 1.0] BUG: x\n[ 1.0] Call Trace:\n[ 1.0]  <IRQ>  [<ffffffff81234560>] a+0x1/0x2\n[ 1.0]  <EOI>  ? b+0x1/0x2\n\
                    [ 1.0]  [<ffffffff81234569>] c+0x1/0x2\n";
        assert_eq!(report(text), "call trace: a ?b c");
    }

    #[test]
    fn what_an_exception_interrupted_is_exact() {
        let text = "BUG: x\nCall Trace:\n a+0x1/0x2\n asm_exc_page_fault+0x1/0x2\n b+0x1/0x2\n c+0x1/0x2\n";
        assert_eq!(report(text), "call trace: a asm_exc_page_fault b! c");
        let text = "BUG: x\nCall Trace:\n a+0x1/0x2\n asm_exc_page_fault+0x1/0x2\nRIP: 0010:b+0x1/0x2\nRSP: 0018:ffffc900\n c+0x1/0x2\n";
        assert_eq!(report(text), "call trace: a asm_exc_page_fault b! c");
    }

    #[test]
    fn traces_have_roles() {
        let text = "BUG: KASAN: use-after-free in f+0x1/0x2\nCall Trace:\n a+0x1/0x2\n\nAllocated by task 1:\n b+0x1/0x2\n\n\
                    Freed by task 2:\n c+0x1/0x2\n\nLast potentially related work creation:\n d+0x1/0x2\n";
        assert_eq!(report(text), "call trace: a; allocated: b; freed: c; queued: d");
    }

    #[test]
    fn a_report_ends_where_other_output_starts() {
        let text = "BUG: x\nCall Trace:\n a+0x1/0x2\n---[ end trace 0 ]---\nhello\n";
        let log = Log::parse(text.as_bytes(), crate::Rules::Syzbot);
        let end = Report::parse(&log.splats().next().expect("a splat")).end;
        assert!(text[..end].ends_with("]---"));
    }
}
