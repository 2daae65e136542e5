//! `ksplat addr`: source lines of addresses in addr2line's form, for scripts that switch by name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ksplat::image::{Image, Kind, LinkAddr};
use ksplat::signature::demangled;
use ksplat::symbolize::{Call, Paths, Resolution, Symbolizer};
use ksplat::trace::Frame;

use crate::args::Shared;
use crate::index::{cache, key_of, open_index};
use crate::kernel_file::KernelFile;
use crate::output::{Outcome, Output, reason};

/// Which addresses to look up, and how to print them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An address is hexadecimal, with or without 0x; `func+0x1a/0x40` is taken too, and of several functions \
                        of that name all are shown.\n\nExamples:\n  ksplat addr -e vmlinux -fi ffffffff81234567\n  \
                        ksplat addr -e vmlinux -fip vfs_write+0xc7/0x3f0\n  ksplat addr -e xfs.ko -j .text 0x1a2b < /dev/null"
)]
pub struct Addr {
    /// The kernel or module
    #[arg(short = 'e', long = "exe", value_name = "IMAGE")]
    pub image: PathBuf,
    /// Show the address before each answer
    #[arg(short = 'a', long)]
    pub addresses: bool,
    /// Show the function's name
    #[arg(short = 'f', long)]
    pub functions: bool,
    /// Show the calls that were inlined there
    #[arg(short = 'i', long)]
    pub inlines: bool,
    /// One line an answer
    #[arg(short = 'p', long)]
    pub pretty_print: bool,
    /// File names without their directories
    #[arg(short = 's', long)]
    pub basenames: bool,
    /// Demangle names of C++ and Rust
    #[arg(short = 'C', long)]
    pub demangle: bool,
    /// Addresses count from the start of this section
    #[arg(short = 'j', long, value_name = "NAME")]
    pub section: Option<String>,
    /// Addresses are return addresses: look the call up, one byte before
    #[arg(long)]
    pub returns: bool,
    /// Addresses; standard input if none
    #[arg(value_name = "ADDR")]
    pub wanted: Vec<String>,
}

/// Answers that are kept, by what was asked for.
const KNOWN: usize = 1 << 20;
/// Bytes of answers that are kept.
const KNOWN_BYTES: usize = 48 << 20;
/// With so many answers looked up the index has paid for itself.
const MANY: usize = 30_000;
/// Longer lines are no address.
const LONGEST: u64 = 4096;

/// Runs the command.
pub fn run(shared: &Shared, command: &Addr, output: &Output) -> io::Result<Outcome> {
    let mut addresses = match Addresses::open(command) {
        Ok(addresses) => addresses,
        Err(why) => {
            output.error(&command.image, &why);
            return Ok(Outcome::Failed);
        }
    };
    let mut results = output.results();
    for wanted in &command.wanted {
        results.write_all(addresses.answer(wanted))?;
    }
    if command.wanted.is_empty() {
        let mut input = io::BufReader::with_capacity(1 << 16, io::stdin().lock());
        let mut line = Vec::new();
        while next_line(&mut input, &mut line)
            .map_err(|error| output.error(Path::new("-"), &reason(&error)))
            .is_ok_and(|more| more)
        {
            results.write_all(addresses.answer(&String::from_utf8_lossy(&line)))?;
            // Who asks and waits gets the answer.
            if input.buffer().is_empty() {
                results.flush()?;
            }
        }
    }
    results.flush()?;
    Ok(output.finish(addresses.found, "nothing is known of these addresses", shared.quiet))
}

/// Reads a line without its end; what is longer than any address is cut.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if io::Read::take(&mut *input, LONGEST).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

struct Addresses<'c> {
    command: &'c Addr,
    image: &'static Image<'static>,
    key: String,
    symbolizer: Symbolizer<'static>,
    has_index: bool,
    looked_up: usize,
    known: HashMap<String, Range<usize>>,
    text: Vec<u8>,
    found: bool,
}

impl<'c> Addresses<'c> {
    fn open(command: &'c Addr) -> Result<Addresses<'c>, String> {
        let bytes: &'static [u8] = Box::leak(Box::new(KernelFile::open(&command.image)?));
        let image: &'static Image<'static> =
            Box::leak(Box::new(Image::parse(bytes).map_err(|error| error.to_string())?));
        if let Some(name) = &command.section
            && image.section_start(name).is_none()
        {
            return Err(format!("no executable section {name}"));
        }
        let key = key_of(&command.image, image);
        let mut addresses = Addresses {
            command,
            image,
            key,
            symbolizer: Symbolizer::with_paths(Some(image), [], &Paths::Full),
            has_index: false,
            looked_up: 0,
            known: HashMap::new(),
            text: Vec::new(),
            found: false,
        };
        addresses.take_index();
        Ok(addresses)
    }

    fn take_index(&mut self) {
        let Some(index) = cache().and_then(|cache| open_index(&cache, &self.key, &Paths::Full)) else { return };
        self.symbolizer.lend_index(None, Box::leak(Box::new(index)));
        self.has_index = true;
    }

    /// Makes the index where so much is asked that it pays, and nobody made it before.
    fn make_index(&mut self) {
        self.has_index = true;
        if let Some(cache) = cache()
            && let Ok(made) = ksplat::build_index(self.image, &self.key)
            && cache.put(&self.key, &made).is_ok()
        {
            self.take_index();
        }
    }

    /// The lines for what was asked.
    fn answer(&mut self, wanted: &str) -> &[u8] {
        let wanted = wanted.trim();
        if let Some(range) = self.known.get(wanted) {
            return &self.text[range.clone()];
        }
        self.looked_up += 1;
        if self.looked_up > MANY && !self.has_index {
            self.make_index();
        }
        if self.known.len() >= KNOWN || self.text.len() >= KNOWN_BYTES {
            self.known.clear();
            self.text.clear();
        }
        let from = self.text.len();
        if wanted.contains("+0x") {
            self.function(wanted)
        } else {
            self.address(wanted)
        }
        let range = from..self.text.len();
        self.known.insert(wanted.to_owned(), range.clone());
        &self.text[range]
    }

    fn address(&mut self, wanted: &str) {
        let digits = wanted.strip_prefix("0x").or_else(|| wanted.strip_prefix("0X")).unwrap_or(wanted);
        // addr2line reads what is no number as 0.
        let address = u64::from_str_radix(digits, 16).unwrap_or(0);
        let section = match (&self.command.section, self.image.kind()) {
            (Some(name), _) => self.image.section_start(name),
            // All sections of a module start at 0; who says nothing means the main one.
            (None, Kind::Module) => self.image.section_start(".text"),
            (None, Kind::Kernel) => Some(0),
        };
        let place = section.and_then(|start| start.checked_add(address)).and_then(|flat| self.image.link_addr(flat));
        let found = place.map(|place: LinkAddr| self.symbolizer.resolve_address(None, place, !self.command.returns));
        let name = |found: &Resolution<'static>| Some(vec![unplaced(found.candidates.first()?.symbol.name)]);
        let calls =
            found.map(|found| if found.calls.is_empty() { name(&found).unwrap_or_default() } else { found.calls });
        self.put(&format!("0x{address:016x}"), &calls.unwrap_or_default());
    }

    /// `func+0x1a/0x40 [mod]`, as faddr2line takes it: every function that it may be.
    fn function(&mut self, wanted: &str) {
        let line = format!(" {wanted}");
        let Some(found) = Frame::find(line.as_bytes()) else { return self.put(wanted, &[]) };
        // What the image is called is for who named it.
        let exact = !self.command.returns;
        let frame = Frame { module: None, exact, ..found.frame };
        let Resolution { calls, candidates, .. } = self.symbolizer.resolve(&frame);
        let mut shown = false;
        for calls in candidates.iter().filter_map(|candidate| candidate.calls.as_ref().ok()) {
            self.put(wanted, calls);
            shown = true;
        }
        if !shown {
            self.put(wanted, &calls);
        }
    }

    fn put(&mut self, asked: &str, calls: &[Call<'_>]) {
        self.found |= !calls.is_empty();
        let Addr { addresses, functions, inlines, pretty_print, .. } = *self.command;
        let mut out = Vec::new();
        if addresses {
            out.extend_from_slice(asked.as_bytes());
            out.extend_from_slice(if pretty_print { b": " } else { b"\n" });
        }
        let unknown = [unplaced("??")];
        let calls = match (calls.is_empty(), inlines) {
            (true, _) => &unknown[..],
            (false, true) => calls,
            (false, false) => &calls[..1],
        };
        for (n, call) in calls.iter().enumerate() {
            if n > 0 && pretty_print {
                out.extend_from_slice(b" (inlined by) ");
            }
            if functions {
                let name =
                    if self.command.demangle { demangled(&call.function) } else { Cow::Borrowed(&*call.function) };
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(if pretty_print { b" at " } else { b"\n" });
            }
            let file = call.file.as_deref().unwrap_or("??");
            let file = if self.command.basenames { file.rsplit('/').next().unwrap_or(file) } else { file };
            // Writing to a vector does not fail.
            let _ = match (call.file.is_some(), call.line) {
                (true, None) => writeln!(out, "{file}:?"),
                (_, line) => writeln!(out, "{file}:{}", line.unwrap_or(0)),
            };
        }
        self.text.append(&mut out);
    }
}

/// A function of which no source is known.
fn unplaced(function: &str) -> Call<'_> {
    Call { function: Cow::Borrowed(function), file: None, line: None, inlined: false }
}
