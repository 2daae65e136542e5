//! Reports: what a splat says, read whole: who, where, and every stack trace with its role.

use std::borrow::Cow;

use memchr::memmem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::detail::{By, CodeLine, Detail, DetailReader, Registers, Values};
use crate::frame::Frame;
use crate::line::digits;
use crate::log::Entry;
use crate::origin::Origin;
use crate::splat::{Splat, following};

/// What a splat says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report<'t> {
    /// The machine and the task.
    pub origin: Origin<'t>,
    /// The stack traces, in the order in which they were printed.
    pub traces: Vec<Trace<'t>>,
    /// What else it says, by kind of report.
    pub detail: Detail<'t>,
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
    /// All roles.
    pub const ALL: [Role; 14] = [
        Role::Call,
        Role::OtherCpu,
        Role::Pointer,
        Role::Allocated,
        Role::Freed,
        Role::Queued,
        Role::LockChain,
        Role::LockState,
        Role::Stored,
        Role::Created,
        Role::PageAllocated,
        Role::PageFreed,
        Role::Access,
        Role::Leaked,
    ];

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

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Role {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "What a stack trace shows.", "enum": Role::ALL.map(Role::name) })
    }
}

impl<'t> Report<'t> {
    /// Reads a splat whole.
    pub fn parse(splat: &Splat<'t>) -> Report<'t> {
        let mut reader = Reader { report: Report { end: splat.start, ..Report::default() }, ..Reader::default() };
        reader.read_message(&splat.before);
        for entry in splat.with_doubted() {
            reader.read(entry);
        }
        reader.finish()
    }

    /// The registers of the kernel at the time of the report: the first set that is not user space's.
    pub fn kernel_registers(&self) -> Option<&Registers<'t>> {
        self.registers.iter().find(|set| set.rip.is_none_or(|rip| !rip.user))
    }
}

/// Lines of other output after which a report is taken to be over.
const FAR: usize = 40;

#[derive(Default)]
struct Reader<'t> {
    report: Report<'t>,
    detail: DetailReader<'t>,
    /// The trace that frames go to.
    open: Option<Trace<'t>>,
    /// The next call trace is that of another CPU.
    other_cpu: bool,
    /// An instruction pointer that waits for its call trace.
    pointer: Option<Frame<'t>>,
    /// The register set that values go to.
    set: Option<usize>,
    /// The last frame was an exception's entry, and no registers followed.
    entered: bool,
    /// The report's own registers were printed; they may be repeated.
    ended: bool,
    /// Lines since the last one that belongs to a report.
    unknown: usize,
    lines: usize,
    over: bool,
}

impl<'t> Reader<'t> {
    /// Takes what a warning says: the lines between `------------[ cut here ]------------` and the headline.
    fn read_message(&mut self, before: &[Entry<'t>]) {
        let is_cut = |entry: &Entry<'_>| entry.line.body.ends_with(b"[ cut here ]------------");
        let near = &before[before.len().saturating_sub(8)..];
        if let Some(cut) = near.iter().rposition(is_cut) {
            near[cut + 1..].iter().for_each(|entry| self.detail.message(entry.line.body));
            // These are printed above the cut, for a BUG or WARN without a text of its own.
            let above = near[..cut].last().map(|entry| entry.line.body.trim_ascii());
            if let Some(text) = above.filter(|text| text.starts_with(b"refcount_t: ") || text.starts_with(b"list_")) {
                self.detail.message(text);
            }
        }
    }

    fn read(&mut self, entry: &Entry<'t>) {
        if self.over {
            return;
        }
        self.lines += 1;
        let Entry { line, marks, trigger } = entry;
        let body = line.body;
        if trigger.is_some() && self.lines > 1 && !marks.any(following()) && !goes_on(body) {
            self.detail.end();
        }
        self.ended |= body.starts_with(b"---[ end trace");
        let known = self.read_stack(body, line.reliable)
            || self.detail.read(body)
            || self.report.origin.read(body)
            || is_detail(body);
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
            self.head(role, body);
            return true;
        }
        let (frame, doubted) = behind_marker(body);
        if let Some(mut frame) = Frame::parse(frame) {
            frame.reliable &= reliable && !doubted;
            return self.frame(frame);
        }
        // `Code: Bad RIP value.` is no pointer.
        if let Some(code) = body.trim_ascii_start().strip_prefix(b"Code: ") {
            self.code(code);
            return true;
        }
        if let Some(function) = crate::stack::instruction_pointer(body) {
            self.entered = false;
            let found = Frame::find(body).map(|found| Frame { exact: true, ..found.frame });
            self.registers(Registers::of_pointer(body.trim_ascii_start(), found));
            if function.is_some()
                && let Some(frame) = found
            {
                self.instruction_pointer(frame);
            }
            return true;
        }
        if self.read_values(body) {
            return true;
        }
        if !is_inside_trace(body) {
            self.close();
        }
        false
    }

    fn head(&mut self, role: Role, line: &'t [u8]) {
        self.close();
        if role == Role::OtherCpu {
            self.other_cpu = true;
            return;
        }
        let role = if role == Role::Call && std::mem::take(&mut self.other_cpu) { Role::OtherCpu } else { role };
        let mut frames = Vec::with_capacity(16);
        let mut by = None;
        let trace = self.report.traces.len();
        if matches!(role, Role::Call | Role::OtherCpu) {
            if let Some(pointer) = self.pointer.take() {
                frames.push(pointer);
                let waiting = self.report.registers.iter_mut().rev().take_while(|set| set.trace.is_none());
                waiting.for_each(|set| set.trace = Some(trace));
            }
        } else {
            by = By::of_head(line.trim_ascii());
            self.detail.head(line, trace);
        }
        self.open = Some(Trace { role, by, frames });
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

    /// Starts a set of registers, unless it repeats one: `---[ end trace` prints those of the report again.
    fn registers(&mut self, mut set: Registers<'t>) {
        if self.ended && self.report.registers.iter().take(8).any(|known| known.rip == set.rip) {
            self.set = None;
            return;
        }
        // arm64 and powerpc print some values above the pointer; older x86 kernels print `IP: f+0x1/0x2` above `RIP: 0010:f+0x1/0x2`.
        let is_same = |last: &&mut Registers<'t>| last.rip.is_none() || last.has_only_pointer() && last.trace.is_none();
        if let Some(last) = self.report.registers.last_mut().filter(is_same) {
            last.rip = set.rip;
            return;
        }
        set.trace = self.open.as_ref().filter(|open| !open.frames.is_empty()).map(|_| self.report.traces.len());
        self.set = Some(self.report.registers.len());
        self.report.registers.push(set);
    }

    /// Takes a line of register values; false where it is none.
    fn read_values(&mut self, body: &'t [u8]) -> bool {
        let text = body.trim_ascii_start();
        if !Values::are_in(text) {
            return false;
        }
        if self.report.registers.is_empty() {
            self.registers(Registers::default());
        }
        if let Some(set) = self.set.and_then(|set| self.report.registers.get_mut(set)) {
            set.push(text);
        }
        true
    }

    /// Code stands right below its instruction pointer, or below the whole report (arm64, older x86).
    fn code(&mut self, code: &'t [u8]) {
        let Some(last) = self.set else { return };
        let sets = &mut self.report.registers;
        let is_below = sets.get(last).is_some_and(|set| set.values.is_empty());
        let set = if is_below { last } else { 0 };
        if let Some(set) = sets.get_mut(set).filter(|set| set.code.is_none()) {
            set.code = Some(CodeLine(code));
        }
    }

    fn close(&mut self) {
        self.entered = false;
        let Some(open) = self.open.take() else { return };
        if !open.frames.is_empty() {
            self.report.traces.push(open);
        } else if matches!(open.role, Role::LockChain | Role::Access) {
            self.detail.head_without_frames();
        }
    }

    /// Keeps an instruction pointer that no call trace followed, unless it repeats one (`---[ end trace` prints it again).
    fn give_up_pointer(&mut self) {
        let Some(frame) = self.pointer.take() else { return };
        let known = self.report.traces.iter().any(|trace| trace.frames.iter().any(|f| f.exact && *f == frame));
        if !known {
            let trace = self.report.traces.len();
            let waiting = self.report.registers.iter_mut().rev().take_while(|set| set.trace.is_none());
            waiting.for_each(|set| set.trace = Some(trace));
            self.report.traces.push(Trace { role: Role::Pointer, by: None, frames: vec![frame] });
        }
    }

    fn finish(mut self) -> Report<'t> {
        self.close();
        self.give_up_pointer();
        self.report.detail = self.detail.finish();
        self.report
    }
}

/// Lines with a trigger that still are about the same report: notes of lockdep, of SLUB, of the hung task's detector.
fn goes_on(body: &[u8]) -> bool {
    let Some(what) = body.trim_ascii_start().strip_prefix(b"INFO: ") else { return false };
    let hung_task = || memmem::find(what, b" blocked ").is_some_and(|at| !what[..at].ends_with(b" is"));
    !(what.starts_with(b"rcu") || what.starts_with(b"task ") && hung_task())
}

/// A frame behind the mark of its stack, as kernels before 4.9 print the first one: ` <EOI>  ? f+0x1/0x2`; and whether a `?`
/// doubts it.
fn behind_marker(body: &[u8]) -> (&[u8], bool) {
    let text = body.trim_ascii_start();
    let behind = |end: usize| text[end + 1..].strip_prefix(b" ").map(<[u8]>::trim_ascii_start);
    match memchr::memchr(b'>', &text[..text.len().min(8)]).filter(|_| text.starts_with(b"<")).and_then(behind) {
        Some(frame) => frame.strip_prefix(b"? ").map_or((frame, false), |frame| (frame, true)),
        None => (body, false),
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
    text.starts_with(b"---[ end")
        || text.starts_with(b"=====")
        || text.starts_with(b"mce: [Hardware Error]: ")
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
