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

/// Answers that are kept, by address.
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
        results.write_all(addresses.answer(wanted.as_bytes()))?;
    }
    if command.wanted.is_empty() {
        let mut input = io::BufReader::with_capacity(1 << 16, io::stdin().lock());
        if let Err(failure) = addresses.answer_lines(&mut input, &mut results) {
            match failure {
                Failure::Write(error) => return Err(error),
                Failure::Read(error) => output.error(Path::new("-"), &reason(&error)),
            }
        }
    }
    results.flush()?;
    Ok(output.finish(addresses.found, "nothing is known of these addresses", shared.quiet))
}

/// Which side of the pipe failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
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
    known: HashMap<u64, Range<usize>, foldhash::fast::RandomState>,
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
            known: HashMap::default(),
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

    /// Answers each line of an input.
    fn answer_lines(&mut self, input: &mut impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            // Lines that are there as a whole are read in place.
            let there = input.fill_buf().map_err(Failure::Read)?;
            let mut at = 0;
            while let Some(length) = memchr::memchr(b'\n', &there[at..]) {
                out.write_all(self.answer(&there[at..at + length])).map_err(Failure::Write)?;
                at += length + 1;
            }
            let is_whole = at > 0 && at == there.len();
            input.consume(at);
            // Who asks and waits gets the answer.
            out.flush().map_err(Failure::Write)?;
            if is_whole {
                continue;
            }
            if !next_line(input, &mut line).map_err(Failure::Read)? {
                return Ok(());
            }
            out.write_all(self.answer(&line)).map_err(Failure::Write)?;
        }
    }

    /// The lines for what was asked.
    fn answer(&mut self, wanted: &[u8]) -> &[u8] {
        let wanted = wanted.trim_ascii();
        let address = hexadecimal(wanted);
        if let Some(range) = address.and_then(|address| self.known.get(&address)) {
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
        match address {
            None if memchr::memmem::find(wanted, b"+0x").is_some() => self.function(&String::from_utf8_lossy(wanted)),
            // addr2line reads what is no number as 0.
            address => self.address(address.unwrap_or(0)),
        }
        let range = from..self.text.len();
        if let Some(address) = address {
            self.known.insert(address, range.clone());
        }
        &self.text[range]
    }

    fn address(&mut self, address: u64) {
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
        let mut asked = *b"0x0000000000000000";
        for (n, digit) in asked[2..].iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(address >> (4 * n) & 0xf) as usize];
        }
        self.put(&asked, &calls.unwrap_or_default());
    }

    /// `func+0x1a/0x40 [mod]`, as faddr2line takes it: every function that it may be.
    fn function(&mut self, wanted: &str) {
        let line = format!(" {wanted}");
        let Some(found) = Frame::find(line.as_bytes()) else { return self.put(wanted.as_bytes(), &[]) };
        // What the image is called is for who named it.
        let exact = !self.command.returns;
        let frame = Frame { module: None, exact, ..found.frame };
        let Resolution { calls, candidates, .. } = self.symbolizer.resolve(&frame);
        let mut shown = false;
        for calls in candidates.iter().filter_map(|candidate| candidate.calls.as_ref().ok()) {
            self.put(wanted.as_bytes(), calls);
            shown = true;
        }
        if !shown {
            self.put(wanted.as_bytes(), &calls);
        }
    }

    fn put(&mut self, asked: &[u8], calls: &[Call<'_>]) {
        self.found |= !calls.is_empty();
        let Addr { addresses, functions, inlines, pretty_print, .. } = *self.command;
        let out = &mut self.text;
        if addresses {
            out.extend_from_slice(asked);
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
            out.extend_from_slice(file.as_bytes());
            out.push(b':');
            match (call.file.is_some(), call.line) {
                (true, None) => out.push(b'?'),
                (_, line) => out.extend_from_slice(itoa::Buffer::new().format(line.unwrap_or(0)).as_bytes()),
            }
            out.push(b'\n');
        }
    }
}

/// A function of which no source is known.
fn unplaced(function: &str) -> Call<'_> {
    Call { function: Cow::Borrowed(function), file: None, line: None, inlined: false }
}

/// An address as addr2line takes it: with or without `0x`.
fn hexadecimal(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?)))
}
