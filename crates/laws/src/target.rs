//! Fuzz targets: what their input stands for, and the laws that it is held to.

use testkit::mutate::{FORMS, Form};

use crate::{BISECTION, CAPTURE, DECODE, KERNEL, LINE, Law, PREFIX, STREAM, TEXT, broken, stream};

/// A fuzz target. A finding of it is a file in `testdata/fuzz/<name>`, which a plain test replays.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the target and of its folders.
    pub name: &'static str,
    /// What its input stands for.
    pub input: Input,
    /// What it is held to.
    pub laws: &'static [&'static [Law]],
}

/// What the bytes of a fuzzer stand for.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// Text, as it is.
    Text,
    /// A kernel image: ELF, or a bzImage.
    Kernel,
    /// A large capture, which [`Input`] describes in pairs of bytes.
    Described,
    /// A capture of this format, one of [`testkit::mutate::Form::format`]. The first byte says how the others make it.
    Capture(&'static str),
}

/// All fuzz targets.
pub const TARGETS: &[Target] = &[
    text("lines", &[LINE]),
    text("reports", &[TEXT, STREAM]),
    text("prefixes", &[PREFIX]),
    text("decode", &[DECODE]),
    Target { name: "kernel", input: Input::Kernel, laws: &[KERNEL] },
    text("bisect", &[BISECTION]),
    Target { name: "streams", input: Input::Described, laws: &[STREAM] },
    capture("capture-compose", "compose"),
    capture("capture-controls", "controls"),
    capture("capture-cri", "cri"),
    capture("capture-dmesg", "dmesg"),
    capture("capture-dmesg-json", "dmesg-json"),
    capture("capture-docker-json", "docker-json"),
    capture("capture-indent", "indent"),
    capture("capture-job", "job"),
    capture("capture-journal", "journal"),
    capture("capture-journal-export", "journal-export"),
    capture("capture-journal-json", "journal-json"),
    capture("capture-journal-verbose", "journal-verbose"),
    capture("capture-kmsg", "kmsg"),
    capture("capture-mail", "mail"),
    capture("capture-pstore", "pstore"),
    capture("capture-quote", "quote"),
    capture("capture-quoted-printable", "quoted-printable"),
    capture("capture-stamps", "stamps"),
    capture("capture-syslog", "syslog"),
];

const fn text(name: &'static str, laws: &'static [&'static [Law]]) -> Target {
    Target { name, input: Input::Text, laws }
}

const fn capture(name: &'static str, format: &'static str) -> Target {
    Target { name, input: Input::Capture(format), laws: &[CAPTURE] }
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// What breaks a law in an input.
    pub fn broken(&self, input: &[u8]) -> Option<String> {
        let text = match self.input {
            Input::Text | Input::Kernel => input.to_vec(),
            Input::Described => stream::described(input),
            Input::Capture(format) => capture_of(format, input),
        };
        self.laws.iter().find_map(|laws| broken(laws, &text))
    }
}

/// Runs a target.
///
/// # Panics
///
/// If the input breaks a law, or there is no such target.
pub fn fuzz(target: &str, input: &[u8]) {
    let target = Target::named(target).expect("a target of that name");
    if let Some(how) = target.broken(input) {
        panic!("{how}");
    }
}

/// A few lines that show which form a capture has.
const HEAD: &[u8] = b"[    0.000000][    T0] Linux version 6.12.0 (gcc) #1 SMP\n\
    [    1.500000][    C1] usb 1-1: new high-speed USB device\n\
    [    2.000000][   T12] BUG: oh\n";

/// How the bytes behind the first one make a capture of a format.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// They are one.
    Whole,
    /// They go on where a few lines in this form end.
    Behind(&'static Form),
    /// They are console text, which is captured in this form.
    Written(&'static Form),
}

/// All ways to make a capture of a format. The first byte of an input is the number of one, counted round.
pub fn ways(format: &str) -> Vec<Made> {
    let forms = || FORMS.iter().filter(|form| form.format == format);
    [Made::Whole].into_iter().chain(forms().map(Made::Behind)).chain(forms().map(Made::Written)).collect()
}

fn capture_of(format: &str, input: &[u8]) -> Vec<u8> {
    let Some((way, rest)) = input.split_first() else { return Vec::new() };
    let ways = ways(format);
    match ways[usize::from(*way) % ways.len()] {
        Made::Whole => rest.to_vec(),
        Made::Behind(form) => [&(form.write)(HEAD), rest].concat(),
        Made::Written(form) => (form.write)(&[HEAD, rest].concat()),
    }
}
