//! Laws of lines and the frames in them.

use std::ops::Range;

use ksplat::trace::{Frame, Line, Log, Rules, lines};

use crate::{ensure, shown};

/// Lines and their line breaks, put together, are the text.
pub(crate) fn lines_are_the_text(text: &[u8]) -> Result<(), String> {
    let mut at = 0;
    for line in lines(text) {
        ensure!(line.offset == at, "a line starts at {}, the one before ends at {at}", line.offset);
        ensure!(text.get(at..line.end()) == Some(line.raw), "line at {at} is {}", shown(line.raw));
        ensure!(!line.raw.contains(&b'\n'), "line at {at} has a line break");
        ensure!(matches!(text.get(line.end()), None | Some(b'\n')), "line at {at} has no end");
        at = line.end() + 1;
    }
    ensure!(at >= text.len() && at <= text.len() + 1, "lines end at {at} of {}", text.len());
    Ok(())
}

/// A log, which is read in one pass, has the lines that are found one by one, and a trigger only where its text stands.
pub(crate) fn a_log_has_the_same_lines(text: &[u8]) -> Result<(), String> {
    let log = Log::parse(text, Rules::default());
    ensure!(log.text() == text, "the text is another one");
    ensure!(log.entries().len() == lines(text).count(), "{} entries", log.entries().len());
    for (entry, line) in log.entries().iter().zip(lines(text)) {
        ensure!(entry.line == line, "an entry has {:?}, not {line:?}", entry.line);
        if let Some(trigger) = entry.trigger {
            let holds = memchr::memmem::find(line.raw, trigger.text().as_bytes()).is_some();
            ensure!(holds, "{:?} is not in {}", trigger.text(), shown(line.raw));
        }
    }
    Ok(())
}

/// The message is a part of the line, and only a doubted frame loses what stands in front of it.
pub(crate) fn a_line_is_made_of_its_parts(text: &[u8]) -> Result<(), String> {
    for Line { offset, raw, body, reliable, .. } in lines(text) {
        let Some(Range { end, .. }) = place(raw, body) else {
            return Err(format!("line at {offset}: the message is not in it"));
        };
        ensure!(end == raw.len() || !reliable, "line at {offset}: the message ends at {end} of {}", raw.len());
    }
    Ok(())
}

/// Frame and module are found where the frame says that they stand.
pub(crate) fn a_frame_stands_where_it_says(text: &[u8]) -> Result<(), String> {
    for line in lines(text) {
        for text in [line.raw, line.body] {
            frame_at(text)?;
            if let Some(frame) = Frame::parse(text) {
                let is_part = frame.function.is_empty() || place(text, frame.function.as_bytes()).is_some();
                ensure!(is_part, "{:?} is not in {}", frame.function, shown(text));
            }
        }
    }
    Ok(())
}

fn frame_at(line: &[u8]) -> Result<(), String> {
    let Some(found) = Frame::find(line) else { return Ok(()) };
    let frame = found.frame;
    let (Some(symbol), Some(module)) = (line.get(found.symbol.clone()), line.get(found.module.clone())) else {
        return Err(format!("{found:?} is not in {}", shown(line)));
    };
    let name = place(line, frame.function.as_bytes());
    ensure!(name.as_ref().is_some_and(|name| name.start == found.symbol.start), "name of {found:?}");
    let numbers = symbol[frame.function.len()..].strip_prefix(b"+0x").map(String::from_utf8_lossy);
    let numbers = numbers.as_ref().and_then(|numbers| numbers.split_once("/0x"));
    let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let numbers = numbers.map(|(offset, size)| (hex(offset), hex(size)));
    ensure!(numbers == Some((Some(frame.offset), Some(frame.size))), "{} for {frame:?}", shown(symbol));
    ensure!(found.symbol.end <= found.module.start, "{found:?} overlaps");
    match frame.module {
        Some(name) => {
            let id = frame.build_id.map_or(String::new(), |id| format!(" {id}"));
            ensure!(module == format!(" [{name}{id}]").as_bytes(), "{} for {frame:?}", shown(module));
        }
        None => ensure!(frame.build_id.is_none(), "a build-id without a module: {frame:?}"),
    }
    Ok(())
}

/// Where a part of a text stands in it; `None` if it is no part.
pub(crate) fn place(text: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (text.get(start..start + part.len()) == Some(part)).then_some(start..start + part.len())
}
