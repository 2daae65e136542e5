//! A report held against the images that it is symbolized by.

use std::collections::HashMap;

use symbolize::Symbolizer;
use symbolize::proof::{CallCheck, Signs, Stack, check_calls, look_ahead};
use trace::{Context, Frame, Report};

use crate::Piece;

/// What a report says for and against its images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What agrees, and what does not.
    pub signs: Signs,
    /// For each trace and each of its frames, whether it calls the one below.
    pub calls: Vec<Vec<Option<CallCheck>>>,
}

impl Checked {
    /// Checks a report; `of` says which images a frame is looked up in.
    pub fn of<'i>(report: &Report<'_>, of: impl Fn(&Frame<'_>) -> &'i Symbolizer<'i>) -> Checked {
        let mut checked = Checked::default();
        for trace in &report.traces {
            let calls = check_calls(&trace.frames, &of);
            for (frame, check) in trace.frames.iter().zip(&calls) {
                checked.signs.call(frame, *check);
            }
            checked.calls.push(calls);
        }
        // A function counts once.
        let frames = report.traces.iter().flat_map(|trace| &trace.frames);
        let mut functions: Vec<&Frame<'_>> = frames.collect();
        functions.sort_by_key(|frame| (frame.module, frame.function, frame.size));
        functions.dedup_by_key(|frame| (frame.module, frame.function, frame.size));
        functions.into_iter().for_each(|frame| checked.signs.size(of(frame), frame));
        for set in &report.registers {
            let Some(rip) = set.rip.filter(|rip| !rip.user) else { continue };
            let at = rip.at;
            let (Some(code), Some(offset), Some(size)) = (set.code, at.offset, at.size) else { continue };
            let code = code.code();
            let bytes: Option<Vec<u8>> = code.units.split(' ').map(|unit| u8::from_str_radix(unit, 16).ok()).collect();
            if let (Some(bytes), Some(trap)) = (bytes, code.trapping) {
                let frame = Frame { function: at.function, offset, size, module: at.module, ..Frame::default() };
                checked.signs.code(of(&frame), &frame, &bytes, trap);
            }
        }
        checked
    }
}

/// Callers whose stacks are remembered; a log with more of them is none.
const CALLERS: usize = 1 << 12;

/// Holds a log against its images while it is decoded, wherever it is cut.
#[derive(Debug, Default)]
pub struct Checker {
    stacks: HashMap<Context, Stack>,
}

impl Checker {
    /// Checks the next pieces; `of` says which images a frame is looked up in. For each frame, whether it calls the one below.
    pub fn check<'i>(
        &mut self,
        pieces: &[Piece<'_>],
        of: impl Fn(&Frame<'_>) -> &'i Symbolizer<'i>,
    ) -> (Signs, Vec<Option<CallCheck>>) {
        let frames: Vec<Frame<'_>> = pieces.iter().filter_map(Piece::frame).collect();
        look_ahead(&frames, &of);
        let (mut signs, mut calls) = (Signs::default(), Vec::with_capacity(frames.len()));
        for piece in pieces {
            let token = match piece {
                Piece::Frame(token) => token,
                Piece::Code(code) => {
                    if let Some(frame) = code.frame() {
                        signs.code(of(&frame), &frame, &code.listing.bytes, code.listing.pointer);
                    }
                    continue;
                }
            };
            let frame = &token.found.frame;
            if self.stacks.len() >= CALLERS {
                self.stacks.clear();
            }
            let stack = self.stacks.entry(token.context).or_default();
            if token.begins {
                *stack = Stack::default();
            }
            let call = stack.check(of(frame), frame);
            signs.call(frame, call);
            signs.size(of(frame), frame);
            calls.push(call);
        }
        (signs, calls)
    }
}
