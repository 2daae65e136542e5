//! Fuzz targets: what their input stands for, and the laws that it is held to.

use testkit::mutate::FORMS;

use crate::{CAPTURE, DECODE, LINE, PREFIX, STREAM, TEXT, broken, stream};

/// A fuzz target. A finding of it is a file in `testdata/fuzz/<name>`, which a plain test replays.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the target and of its folders.
    pub name: &'static str,
    /// Says what breaks a law in an input.
    pub check: fn(&[u8]) -> Option<String>,
}

/// All fuzz targets.
pub const TARGETS: &[Target] = &[
    Target { name: "lines", check: |text| broken(LINE, text) },
    Target { name: "reports", check: |text| broken(TEXT, text).or_else(|| broken(STREAM, text)) },
    Target { name: "prefixes", check: |text| broken(PREFIX, text) },
    Target { name: "captures", check: |input| broken(CAPTURE, &capture(input)) },
    Target { name: "streams", check: |input| broken(STREAM, &stream::described(input)) },
    Target { name: "decode", check: |text| broken(DECODE, text) },
];

/// Runs a target.
///
/// # Panics
///
/// If the input breaks a law, or there is no such target.
pub fn fuzz(target: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|known| known.name == target).expect("a target of that name");
    if let Some(how) = (target.check)(input) {
        panic!("{how}");
    }
}

/// A few lines that show which form a capture has.
const HEAD: &[u8] = b"[    0.000000][    T0] Linux version 6.12.0 (gcc) #1 SMP\n\
    [    1.500000][    C1] usb 1-1: new high-speed USB device\n\
    [    2.000000][   T12] BUG: oh\n";

/// The first byte chooses a form, whose capture the other bytes go on; where there is none, they are a capture of their own.
fn capture(input: &[u8]) -> Vec<u8> {
    let Some((form, rest)) = input.split_first() else { return Vec::new() };
    let head = FORMS.get(usize::from(*form)).map(|form| (form.write)(HEAD));
    [&head.unwrap_or_default(), rest].concat()
}
