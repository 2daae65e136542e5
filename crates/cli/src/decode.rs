//! `ksplat decode`: the log again, byte for byte, with its frames symbolized.

mod link;
mod tally;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ksplat::symbolize::Call;
use ksplat::symbolize::proof::CallCheck;
use ksplat::trace::{Boots, Frame};
use ksplat::{Checker, CodeLine, Decoder, Options, Piece};

use crate::args::{Format, Shared};
use crate::input::inputs;
use crate::kernel::{Booted, Kernels};
use crate::output::{Outcome, Output, reason};
use crate::report;
use link::{Link, tag};
use tally::Tally;

/// What `decode` takes.
#[derive(Debug, clap::Args)]
pub struct Decode {
    /// The form of a frame
    #[arg(long, value_enum, default_value_t)]
    style: Style,
    /// Show the source around each line, from a source tree
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// On a terminal, make places of source links to an editor (with --source DIR) or a browser of the kernel's source
    #[arg(long, value_enum)]
    link: Option<Link>,
    /// Logs, directories or archives, or as decode_stacktrace.sh has it: VMLINUX [BASE|auto [MODULES]]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// The form of a symbolized frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Style {
    /// A line for each call, everything else as it was.
    #[default]
    Ksplat,
    /// As scripts/decode_stacktrace.sh has it.
    Kernel,
}

impl From<Style> for ksplat::Style {
    fn from(style: Style) -> ksplat::Style {
        match style {
            Style::Ksplat => ksplat::Style::Ksplat,
            Style::Kernel => ksplat::Style::Kernel,
        }
    }
}

impl Decode {
    /// The logs and the flags, where a kernel in front means decode_stacktrace.sh's arguments.
    fn arguments(&self, shared: &Shared) -> (Vec<PathBuf>, Shared) {
        let mut shared = shared.clone();
        let is_kernel = |path: &PathBuf| {
            let mut magic = [0; 4];
            shared.vmlinux.is_none()
                && File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
                && magic == *b"\x7fELF"
        };
        match &self.paths[..] {
            [vmlinux, rest @ ..] if rest.len() <= 2 && is_kernel(vmlinux) => {
                shared.vmlinux = Some(vmlinux.clone());
                let base = rest.first().map(|base| base.to_string_lossy()).filter(|base| base != "auto");
                shared.strip_prefix.extend(base.map(|base| base.into_owned()));
                shared.modules.extend(rest.get(1).cloned());
                (Vec::new(), shared)
            }
            logs => (logs.to_vec(), shared),
        }
    }
}

/// Escape sequences around a frame that was left on the stack by calls that ended before.
const DIM: &[u8] = b"\x1b[2m";
const NOT_DIM: &[u8] = b"\x1b[22m";

/// Bytes that are decoded at once, where the input has them.
const CHUNK: usize = 1 << 20;

/// Runs the command.
pub fn run(shared: &Shared, command: &Decode, output: &Output) -> io::Result<Outcome> {
    let (paths, shared) = command.arguments(shared);
    if shared.format == Format::Ndjson {
        return report::run(&shared, &paths, Options::default(), output);
    }
    let kernels = Kernels::new(&shared, output);
    if output.has_failed() {
        return Ok(Outcome::Failed);
    }
    let mut results = output.log();
    let mut tally = Tally::default();
    for input in inputs(&paths, output) {
        let mut written = Ok(());
        let done = input.read(&mut |_, bytes| {
            let (safe, colors) = (output.is_terminal(), output.has_colors());
            let decode =
                Pass { kernels: &kernels, command, tally: &mut tally, checker: Checker::default(), safe, colors };
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

/// Which side of the pipe failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

struct Pass<'d, 'o> {
    command: &'d Decode,
    kernels: &'d Kernels<'o>,
    tally: &'d mut Tally,
    checker: Checker,
    /// Control characters are taken out, since a person's terminal would obey them.
    safe: bool,
    /// Stale frames are dimmed.
    colors: bool,
}

impl Pass<'_, '_> {
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
        let resolutions = kernel.resolve_all(&frames);
        let mut calls = Vec::new();
        if kernel.is_compared() && !pieces.is_empty() {
            let (signs, checked) = self.checker.check(&pieces, |frame| kernel.of(frame));
            self.tally.compared(kernel, &signs);
            calls = checked;
        }
        let mut resolutions = resolutions.into_iter().enumerate();
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
            let Some((number, resolution)) = resolutions.next() else { break };
            if !self.tally.count(kernel, resolution.miss.as_ref()) {
                continue;
            }
            self.copy(&text[at..token.line.start], out)?;
            let line = &text[token.line.clone()];
            let call = calls.get(number).copied().flatten().filter(|_| !token.found.frame.reliable);
            let is_dim = self.colors && matches!(call, Some(CallCheck::Differs | CallCheck::NoCall));
            out.write_all(if is_dim { DIM } else { b"" })?;
            for (n, line) in token.lines(self.command.style.into(), line, &resolution.calls).iter().enumerate() {
                out.write_all(if n > 0 { b"\n" } else { b"" })?;
                let calls = match self.command.style {
                    Style::Ksplat => &resolution.calls[n..=n],
                    Style::Kernel => &resolution.calls,
                };
                self.linked(line, calls, kernel, out)?;
            }
            out.write_all(if is_dim { NOT_DIM } else { b"" })?;
            if let Some(source) = &self.command.source {
                self.sources(source, &line[..line.len().min(token.found.symbol.start)], &resolution.calls, out)?;
            }
            at = token.line.end;
        }
        self.copy(&text[at..], out)
    }

    /// A line, the places of these calls in it as links where a person can follow them.
    fn linked(&self, line: &[u8], calls: &[Call<'_>], kernel: &Booted<'_>, out: &mut impl Write) -> io::Result<()> {
        let Some(link) = self.command.link.filter(|_| self.safe) else { return self.copy(line, out) };
        let tag = tag(kernel.build());
        let mut rest = line;
        for call in calls {
            let place = call.place().to_string();
            let Some(at) = memchr::memmem::find(rest, place.as_bytes()) else { continue };
            let Some(url) = link.url(call, &tag, self.command.source.as_deref()) else { continue };
            self.copy(&rest[..at], out)?;
            write!(out, "\x1b]8;;{url}\x1b\\")?;
            self.copy(place.as_bytes(), out)?;
            out.write_all(b"\x1b]8;;\x1b\\")?;
            rest = &rest[at + place.len()..];
        }
        self.copy(rest, out)
    }

    /// The source around each call below its frame, indented as the frame is.
    fn sources(&self, tree: &Path, before: &[u8], calls: &[Call<'_>], out: &mut impl Write) -> io::Result<()> {
        for call in calls {
            let (Some(file), Some(line)) = (&call.file, call.line) else { continue };
            for text in fetch::around(tree, file, line as usize) {
                out.write_all(b"\n")?;
                self.copy(before, out)?;
                self.copy(text.as_bytes(), out)?;
            }
        }
        Ok(())
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

/// Where the last whole line ends; a line that never ends is cut, so that memory stays bounded.
fn lines_end(text: &[u8]) -> usize {
    let end = memchr::memrchr(b'\n', text).map_or(0, |n| n + 1);
    if text.len() - end > CHUNK { text.len() } else { end }
}

fn is_safe(byte: u8) -> bool {
    !byte.is_ascii_control() || matches!(byte, b'\n' | b'\r' | b'\t')
}
