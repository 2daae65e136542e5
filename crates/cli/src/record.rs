//! The NDJSON record of a report. The names are a contract; the documentation is that of the JSON Schema.

mod image;

use std::borrow::Cow;

use ksplat::signature::demangled;
use ksplat::symbolize::code::Listing;
use ksplat::symbolize::proof::CallCheck;
use ksplat::symbolize::{Call, Resolution};
use ksplat::trace::detail::{By, CodeLine, Detail, Hex, Module, Pointer, Registers, Taint, Values};
use ksplat::trace::{Frame, Report, Role};
use ksplat::{Checked, Found, Symbolized};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kernel::Booted;
use image::ImageRecord;

/// One report of `ksplat report --format ndjson`. Every field may be absent; unknown fields are to be ignored.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "ksplat report")]
pub struct Record<'a> {
    /// Where the report was found: a path, the member of an archive, or `-` for standard input.
    file: &'a str,
    /// Number of the report in its file, from 0.
    index: usize,
    /// The title, as syzbot names such a crash.
    title: &'a str,
    /// Other titles that the same bug is known under.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    alt_titles: &'a [String],
    /// The kind of crash, as syzkaller names it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    crash_type: Option<&'static str>,
    /// The function that the title blames.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<&'a str>,
    /// Something is missing in the report, so that the title cannot be trusted.
    corrupted: bool,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrupted_reason: Option<&'static str>,
    /// The output around the report says that whatever crashed is not worth a bug.
    suppressed: bool,
    /// The kernel panicked at or behind the report.
    panicked: bool,
    /// The fuzzer's program that ran; null where no task of syzkaller is named.
    executor: Option<Executor>,
    /// Where the line that started the report starts, in bytes of the file.
    start: usize,
    /// Where the last line that starts a report ends, in bytes of the file (syzkaller's end of the region).
    end: usize,
    /// Where the search for the next report goes on, in bytes of the file.
    skip: usize,
    /// Where the report's own last line ends, in bytes of the file.
    region_end: usize,
    /// The report without printk's prefixes, with the lines that led to it.
    text: String,
    /// The text with source lines, inlined calls and plain names, and the disassembly behind it, where that changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    symbolized: Option<String>,
    /// The `Code:` line of kernel code, disassembled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disassembly: Option<DisassemblyRecord>,
    /// The source file that the symbolized report points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    guilty_file: Option<String>,
    /// The report is a first cause: it does not only echo an earlier one.
    primary: bool,
    /// Number of the report that is the first cause of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<usize>,
    /// Why this report is no crash of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<&'static str>,
    /// How bad such a crash is among all kinds: 24 is the worst, 1 the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<usize>,
    /// The signature, `v0:` and 32 hex digits: reports with one signature are one bug.
    signature: String,
    /// Who printed the report: `T123` a task, `C1` an interrupt on a CPU, `console` where printk does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    context: String,
    /// The CPU that printed the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<u32>,
    /// The task's user.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    /// The task's pid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    /// The task's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    comm: Option<&'a str>,
    /// The kernel's release, as `uname -r` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    /// The kernel's version, as `uname -v` starts: `#1 SMP PREEMPT_DYNAMIC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    /// The machine, as its firmware names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware: Option<&'a str>,
    /// The letters of the kernel's taint flags; empty where the kernel says that it is not tainted.
    #[serde(skip_serializing_if = "Option::is_none")]
    taint: Option<&'a str>,
    /// The same flags with their meaning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taints: Vec<Taint>,
    /// The loaded modules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    modules: Vec<Module<'a>>,
    /// Where the kernel was: the instruction pointer of the report's own registers.
    #[serde(skip_serializing_if = "Option::is_none")]
    rip: Option<Pointer<'a>>,
    /// The machine code around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeLine<'a>>,
    /// The other registers of the report itself; those of what an interrupt or a system call left are with their trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    registers: Option<&'a Values<'a>>,
    /// What the report says by its kind.
    #[serde(flatten)]
    detail: &'a Detail<'a>,
    /// The stack traces, in the order in which they were printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<TraceRecord<'a>>,
    /// The kernel image that it is symbolized by, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageRecord>,
}

/// A program of the fuzzer.
#[derive(Debug, Serialize, JsonSchema)]
struct Executor {
    /// The process that ran it.
    proc: u64,
    /// Its number.
    id: u64,
}

/// The instructions around the one that the instruction pointer stood at.
#[derive(Debug, Serialize, JsonSchema)]
struct DisassemblyRecord {
    /// Leading bytes of the `Code:` line that are left out, since they seem to be the end of an instruction.
    skipped: usize,
    /// The number of the instruction that trapped, from 0; absent where the report is of no trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    trapping: Option<usize>,
    /// The instructions, in order.
    instructions: Vec<InstructionRecord>,
}

/// One instruction.
#[derive(Debug, Serialize, JsonSchema)]
struct InstructionRecord {
    /// Bytes from the start of the first instruction.
    offset: usize,
    /// What it is encoded as, in hex.
    bytes: String,
    /// What it says, in AT&T syntax; `(bad)` where the bytes are no instruction.
    text: String,
}

/// A stack trace.
#[derive(Debug, Serialize, JsonSchema)]
struct TraceRecord<'a> {
    /// What the trace shows.
    role: Role,
    /// Who did what the trace shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a By<'a>>,
    /// The registers that were printed with the trace, besides those of the report itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registers: Vec<&'a Registers<'a>>,
    /// The frames, innermost first.
    frames: Vec<FrameRecord<'a>>,
}

/// A stack frame.
#[derive(Debug, Serialize, JsonSchema)]
struct FrameRecord<'a> {
    /// The function in plain words, with what the compiler added to its name; absent for a bare address.
    #[serde(skip_serializing_if = "str::is_empty")]
    function: Cow<'a, str>,
    /// The function as the kernel printed it, where C++ or Rust mangled its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    physical: Option<&'a str>,
    /// Bytes from the function's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// Bytes from the function's start to the next symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// The module that the function is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    /// The module's build-id.
    #[serde(skip_serializing_if = "Option::is_none")]
    build_id: Option<&'a str>,
    /// The address at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Hex>,
    /// False where the unwinder doubts the frame.
    reliable: bool,
    /// True where the address is the instruction itself, false where it is the one behind a call.
    exact: bool,
    /// The calls that the frame stands for, innermost first: inlined ones, then the function itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallRecord>,
    /// Why the frame could not be symbolized.
    #[serde(skip_serializing_if = "Option::is_none")]
    miss: Option<String>,
    /// What the instruction before the return address says: `agrees` (it calls the function of the frame below), `differs`,
    /// `unknown` (where it goes is not in the file), `no call` (nothing returns here).
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'static str>,
}

/// A call in the source.
#[derive(Debug, Serialize, JsonSchema)]
struct CallRecord {
    /// The function.
    function: String,
    /// The source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The line in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// True where the compiler put the function's body into its caller.
    inlined: bool,
}

impl<'a> Record<'a> {
    /// The record of a report, symbolized where there is a kernel.
    pub fn new(file: &'a str, found: &'a Found<'a>, kernel: Option<&Booted<'_>>) -> Record<'a> {
        if let Some(kernel) = kernel {
            let frames: Vec<Frame<'_>> =
                found.report.traces.iter().flat_map(|trace| trace.frames.iter().copied()).collect();
            kernel.prepare(&frames);
        }
        let origin = &found.report.origin;
        let text = found.splat.text();
        let resolve = |frames: &[Frame<'_>]| kernel.map_or_else(Vec::new, |kernel| kernel.resolve_all(frames));
        let symbolized = Symbolized::of(&found.splat, &found.title, resolve);
        let registers = found.report.kernel_registers();
        let checked = kernel.and_then(|kernel| kernel.checked(&found.report));
        Record {
            file,
            index: found.index,
            title: &found.title.title,
            alt_titles: &found.title.alternatives,
            crash_type: found.title.crash_type.map(|kind| kind.name()),
            frame: found.title.frame(),
            corrupted: found.title.corrupted.is_some(),
            corrupted_reason: found.title.corrupted.map(|why| why.reason()),
            suppressed: found.splat.suppressed,
            panicked: found.splat.panicked,
            executor: found.splat.executor().map(|(proc, id)| Executor { proc, id }),
            start: found.span.start,
            end: found.span.end,
            skip: found.span.skip,
            region_end: found.span.region_end,
            guilty_file: symbolized.guilty_file(&found.title),
            symbolized: (symbolized.text() != text).then(|| lossy(symbolized.text())),
            disassembly: ksplat::listing(&found.splat, &found.title).map(DisassemblyRecord::new),
            text: lossy(&text),
            primary: found.follows.is_none(),
            follows: found.follows.map(|follows| follows.report),
            echo: found.follows.map(|follows| follows.why.name()),
            rank: found.title.rank(),
            signature: found.signature.to_string(),
            context: found.splat.context.to_string(),
            cpu: origin.cpu,
            uid: origin.uid,
            pid: origin.pid,
            comm: origin.comm.as_deref(),
            release: origin.release,
            version: origin.version,
            hardware: origin.hardware.as_deref(),
            taint: origin.taint.as_deref(),
            taints: origin.taint.iter().flat_map(|letters| letters.chars().map(Taint::of)).collect(),
            modules: origin.modules.iter().map(|word| Module::parse(word)).collect(),
            rip: registers.and_then(|set| set.rip),
            code: registers.and_then(|set| set.code),
            registers: registers.map(|set| &set.values).filter(|values| !values.is_empty()),
            detail: &found.report.detail,
            traces: (0..found.report.traces.len())
                .map(|n| TraceRecord::new(&found.report, n, kernel, checked.as_ref()))
                .collect(),
            image: kernel.map(|kernel| ImageRecord::new(kernel, checked.as_ref())),
        }
    }
}

impl DisassemblyRecord {
    fn new(listing: Listing) -> DisassemblyRecord {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let instructions = listing.instructions.into_iter();
        DisassemblyRecord {
            skipped: listing.skipped,
            trapping: listing.trapping,
            instructions: instructions
                .map(|i| InstructionRecord { offset: i.offset, bytes: hex(&i.bytes), text: i.text })
                .collect(),
        }
    }
}

impl<'a> TraceRecord<'a> {
    fn new(
        report: &'a Report<'a>,
        number: usize,
        kernel: Option<&Booted<'_>>,
        checked: Option<&Checked>,
    ) -> TraceRecord<'a> {
        let trace = &report.traces[number];
        let mut found = kernel.map(|kernel| kernel.resolve_all(&trace.frames)).unwrap_or_default().into_iter();
        let frame = |(at, frame)| {
            let call = checked.and_then(|checked| checked.calls[number][at]).map(CallCheck::name);
            FrameRecord { call, ..FrameRecord::new(frame, found.next()) }
        };
        let own = report.kernel_registers();
        let others = report.registers.iter().filter(|set| own.is_none_or(|own| !std::ptr::eq(*set, own)));
        TraceRecord {
            role: trace.role,
            by: trace.by.as_ref(),
            registers: others.filter(|set| set.trace == Some(number)).collect(),
            frames: trace.frames.iter().enumerate().map(frame).collect(),
        }
    }
}

impl<'a> FrameRecord<'a> {
    fn new(frame: &Frame<'a>, resolution: Option<Resolution<'_>>) -> FrameRecord<'a> {
        let placed = frame.is_placed();
        let function = demangled(frame.function);
        let (calls, miss) = resolution.map_or((Vec::new(), None), |found| (found.calls, found.miss));
        FrameRecord {
            physical: Some(frame.function).filter(|physical| *physical != function),
            function,
            offset: placed.then_some(frame.offset),
            size: placed.then_some(frame.size),
            module: frame.module,
            build_id: frame.build_id,
            address: frame.address.map(Hex),
            reliable: frame.reliable,
            exact: frame.exact,
            calls: calls.iter().map(CallRecord::new).collect(),
            call: None,
            miss: miss.map(|why| why.to_string()),
        }
    }
}

impl CallRecord {
    fn new(call: &Call<'_>) -> CallRecord {
        CallRecord {
            function: call.function.clone().into_owned(),
            file: call.file.as_deref().map(str::to_owned),
            line: call.line,
            inlined: call.inlined,
        }
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
