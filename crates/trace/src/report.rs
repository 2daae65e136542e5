//! Reports: what a splat says, read whole: who, where, and every stack trace with its role.

use memchr::memmem;

use crate::frame::Frame;
use crate::line::{Line, digits};
use crate::origin::Origin;
use crate::splat::Splat;

/// What a splat says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report<'t> {
    /// The machine and the task.
    pub origin: Origin<'t>,
    /// The stack traces, in the order in which they were printed.
    pub traces: Vec<Trace<'t>>,
    /// Where the report's last line ends, in bytes of the text; what follows is other output.
    pub end: usize,
}

/// One stack trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<'t> {
    /// What the trace shows.
    pub role: Role,
    /// The frames, innermost first. A kernel instruction pointer above the trace is its first frame.
    pub frames: Vec<Frame<'t>>,
}

/// What a stack trace shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Where the report was printed.
    Call,
    /// Another CPU, which was asked for its stack.
    OtherCpu,
    /// An instruction pointer without a trace.
    Pointer,
    /// Where the object was allocated.
    Allocated,
    /// Where the object was freed.
    Freed,
    /// Where work, a timer or an RCU callback with the object was queued.
    Queued,
    /// Where a lock of the cycle was taken.
    LockChain,
    /// Where a lock got the state that now conflicts.
    LockState,
    /// Where an uninitialised value was stored.
    Stored,
    /// Where an uninitialised value was created.
    Created,
    /// Where the page was allocated.
    PageAllocated,
    /// Where the page was freed.
    PageFreed,
    /// One side of a data race.
    Access,
    /// Where leaked memory was allocated.
    Leaked,
}

impl Role {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Role::Call => "call trace",
            Role::OtherCpu => "other cpu",
            Role::Pointer => "instruction pointer",
            Role::Allocated => "allocated",
            Role::Freed => "freed",
            Role::Queued => "queued",
            Role::LockChain => "lock chain",
            Role::LockState => "lock state",
            Role::Stored => "stored",
            Role::Created => "created",
            Role::PageAllocated => "page allocated",
            Role::PageFreed => "page freed",
            Role::Access => "access",
            Role::Leaked => "leaked",
        }
    }

    /// The role of the trace that a line heads.
    fn of_head(line: &[u8]) -> Option<Role> {
        let text = line.trim_ascii_start();
        let starts = |head: &str| text.starts_with(head.as_bytes());
        let holds = |word: &str| memmem::find(text, word.as_bytes()).is_some();
        let ends = text.trim_ascii_end().ends_with(b":");
        match text.first()? {
            b'A' | b'a' if starts("Allocated") || starts("allocated by task") => Some(Role::Allocated),
            b'F' | b'f' if starts("Freed") || starts("freed by task") => Some(Role::Freed),
            b'b' | b'B' if starts("backtrace") || starts("Backtrace:") => Some(Role::Leaked).filter(|_| !starts("B")),
            b'C' if starts("Call Trace:") || starts("Call trace:") => Some(Role::Call),
            b'L' | b'S' if ends && (holds("work creation") || holds("call_rcu")) => Some(Role::Queued),
            b'L' if starts("Local variable ") && ends => Some(Role::Created),
            b'U' if starts("Uninit was created at:") => Some(Role::Created),
            b'U' if starts("Uninit was stored") => Some(Role::Stored),
            b'-' if starts("-> #") => Some(Role::LockChain),
            b'.' | b'w' if ends && holds("which became ") => Some(Role::LockState),
            b'{' if ends && holds("state was registered at:") => Some(Role::LockState),
            b'p' if starts("page last allocated") => Some(Role::PageAllocated),
            b'p' if starts("page last free") => Some(Role::PageFreed),
            b'N' if starts("NMI backtrace for cpu") => Some(Role::OtherCpu),
            b'r' | b'w' if ends && holds(" bytes by ") => Some(Role::Access),
            _ => None,
        }
    }
}

impl<'t> Report<'t> {
    /// Reads a splat whole.
    pub fn parse(splat: &Splat<'t>) -> Report<'t> {
        let mut reader = Reader { report: Report { end: splat.start, ..Report::default() }, ..Reader::default() };
        for line in splat.with_doubted() {
            reader.read(line);
        }
        reader.finish()
    }
}

/// Lines of other output after which a report is taken to be over.
const FAR: usize = 40;

#[derive(Default)]
struct Reader<'t> {
    report: Report<'t>,
    /// The trace that frames go to.
    open: Option<Trace<'t>>,
    /// The next call trace is that of another CPU.
    other_cpu: bool,
    /// An instruction pointer that waits for its call trace.
    pointer: Option<Frame<'t>>,
    /// The last frame was an exception's entry, and no registers followed.
    entered: bool,
    /// Lines since the last one that belongs to a report.
    unknown: usize,
    lines: usize,
    over: bool,
}

impl<'t> Reader<'t> {
    fn read(&mut self, line: &Line<'t>) {
        if self.over {
            return;
        }
        self.lines += 1;
        let body = line.body;
        let known = self.read_stack(body, line.reliable) || self.report.origin.read(body) || is_detail(body);
        if known || self.lines == 1 {
            self.report.end = line.end();
            self.unknown = 0;
        } else {
            self.unknown += 1;
            self.over = self.unknown > FAR;
        }
    }

    /// Takes a line of a stack trace; false where it is none.
    fn read_stack(&mut self, body: &'t [u8], reliable: bool) -> bool {
        if let Some(role) = Role::of_head(body) {
            self.head(role);
            return true;
        }
        if let Some(mut frame) = Frame::parse(body) {
            frame.reliable &= reliable;
            return self.frame(frame);
        }
        if let Some(function) = crate::stack::instruction_pointer(body) {
            self.entered = false;
            if function.is_some()
                && let Some(found) = Frame::find(body)
            {
                self.instruction_pointer(Frame { exact: true, ..found.frame });
            }
            return true;
        }
        if !is_inside_trace(body) {
            self.close();
        }
        false
    }

    fn head(&mut self, role: Role) {
        self.close();
        if role == Role::OtherCpu {
            self.other_cpu = true;
            return;
        }
        let role = if role == Role::Call && std::mem::take(&mut self.other_cpu) { Role::OtherCpu } else { role };
        let mut frames = Vec::with_capacity(16);
        if matches!(role, Role::Call | Role::OtherCpu) {
            frames.extend(self.pointer.take());
        }
        self.open = Some(Trace { role, frames });
    }

    fn frame(&mut self, mut frame: Frame<'t>) -> bool {
        let Some(open) = &mut self.open else { return false };
        if frame.reliable {
            frame.exact = std::mem::replace(&mut self.entered, frame.is_exception_entry());
        }
        open.frames.push(frame);
        true
    }

    fn instruction_pointer(&mut self, frame: Frame<'t>) {
        match &mut self.open {
            Some(open) if !open.frames.is_empty() => open.frames.push(frame),
            _ => {
                self.give_up_pointer();
                self.pointer = Some(frame);
            }
        }
    }

    fn close(&mut self) {
        self.entered = false;
        self.report.traces.extend(self.open.take().filter(|trace| !trace.frames.is_empty()));
    }

    /// Keeps an instruction pointer that no call trace followed, unless it repeats one (`---[ end trace` prints it again).
    fn give_up_pointer(&mut self) {
        let Some(frame) = self.pointer.take() else { return };
        let known = self.report.traces.iter().any(|trace| trace.frames.iter().any(|f| f.exact && *f == frame));
        if !known {
            self.report.traces.push(Trace { role: Role::Pointer, frames: vec![frame] });
        }
    }

    fn finish(mut self) -> Report<'t> {
        self.close();
        self.give_up_pointer();
        self.report
    }
}

/// Lines that stand between the frames of one trace: markers, registers, code.
fn is_inside_trace(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    text.is_empty()
        || text.starts_with(b"<") && text.ends_with(b">")
        || is_detail(text) && !text.starts_with(b"---[ end")
}

/// Lines that belong to a report besides its stack traces.
fn is_detail(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    text.starts_with(b"Code: ")
        || text.starts_with(b"---[ end")
        || text.starts_with(b"=====")
        || text.starts_with(b"*** DEADLOCK ***")
        || text.strip_prefix(b"#").is_some_and(|held| digits(held) > 0)
        || is_register(text)
        || is_memory(text)
}

/// `RAX: 0000000000000000`, `CR2: 0000000000559c5a`, `x29: ffff80000a1b3c20`.
fn is_register(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let Some(rest) = text.get(name..).filter(|_| (2..=8).contains(&name)) else {
        return false;
    };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else {
        return false;
    };
    let value = rest.trim_ascii_start().strip_prefix(b"002b:").unwrap_or(rest.trim_ascii_start());
    let hex = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    hex >= 4 && value.get(hex).is_none_or(|b| matches!(b, b' ' | b'(' | b':'))
}

/// `>ffff88801b5c8f80: fc fc fc`: a line of KASAN's memory state.
fn is_memory(text: &[u8]) -> bool {
    let text = text.strip_prefix(b">").unwrap_or(text);
    text.len() > 17 && text[..16].iter().all(u8::is_ascii_hexdigit) && text[16] == b':'
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
