//! Report lines in plain words: C++ and Rust names demangled, build-ids left out.

use std::borrow::Cow;

use trace::{Frame, FrameAt};

use crate::name::demangled;

/// A report's line with the name of its frame demangled, without parameters, and its module without a build-id.
///
/// ```
/// let line = signature::readable(b" _ZN3foo3barEi+0x1/0x2 [mod 0123abcd]");
/// assert_eq!(&line[..], b" foo::bar+0x1/0x2 [mod]");
/// ```
pub fn readable(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(FrameAt { frame, symbol, module }) = frame_token(line) else {
        return Cow::Borrowed(line);
    };
    let name = demangled(frame.function);
    let module_name = frame.module.filter(|_| frame.build_id.is_some());
    if module_name.is_none() && name == frame.function {
        return Cow::Borrowed(line);
    }
    let mut text = Vec::with_capacity(line.len() + name.len());
    text.extend_from_slice(&line[..symbol.start]);
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(&line[symbol.start + frame.function.len()..symbol.end]);
    match module_name {
        Some(module) => text.extend_from_slice(format!(" [{module}]").as_bytes()),
        None => text.extend_from_slice(&line[module.clone()]),
    }
    text.extend_from_slice(&line[module.end..]);
    Cow::Owned(text)
}

/// The first `func+0x1/0x2` of a line that has a blank in front, with nothing but `(` and `0010:` between.
fn frame_token(line: &[u8]) -> Option<FrameAt<'_>> {
    let found = Frame::find(line)?;
    let before = &line[..found.symbol.start];
    let before = match before.strip_suffix(b":") {
        Some(segment) => {
            let digits = segment.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            &segment[..segment.len() - digits]
        }
        None => before,
    };
    let before = before.strip_suffix(b"(").unwrap_or(before);
    matches!(before.last(), Some(b' ' | b'\t')).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_readable() {
        for (line, want) in [
            (" vfs_read+0x1/0x2 [xfs]", " vfs_read+0x1/0x2 [xfs]"),
            ("RIP: 0010:_RNvCs1234_7mycrate3foo+0x1/0x2 tail", "RIP: 0010:mycrate::foo+0x1/0x2 tail"),
            (" (_ZN3foo3barEi+0x1/0x2)", " (foo::bar+0x1/0x2)"),
            (" f+0x1/0x2 [xfs 0123abcd] fs/x.c:1", " f+0x1/0x2 [xfs] fs/x.c:1"),
            ("_ZN3foo3barEi+0x1/0x2", "_ZN3foo3barEi+0x1/0x2"),
            ("x:_ZN3foo3barEi+0x1/0x2", "x:_ZN3foo3barEi+0x1/0x2"),
            (" _ZN3foo3barEi+0x1", " _ZN3foo3barEi+0x1"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&readable(line.as_bytes())), want);
        }
    }
}
