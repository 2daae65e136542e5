//! Standard output and standard error: colours, exit status, and text that is safe for a terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::Color;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something was found.
    Found,
    /// All was read, and nothing was found.
    Nothing,
    /// An error happened.
    Failed,
}

/// Where results and errors go.
#[derive(Debug)]
pub struct Output {
    failed: AtomicBool,
    terminal: bool,
}

impl Output {
    /// Chooses colours.
    pub fn new(color: Color) -> Output {
        let choice = match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::AlwaysAnsi,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        Output { failed: AtomicBool::new(false), terminal: io::stdout().is_terminal() }
    }

    /// Standard output for results, byte for byte: a log that is decoded keeps the escape sequences that it has.
    pub fn results(&self) -> impl Write {
        io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Standard output for a log that passes through byte for byte, its own colours included.
    pub fn log(&self) -> impl Write {
        io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// True where a person reads standard output.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// True where standard output takes colours.
    pub fn has_colors(&self) -> bool {
        anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
    }

    /// Says what is wrong with a file; the run goes on with the others.
    pub fn error(&self, path: &Path, error: &dyn Display) {
        self.failed.store(true, Ordering::Relaxed);
        let path = path.to_string_lossy();
        eprintln!("ksplat: {}: {}", printable(&path), printable(&error.to_string()));
    }

    /// Says something that is no error.
    pub fn note(&self, text: &dyn Display) {
        eprintln!("ksplat: {}", printable(&text.to_string()));
    }

    /// True once an error was said.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Ends a command: an error that happened outweighs what was found.
    pub fn outcome(&self, found: bool) -> Outcome {
        match (self.has_failed(), found) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Found,
            (false, false) => Outcome::Nothing,
        }
    }

    /// Ends a command; where all was read and nothing found, a line says so unless that is not wanted.
    pub fn finish(&self, found: bool, nothing: &str, quiet: bool) -> Outcome {
        let outcome = self.outcome(found);
        if outcome == Outcome::Nothing && !quiet {
            self.note(&nothing);
        }
        outcome
    }

    /// Ends a command whose results could not be written; a closed pipe is silence.
    pub fn fail(&self, error: &io::Error) -> Outcome {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Outcome::Found;
        }
        self.error(Path::new("standard output"), &reason(error));
        Outcome::Failed
    }
}

/// The reason of an I/O error, in lower case and without the error's number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// A text without control characters, so that a log cannot command the terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().fold(true, |plain, b| plain & matches!(b, b' '..0x7f)) {
        return Cow::Borrowed(text);
    }
    let bad = |c: char| c.is_control();
    if text.contains(bad) { Cow::Owned(text.replace(bad, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{9b}c\n"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
        assert_eq!(printable("plain é"), "plain é");
    }

    #[test]
    fn reasons_are_lower_case() {
        assert_eq!(reason(&io::Error::from_raw_os_error(2)), "no such file or directory");
    }
}
