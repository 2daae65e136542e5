//! `ksplat decode`: the log again, byte for byte, with its frames symbolized.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use ksplat::symbolize::proof::{Signs, Standing};
use ksplat::symbolize::{Identity, Miss};
use ksplat::trace::{Boots, Frame};
use ksplat::{CodeLine, Decoder, Options, Piece};

use crate::args::{Format, Shared};
use crate::input::inputs;
use crate::kernel::{Booted, Kernel, Kernels};
use crate::output::{Outcome, Output, reason};
use crate::report::{self, words};

/// Bytes that are decoded at once, where the input has them.
const CHUNK: usize = 1 << 20;

/// Frames that were symbolized, and the reasons why others were not.
#[derive(Default)]
struct Tally {
    frames: usize,
    missed: BTreeMap<String, usize>,
    /// Releases of which no kernel was found.
    without: BTreeSet<String>,
    /// By image, what is known of it, and what agrees with it.
    images: BTreeMap<PathBuf, (Identity, Signs)>,
}

/// Runs the command.
pub fn run(shared: &Shared, paths: &[PathBuf], output: &Output) -> io::Result<Outcome> {
    if shared.format == Format::Ndjson {
        return report::run(shared, paths, Options::default(), output);
    }
    let kernels = Kernels::new(shared, output);
    if output.outcome(true) == Outcome::Failed {
        return Ok(Outcome::Failed);
    }
    let mut results = output.log();
    let mut tally = Tally::default();
    for input in inputs(paths, output) {
        let mut written = Ok(());
        let done = input.read(&mut |_, bytes| {
            let decode = Decode { kernels: &kernels, tally: &mut tally, safe: output.is_terminal() };
            written = decode.stream(bytes, &mut results);
            Ok(())
        });
        match (done, written) {
            (_, Err(Failure::Write(error))) => return Err(error),
            (Err(error), _) | (_, Err(Failure::Read(error))) => output.error(input.path(), &reason(&error)),
            (Ok(()), Ok(())) => {}
        }
    }
    results.flush()?;
    Ok(tally.say(shared.quiet, output))
}

impl Tally {
    /// Counts a frame; true where it has calls.
    fn count(&mut self, kernel: &Kernel<'_>, frame: &Frame<'_>, miss: Option<&Miss>) -> bool {
        self.frames += 1;
        if let Some(why) = miss {
            *self.missed.entry(kind(why)).or_default() += 1;
        }
        if miss == Some(&Miss::NoVmlinux) {
            self.without.insert(kernel.release().unwrap_or("a log that names no release").to_owned());
        }
        if let Some(path) = kernel.path().filter(|_| kernel.is_compared()) {
            let image = self.images.entry(path.to_owned());
            let (identity, signs) = image.or_insert_with(|| (Identity::Unknown, Signs::default()));
            if !matches!(identity, Identity::Same(_)) {
                *identity = kernel.identity().clone();
            }
            signs.size(kernel.of(frame), frame);
        }
        miss.is_none()
    }

    /// Says what was not symbolized, and how the command ends.
    fn say(&self, quiet: bool, output: &Output) -> Outcome {
        let missed = self.missed.values().sum::<usize>();
        if missed > 0 && missed == self.frames && !self.without.is_empty() {
            let releases: Vec<&str> = self.without.iter().map(String::as_str).collect();
            output.note(&format!(
                "no kernel found for {}: give --vmlinux FILE, --modules DIR or --debug-dir DIR; `ksplat doctor` shows where it was looked for",
                releases.join(", ")
            ));
            return Outcome::Failed;
        }
        for (path, (identity, signs)) in self.images.iter().filter(|_| !quiet) {
            let standing = Standing::of(identity, signs);
            if standing != Standing::Verified {
                let path = path.to_string_lossy();
                output.note(&format!("{path}: {}: {}", standing.name(), words(identity, signs)));
            }
        }
        if !quiet && missed > 0 {
            let reasons: Vec<String> = self.missed.iter().map(|(why, count)| format!("{count} {why}")).collect();
            output.note(&format!("{missed} of {} frames stay as they were: {}", self.frames, reasons.join("; ")));
        }
        output.finish(self.frames > 0, "no stack frame found", quiet)
    }
}

/// Which side of the pipe failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

struct Decode<'d, 'o> {
    kernels: &'d Kernels<'o>,
    tally: &'d mut Tally,
    /// Control characters are taken out, since a person's terminal would obey them.
    safe: bool,
}

impl Decode<'_, '_> {
    /// Decodes whole lines as they come, so that a slow pipe is decoded line by line.
    fn stream(mut self, input: &mut dyn Read, out: &mut impl Write) -> Result<(), Failure> {
        let (mut decoder, mut boots) = (Decoder::default(), Boots::default());
        let mut buffer = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(Failure::Read)?,
            };
            buffer.extend_from_slice(&chunk[..read]);
            let whole = if read == 0 { buffer.len() } else { lines_end(&buffer) };
            for (part, boot) in boots.next(&buffer[..whole]) {
                let kernel = self.kernels.of(&boot);
                if kernel.is_refused() {
                    self.copy(&buffer[part], out).map_err(Failure::Write)?;
                    continue;
                }
                self.text(&mut decoder, &kernel, &buffer[part], out).map_err(Failure::Write)?;
            }
            out.flush().map_err(Failure::Write)?;
            buffer.drain(..whole);
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn text(
        &mut self,
        decoder: &mut Decoder,
        kernel: &Booted<'_>,
        text: &[u8],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let pieces = decoder.pieces(text);
        let frames: Vec<Frame<'_>> = pieces.iter().filter_map(Piece::frame).collect();
        let mut resolutions = kernel.resolve_all(&frames).into_iter();
        let mut at = 0;
        for piece in &pieces {
            let token = match piece {
                Piece::Frame(token) => token,
                Piece::Code(code) => {
                    self.copy(&text[at..code.line.end], out)?;
                    at = code.line.end;
                    self.listing(code, &text[code.line.clone()], out)?;
                    continue;
                }
            };
            let Some(resolution) = resolutions.next() else { break };
            if !self.tally.count(kernel, &token.found.frame, resolution.miss.as_ref()) {
                continue;
            }
            self.copy(&text[at..token.line.start], out)?;
            for (n, line) in token.with_calls(&text[token.line.clone()], &resolution.calls).enumerate() {
                out.write_all(if n > 0 { b"\n" } else { b"" })?;
                self.copy(&line, out)?;
            }
            at = token.line.end;
        }
        self.copy(&text[at..], out)
    }

    /// The instructions of a `Code:` line below it, each behind the line's own prefix.
    fn listing(&self, code: &CodeLine, line: &[u8], out: &mut impl Write) -> io::Result<()> {
        for instruction in code.listing.to_string().lines() {
            out.write_all(b"\n")?;
            self.copy(&line[..code.at], out)?;
            out.write_all(instruction.as_bytes())?;
        }
        Ok(())
    }

    fn copy(&self, text: &[u8], out: &mut impl Write) -> io::Result<()> {
        if !self.safe {
            return out.write_all(text);
        }
        for part in text.chunk_by(|a, b| is_safe(*a) == is_safe(*b)) {
            if part.first().is_none_or(|b| is_safe(*b)) {
                out.write_all(part)?;
            } else {
                out.write_all("\u{fffd}".repeat(part.len()).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// The reason without the numbers that differ from frame to frame.
fn kind(miss: &Miss) -> String {
    match miss {
        Miss::OtherSize { .. } => "size differs from the image's".into(),
        Miss::Ambiguous(_) => "several symbols have this name and size".into(),
        other => other.to_string(),
    }
}

/// Where the last whole line ends; a line that never ends is cut, so that memory stays bounded.
fn lines_end(text: &[u8]) -> usize {
    let end = memchr::memrchr(b'\n', text).map_or(0, |n| n + 1);
    if text.len() - end > CHUNK { text.len() } else { end }
}

fn is_safe(byte: u8) -> bool {
    !byte.is_ascii_control() || matches!(byte, b'\n' | b'\r' | b'\t')
}
