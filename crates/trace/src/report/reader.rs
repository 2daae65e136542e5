//! Reads a report line by line. What a line may be is told by its first byte and its marks before anything else.

use crate::detail::{By, CodeLine, DetailReader, Registers, Values};
use crate::find::find;
use crate::frame::Frame;
use crate::log::Entry;
use crate::marks::Marks;
use crate::physical::{Decoded, is_inlined};
use crate::rules::Rules;
use crate::run::digits;
use crate::shape::is_word;
use crate::splat::following;
use crate::utf8::Utf8;

use super::role::is_kfence;
use super::{Report, Role, Trace};

/// Lines of other output after which a report is taken to be over.
const FAR: usize = 40;

/// An instruction pointer may repeat that of so many frames before it. A report with more of them was made up.
const REPEATED: usize = 512;

/// Frames that a trace mostly has at most.
const ROOM: usize = 32;

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader<'t> {
    rules: Rules,
    utf8: Utf8<'t>,
    report: Report<'t>,
    detail: DetailReader<'t>,
    /// The trace that frames go to.
    open: Option<Trace<'t>>,
    /// The room in which a trace is read.
    frames: Vec<Frame<'t>>,
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
}

impl<'t> Reader<'t> {
    pub fn new(start: usize, rules: Rules, utf8: Utf8<'t>) -> Reader<'t> {
        let mut reader = Reader { rules, utf8, frames: Vec::with_capacity(ROOM), ..Reader::default() };
        reader.report.end = start;
        reader
    }

    /// True where no line belongs to the report any more.
    pub fn is_over(&self) -> bool {
        self.unknown > FAR
    }

    /// Takes what a warning says: the lines between `------------[ cut here ]------------` and the headline.
    pub fn read_message(&mut self, before: &[Entry<'t>]) {
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

    pub fn read(&mut self, entry: &Entry<'t>) {
        let Entry { line, marks, trigger, .. } = entry;
        if is_inlined(line.body) {
            // What the kernel printed stands below.
            if self.lines == 0 {
                self.report.end = line.end();
            }
            return;
        }
        self.lines += 1;
        let text = line.body.trim_ascii_start();
        if trigger.is_some() && self.lines > 1 && !marks.any(following()) && !goes_on(text) {
            self.detail.end();
        }
        let known = !text.is_empty() && (self.read_stack(entry, text) || self.read_fact(entry, text));
        if self.lines == 1 && text.starts_with(b"BUG: KMSAN: ") {
            // Its frames stand right below the headline.
            self.open = Some(Trace { role: Role::Call, by: None, frames: Vec::new() });
        }
        if known || self.lines == 1 {
            self.report.end = line.end();
            self.unknown = 0;
        } else {
            self.unknown += 1;
        }
    }

    /// Takes a line of a stack trace, its registers or its code; false where it is none. `text` has no blanks in front.
    fn read_stack(&mut self, entry: &Entry<'t>, text: &'t [u8]) -> bool {
        let Entry { line, marks, .. } = entry;
        let (behind, doubted) = if text[0] == b'<' { behind_marker(text) } else { (text, false) };
        let reliable = line.reliable && !doubted;
        if let Some(mut frame) = Frame::parse_by(behind, |part| self.utf8.str(part)) {
            frame.reliable &= reliable;
            return self.frame(frame);
        }
        if let Some(role) = Role::of_head(text) {
            if role == Role::Call && is_kfence(text) {
                self.detail.read(line.body);
            }
            self.head(role, line.body);
        } else if let Some(code) = text.strip_prefix(b"Code: ") {
            // `Code: Bad RIP value.` is no pointer.
            self.code(code);
        } else if marks.any(Marks::POINTER)
            && let Some(function) = crate::stack::instruction_pointer(line.body)
        {
            self.entered = false;
            let found = Frame::find(line.body).map(|found| Frame { exact: true, ..found.frame });
            self.registers(Registers::of_pointer(text, found));
            if let Some(frame) = found.filter(|_| function.is_some()) {
                self.instruction_pointer(frame);
            }
        } else if self.rules == Rules::Ksplat
            && let Some(mut frame) = Decoded::frame(behind)
        {
            frame.reliable &= reliable;
            return self.decoded(frame, text, *marks);
        } else {
            return self.read_values(text);
        }
        true
    }

    /// Takes a frame or an instruction pointer in decode_stacktrace.sh's form; false where the line is something else.
    fn decoded(&mut self, frame: Frame<'t>, text: &'t [u8], marks: Marks) -> bool {
        if marks.any(Marks::POINTER) {
            let frame = Frame { exact: true, ..frame };
            self.entered = false;
            self.registers(Registers::of_pointer(text, Some(frame)));
            self.instruction_pointer(frame);
            return true;
        }
        self.frame(frame)
    }

    /// Takes a line that is no part of a stack trace; false where it does not belong to the report.
    fn read_fact(&mut self, entry: &Entry<'t>, text: &'t [u8]) -> bool {
        let Entry { line, marks, .. } = entry;
        let text = text.trim_ascii_end();
        let is_end = text.starts_with(b"---[ end");
        let is_detail = is_end || is_detail(text);
        let is_marker = text[0] == b'<' && text.ends_with(b">");
        if is_end || !is_detail && !is_marker {
            self.close();
        }
        self.ended |= is_end && line.body.starts_with(b"---[ end trace");
        let is_origin = marks.any(Marks::COMM) || matches!(text[0], b'H' | b'M');
        self.detail.read(line.body) || is_origin && self.report.origin.read(line.body) || is_detail
    }

    fn head(&mut self, role: Role, line: &'t [u8]) {
        self.close();
        if role == Role::OtherCpu {
            self.other_cpu = true;
            return;
        }
        let role = if role == Role::Call && std::mem::take(&mut self.other_cpu) { Role::OtherCpu } else { role };
        // A flood of traces with a frame each must not take the room of long ones: what stays has its own size.
        let mut frames = std::mem::take(&mut self.frames);
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
        // arm64's call trace starts with the instruction pointer once more.
        let is_repeated = |pointer: &Frame<'_>| pointer.exact && Frame { exact: true, ..frame } == *pointer;
        if !matches!(&open.frames[..], [pointer] if is_repeated(pointer)) {
            open.frames.push(frame);
        }
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
    fn read_values(&mut self, text: &'t [u8]) -> bool {
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
        let Some(mut open) = self.open.take() else { return };
        if !open.frames.is_empty() {
            let frames = open.frames.as_slice().into();
            self.frames = std::mem::replace(&mut open.frames, frames);
            self.frames.clear();
            self.report.traces.push(open);
        } else if matches!(open.role, Role::LockChain | Role::LockState | Role::Access) {
            self.detail.head_without_frames(self.report.traces.len());
        }
    }

    /// Keeps an instruction pointer that no call trace followed, unless it repeats one (`---[ end trace` prints it again).
    fn give_up_pointer(&mut self) {
        let Some(frame) = self.pointer.take() else { return };
        let mut frames = self.report.traces.iter().flat_map(|trace| &trace.frames).take(REPEATED);
        let known = frames.any(|known| known.exact && *known == frame);
        if !known {
            let trace = self.report.traces.len();
            let waiting = self.report.registers.iter_mut().rev().take_while(|set| set.trace.is_none());
            waiting.for_each(|set| set.trace = Some(trace));
            self.report.traces.push(Trace { role: Role::Pointer, by: None, frames: vec![frame] });
        }
    }

    pub fn finish(mut self) -> Report<'t> {
        self.close();
        self.give_up_pointer();
        self.report.detail = self.detail.finish();
        self.report
    }
}

/// Lines with a trigger that still are about the same report: notes of lockdep, of SLUB, of the hung task's detector.
fn goes_on(text: &[u8]) -> bool {
    let Some(what) = text.strip_prefix(b"INFO: ") else { return false };
    let hung_task = || find(what, b" blocked ").is_some_and(|at| !what[..at].ends_with(b" is"));
    !(what.starts_with(b"rcu") || what.starts_with(b"task ") && hung_task())
}

/// A frame behind the mark of its stack, as kernels before 4.9 print the first one: `<EOI>  ? f+0x1/0x2`; and whether a `?`
/// doubts it.
fn behind_marker(text: &[u8]) -> (&[u8], bool) {
    let behind = |end: usize| text[end + 1..].strip_prefix(b" ").map(<[u8]>::trim_ascii_start);
    match memchr::memchr(b'>', &text[..text.len().min(8)]).and_then(behind) {
        Some(frame) => frame.strip_prefix(b"? ").map_or((frame, false), |frame| (frame, true)),
        None => (text, false),
    }
}

/// Lines that belong to a report besides its stack traces, and stand between the frames of one trace.
fn is_detail(text: &[u8]) -> bool {
    match text.first() {
        Some(b'=') => text.starts_with(b"====="),
        Some(b'*') => text.starts_with(b"*** DEADLOCK ***"),
        Some(b'#') => digits(&text[1..]) > 0,
        Some(b'>') => is_memory(&text[1..]),
        Some(b'm' | b'{' | b'[') if is_hardware_error(text) => true,
        _ => is_register(text) || is_memory(text),
    }
}

/// `mce: [Hardware Error]: …`, `{1}[Hardware Error]: …` of the firmware (drivers/acpi/apei/ghes.c), `[Hardware Error]: …` of EDAC.
fn is_hardware_error(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"mce: ").unwrap_or(text);
    let text = match text.strip_prefix(b"{") {
        Some(number) => number[digits(number)..].strip_prefix(b"}").unwrap_or(text),
        None => text,
    };
    text.starts_with(b"[Hardware Error]: ")
}

/// `RAX: 0000000000000000`, `CR2: 0000000000559c5a`, `x29: ffff80000a1b3c20`.
fn is_register(text: &[u8]) -> bool {
    let name = text.iter().take(9).take_while(|b| is_word(**b)).count();
    let Some(rest) = text.get(name..).filter(|_| (2..=8).contains(&name)) else {
        return false;
    };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else {
        return false;
    };
    let value = rest.trim_ascii_start();
    let value = value.strip_prefix(b"002b:").unwrap_or(value);
    let hex = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    hex >= 4 && value.get(hex).is_none_or(|b| matches!(b, b' ' | b'(' | b':'))
}

/// `ffff88801b5c8f80: fc fc fc`: a line of KASAN's memory state.
fn is_memory(text: &[u8]) -> bool {
    text.len() > 17 && text[16] == b':' && text[..16].iter().all(u8::is_ascii_hexdigit)
}
