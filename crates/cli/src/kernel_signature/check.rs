//! `ksplat kernel-signature --check`, as `b3sum --check` does it.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use ksplat::image::Signature;
use rayon::prelude::*;

use super::{BATCH, Signer, line};
use crate::args::Shared;
use crate::output::{Outcome, Output, printable, reason};

/// Longer than any path with its signature.
const LONGEST_LINE: u64 = 1 << 16;

/// Checks each line of the files; a line `PATH: OK`, or what is wrong. Lines that are not understood count as failed.
pub fn run(lists: &[PathBuf], signer: &Signer, shared: &Shared, output: &Output) -> io::Result<Outcome> {
    let mut results = output.results();
    let (mut failed, mut others) = (0, 0);
    for list in lists {
        let lines = match read(list) {
            Ok(lines) => lines,
            Err(error) => {
                output.error(list, &reason(&error));
                continue;
            }
        };
        for batch in lines.chunks(BATCH) {
            let checked: Vec<_> = batch.par_iter().map(|line| check(line, signer)).collect();
            for checked in checked {
                match checked {
                    Checked::Same(_) if shared.quiet => {}
                    Checked::Same(path) => writeln!(results, "{path}: OK")?,
                    Checked::Other(path, flags) => {
                        failed += 1;
                        others += usize::from(flags.is_none());
                        let hint = flags.map_or(String::new(), |flags| format!(" (it is that of {flags})"));
                        writeln!(results, "{path}: FAILED{hint}")?;
                    }
                    Checked::Unread(path, why) => {
                        failed += 1;
                        writeln!(results, "{path}: FAILED ({})", printable(&why))?;
                    }
                    Checked::NoLine(why) => {
                        failed += 1;
                        output.note(&format!("{}: {why}", list.display()));
                    }
                }
            }
        }
    }
    results.flush()?;
    if failed > 0 {
        let plural = if failed == 1 { "" } else { "s" };
        output.note(&format!("WARNING: {failed} computed signature{plural} did NOT match"));
    }
    if others > 0 && signer.modules.is_none() && !shared.quiet {
        output.note(&"signatures that were made with --with-modules DIR need it here, too");
    }
    // As for b3sum, a file that cannot be read has failed, which is no error of the run.
    Ok(output.outcome(failed == 0))
}

enum Checked {
    Same(String),
    /// With which flags it would be the signature of the list.
    Other(String, Option<String>),
    Unread(String, String),
    NoLine(&'static str),
}

fn check(line: &str, signer: &Signer) -> Checked {
    let (expected, path): (Signature, String) = match line::read(line) {
        Ok(read) => read,
        Err(why) => return Checked::NoLine(why),
    };
    let (mark, shown) = line::escape(&path);
    let shown = format!("{mark}{shown}");
    match signer.sign(Path::new(&path)) {
        Ok(signed) if signed.signature == expected => Checked::Same(shown),
        Ok(_) => Checked::Other(shown, signer.flags_of(Path::new(&path), expected)),
        Err(why) => Checked::Unread(shown, why),
    }
}

/// The lines of a list; `-` is standard input.
fn read(list: &Path) -> io::Result<Vec<String>> {
    let mut file: Box<dyn BufRead> = if list.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(io::BufReader::new(std::fs::File::open(list)?))
    };
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(lines);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 == LONGEST_LINE {
            return Err(io::Error::other("a line that is too long for a path"));
        }
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
}
