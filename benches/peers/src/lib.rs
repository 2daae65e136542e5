//! What the peers have in common: addresses come in hexadecimal, a line each, and answers go out in addr2line's form.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, Write};

use memmap2::Mmap;

/// What went wrong.
pub type Failure = Box<dyn std::error::Error>;

/// Maps the file that an argument names.
pub fn map(argument: usize) -> Result<Mmap, Failure> {
    let path = std::env::args().nth(argument).ok_or("no file is named")?;
    // SAFETY: nobody writes to the image while it is read.
    Ok(unsafe { Mmap::map(&File::open(path)?)? })
}

/// Answers each address of standard input; `answer` puts down the calls, innermost first, by [`call`].
pub fn answer_all(mut answer: impl FnMut(u64, &mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let address = u64::from_str_radix(line.trim_start_matches("0x"), 16)?;
        writeln!(out, "{address:#018x}")?;
        answer(address, &mut out)?;
    }
    Ok(out.flush()?)
}

/// Puts down one call.
pub fn call(
    out: &mut dyn Write,
    function: impl Display,
    file: Option<impl Display>,
    line: Option<u32>,
) -> io::Result<()> {
    match (file, line.filter(|line| *line > 0)) {
        (Some(file), Some(line)) => writeln!(out, "{function}\n{file}:{line}"),
        (Some(file), None) => writeln!(out, "{function}\n{file}:?"),
        (None, _) => writeln!(out, "{function}\n??:0"),
    }
}
