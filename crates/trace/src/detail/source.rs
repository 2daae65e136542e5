//! `BUG at mm/slub.c:123!` and `WARNING: … at lib/refcount.c:28 f+0x1/0x2`: the line of the source that complains.

use schemars::JsonSchema;
use serde::Serialize;

use super::cursor::Cursor;
use super::symbol::Symbol;

/// A line of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source<'t> {
    /// The file, as the compiler knew it.
    pub file: &'t str,
    /// The line.
    pub line: u32,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The function, where one is printed with the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<&'t str>,
}

impl<'t> Source<'t> {
    /// Reads `file:line` or `file:line:column`, and the function behind it.
    pub(super) fn parse(text: &'t [u8]) -> Option<Source<'t>> {
        let text = text.trim_ascii_start();
        let length = text.iter().take_while(|b| !matches!(b, b' ' | b'!' | b'\'' | b',' | b')')).count();
        let place = std::str::from_utf8(&text[..length]).ok()?.trim_end_matches(':');
        let (head, last) = place.rsplit_once(':')?;
        let last = last.parse().ok()?;
        let with_column = head.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let (file, line, column) = match with_column {
            Some((file, line)) => (file, line, Some(last)),
            None => (head, last, None),
        };
        let behind = text[length..].trim_ascii_start();
        let behind = behind.strip_prefix(b"at ").unwrap_or(behind);
        let function = Symbol::find(behind).filter(|found| found.offset.is_some()).map(|found| found.function);
        (!file.is_empty()).then_some(Source { file, line, column, function })
    }

    /// What follows `[condition] `, which is printed since 6.18.
    fn behind_condition(line: &[u8]) -> &[u8] {
        let end = line.starts_with(b"[").then(|| memchr::memmem::rfind(line, b"] ")).flatten();
        end.map_or(line, |end| &line[end + 2..])
    }

    /// The line that a headline complains about.
    ///
    /// `kernel BUG at mm/slub.c:123!`, `WARNING: CPU: 1 PID: 65 at lib/refcount.c:28 f+0x1/0x2`, since 6.18 `WARNING:
    /// lib/refcount.c:28 at f+0x1/0x2, CPU#1: sh/65` (kernel/panic.c, `__warn`), `BUG: sleeping function called from invalid
    /// context at kernel/locking/mutex.c:580`.
    pub(super) fn of_headline(line: &'t [u8]) -> Option<Source<'t>> {
        let mut line = Cursor(line);
        let warning = line.skip("WARNING: ").is_some();
        if warning && let Some(source) = Source::parse(Source::behind_condition(line.0)) {
            return Some(source);
        }
        line.until(if warning { "at " } else { " at " })?;
        Source::parse(line.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_name_lines() {
        let source = |line: &'static str| {
            Source::of_headline(line.as_bytes()).map(|found| (found.file, found.line, found.function))
        };
        for (line, want) in [
            ("kernel BUG at mm/slub.c:123!", Some(("mm/slub.c", 123, None))),
            ("WARNING: CPU: 1 PID: 65 at lib/r.c:28 f+0x1/0x2 [m]", Some(("lib/r.c", 28, Some("f")))),
            ("WARNING: lib/r.c:28 at f+0x1/0x2, CPU#1: sh/65", Some(("lib/r.c", 28, Some("f")))),
            ("WARNING: [a[1] == 2] lib/r.c:28 at f+0x1/0x2, CPU#1: sh/65", Some(("lib/r.c", 28, Some("f")))),
            ("WARNING: at lib/r.c:28 f+0x1/0x2()", Some(("lib/r.c", 28, Some("f")))),
            ("BUG: sleeping function called from invalid context at kernel/m.c:580", Some(("kernel/m.c", 580, None))),
            ("WARNING: possible recursive locking detected", None),
            ("WARNING: CPU: 1 PID: 65 at lib/r.c:", None),
            ("BUG: KASAN: use-after-free in f+0x1/0x2 at addr ffff888012345678", None),
        ] {
            assert_eq!(source(line), want, "{line}");
        }
    }
}
