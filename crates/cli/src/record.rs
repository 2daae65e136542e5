//! The NDJSON record of a report. The names are a contract.

use ksplat::symbolize::code::Listing;
use ksplat::symbolize::{Call, Resolution};
use ksplat::trace::{Frame, Trace};
use ksplat::{Found, Symbolized};
use serde::Serialize;

use crate::kernel::Kernel;

/// One report; fields that say nothing are left out.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    file: &'a str,
    index: usize,
    title: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    alt_titles: &'a [String],
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    crash_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<&'a str>,
    corrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrupted_reason: Option<&'static str>,
    suppressed: bool,
    panicked: bool,
    executor: Option<Executor>,
    start: usize,
    end: usize,
    skip: usize,
    region_end: usize,
    text: String,
    /// The text with source lines, inlined calls and plain names, and the disassembly behind it, where that changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    symbolized: Option<String>,
    /// The `Code:` line of kernel code that trapped, disassembled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disassembly: Option<DisassemblyRecord>,
    /// The source file that the symbolized report points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    guilty_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<usize>,
    signature: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    context: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    modules: &'a [&'a str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<TraceRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct Executor {
    proc: u64,
    id: u64,
}

/// The instructions around the one that trapped.
#[derive(Debug, Serialize)]
struct DisassemblyRecord {
    /// Leading bytes of the `Code:` line that are left out, since they seem to be the end of an instruction.
    skipped: usize,
    /// The number of the instruction that trapped, from 0.
    trapping: usize,
    /// The instructions, in order.
    instructions: Vec<InstructionRecord>,
}

/// One instruction.
#[derive(Debug, Serialize)]
struct InstructionRecord {
    /// Bytes from the start of the first instruction.
    offset: usize,
    /// What it is encoded as, in hex.
    bytes: String,
    /// What it says, in AT&T syntax; `(bad)` where the bytes are no instruction.
    text: String,
}

#[derive(Debug, Serialize)]
struct TraceRecord<'a> {
    role: &'static str,
    frames: Vec<FrameRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct FrameRecord<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    reliable: bool,
    exact: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    miss: Option<String>,
}

#[derive(Debug, Serialize)]
struct CallRecord {
    function: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    inlined: bool,
}

impl<'a> Record<'a> {
    /// The record of a report, symbolized where there is a kernel.
    pub fn new(file: &'a str, found: &'a Found<'a>, kernel: Option<&Kernel<'_>>) -> Record<'a> {
        if let Some(kernel) = kernel {
            let frames: Vec<Frame<'_>> =
                found.report.traces.iter().flat_map(|trace| trace.frames.iter().copied()).collect();
            kernel.prepare(&frames);
        }
        let origin = &found.report.origin;
        let text = found.splat.text();
        let resolve = |frames: &[Frame<'_>]| kernel.map_or_else(Vec::new, |kernel| kernel.resolve_all(frames));
        let symbolized = Symbolized::of(&found.splat, &found.title, resolve);
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
            rank: found.title.rank(),
            signature: found.signature.to_string(),
            context: found.splat.context.to_string(),
            cpu: origin.cpu,
            pid: origin.pid,
            comm: origin.comm.as_deref(),
            release: origin.release,
            hardware: origin.hardware.as_deref(),
            taint: origin.taint.as_deref(),
            modules: &origin.modules,
            traces: found.report.traces.iter().map(|trace| TraceRecord::new(trace, kernel)).collect(),
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
    fn new(trace: &'a Trace<'a>, kernel: Option<&Kernel<'_>>) -> TraceRecord<'a> {
        let frames =
            trace.frames.iter().map(|frame| FrameRecord::new(frame, kernel.map(|k| k.resolve(frame)))).collect();
        TraceRecord { role: trace.role.name(), frames }
    }
}

impl<'a> FrameRecord<'a> {
    fn new(frame: &Frame<'a>, resolution: Option<Resolution<'_>>) -> FrameRecord<'a> {
        let named = !frame.function.is_empty();
        let (calls, miss) = resolution.map_or((Vec::new(), None), |found| (found.calls, found.miss));
        FrameRecord {
            function: frame.function,
            offset: named.then_some(frame.offset),
            size: named.then_some(frame.size),
            module: frame.module,
            build_id: frame.build_id,
            address: frame.address.map(|address| format!("{address:#x}")),
            reliable: frame.reliable,
            exact: frame.exact,
            calls: calls.iter().map(CallRecord::new).collect(),
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
