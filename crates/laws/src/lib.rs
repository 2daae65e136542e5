//! What holds of ksplat whatever it reads. Tests hold the laws to logs, fuzz targets to anything.
//!
//! A law takes bytes and says what breaks it:
//!
//! ```
//! laws::hold(laws::LINE, b"[    1.000000][   T12] BUG: oh\n");
//! assert_eq!(laws::broken(laws::CAPTURE, b"{\"MESSAGE\":\"BUG: oh\"}\n"), None);
//! ```

mod bisection;
mod capture;
mod decode;
mod kernel;
mod line;
mod name;
mod splat;
mod stream;
mod target;

pub use target::{Input, Made, TARGETS, Target, fuzz, ways};

/// One law.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// The law in words.
    pub name: &'static str,
    /// Says what breaks the law in an input.
    pub check: fn(&[u8]) -> Result<(), String>,
}

const fn law(name: &'static str, check: fn(&[u8]) -> Result<(), String>) -> Law {
    Law { name, check }
}

/// Laws of lines and of the frames in them.
pub const LINE: &[Law] = &[
    law("lines are the text", line::lines_are_the_text),
    law("a log has the same lines", line::a_log_has_the_same_lines),
    law("a line is made of its parts", line::a_line_is_made_of_its_parts),
    law("a frame stands where it says", line::a_frame_stands_where_it_says),
];

/// Laws of console text: splats, reports, titles, signatures.
pub const TEXT: &[Law] = &[
    law("a splat's places are in order", splat::places_are_in_order),
    law("a splat's lines are its caller's", splat::lines_are_its_callers),
    law("a report is found again from its start", splat::it_is_found_again),
    law("names are printable", splat::names_are_printable),
];

/// Laws of what printk puts in front of messages.
pub const PREFIX: &[Law] = &[law("prefixes name nothing", name::prefixes_name_nothing)];

/// Laws of the logs of real kernels: they know what is a number of a CPU in a message, and what is not.
pub const NAME: &[Law] = &[
    law("what varies names nothing", name::what_varies_names_nothing),
    law("forms name nothing", name::forms_name_nothing),
    law("source positions name nothing", name::source_positions_name_nothing),
];

/// Laws of captures in any form.
pub const CAPTURE: &[Law] = &[
    law("the console's places are in the capture", capture::places_are_in_the_capture),
    law("console text is read once", capture::console_text_is_read_once),
    law("reports stand in the capture", capture::reports_stand_in_the_capture),
];

/// Laws of captures that come in pieces.
pub const STREAM: &[Law] = &[
    law("windows share the capture", stream::windows_share_the_capture),
    law("pieces have the same windows", stream::pieces_have_the_same_windows),
    law("a stream has the same reports", stream::a_stream_has_the_same_reports),
];

/// Laws of decoding.
pub const DECODE: &[Law] = &[
    law("tokens stand in their lines", decode::tokens_stand_in_their_lines),
    law("pieces have the same tokens", decode::pieces_have_the_same_tokens),
];

/// Laws of kernel images.
pub const KERNEL: &[Law] = &[
    law("sections are in the file", kernel::sections_are_in_the_file),
    law("a kernel is the same as itself", kernel::a_kernel_is_the_same_as_itself),
];

/// Laws of bisection logs.
pub const BISECTION: &[Law] = &[
    law("each line has been read once", bisection::each_line_has_been_read_once),
    law("a longer log has what a shorter one has", bisection::a_longer_log_has_what_a_shorter_one_has),
    law("findings quote the log", bisection::findings_quote_the_log),
];

/// All laws that hold of any input.
pub const ANY: &[&[Law]] = &[LINE, TEXT, PREFIX, CAPTURE, STREAM, DECODE, BISECTION];

/// The first of the laws that an input breaks, and how.
pub fn broken(laws: &[Law], input: &[u8]) -> Option<String> {
    laws.iter().find_map(|law| (law.check)(input).err().map(|how| format!("{}: {how}", law.name)))
}

/// Holds an input to laws.
///
/// # Panics
///
/// If it breaks one of them.
#[track_caller]
pub fn hold(laws: &[Law], input: &[u8]) {
    if let Some(how) = broken(laws, input) {
        panic!("{how}");
    }
}

/// `ensure!(holds, "what is wrong: {}", value)`: returns from a law.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}
use ensure;

/// The start of a text, for a message.
fn shown(text: &[u8]) -> String {
    format!("\"{}\"", text[..text.len().min(200)].escape_ascii())
}
