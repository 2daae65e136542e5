//! Rewritten text, and where each part of it lies in what was rewritten.

/// Text under construction, with the way back to its source.
#[derive(Debug, Default)]
pub(super) struct Out {
    /// The bytes so far.
    pub(super) text: Vec<u8>,
    map: Map,
}

impl Out {
    /// An empty text with room for what `source` is likely to become.
    pub(super) fn for_source(source: &[u8]) -> Self {
        Out { text: Vec::with_capacity(source.len()), map: Map::default() }
    }

    /// Appends bytes that stand at (or were made from what stands at) `at` in the source.
    pub(super) fn push(&mut self, bytes: &[u8], at: usize) {
        if !bytes.is_empty() {
            self.map.note(self.text.len(), at);
            self.text.extend_from_slice(bytes);
        }
    }

    /// Ends the line: the newline stands at `at` in the source.
    pub(super) fn newline(&mut self, at: usize) {
        self.push(b"\n", at);
    }

    /// Whether what is appended next begins a line.
    pub(super) fn at_line_start(&self) -> bool {
        self.text.last().is_none_or(|&b| b == b'\n')
    }

    /// The text and the map that leads from it to its source of `len` bytes.
    pub(super) fn finish(mut self, len: usize) -> (Vec<u8>, Map) {
        self.map.len = offset(len);
        self.map.segments.shrink_to_fit();
        (self.text, self.map)
    }
}

/// Offsets in a rewritten text to offsets in its source.
///
/// Offsets are 32 bits wide: eight bytes a segment keep the map smaller than a hostile capture.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// (text, source) offsets where a run of verbatim bytes, or of made-up ones, begins; by text offset.
    segments: Vec<(u32, u32)>,
    len: u32,
}

impl Map {
    /// The source offset of the byte at `at`; made-up text maps into what it was made from.
    pub(super) fn source(&self, at: usize) -> usize {
        let after = self.segments.partition_point(|&(text, _)| text as usize <= at);
        let Some(&(text, source)) = after.checked_sub(1).and_then(|i| self.segments.get(i)) else {
            return at.min(self.len as usize);
        };
        let straight = source as usize + (at - text as usize);
        // Made-up text may be longer than what it was made from; it must not reach into what comes next.
        let limit = match self.segments.get(after) {
            Some(&(_, next)) if next >= source => next,
            _ => self.len,
        };
        straight.min(limit as usize)
    }

    fn note(&mut self, text: usize, source: usize) {
        let goes_on = self.segments.last().is_some_and(|&(t, s)| source as u64 == s as u64 + (text as u64 - t as u64));
        if !goes_on {
            self.segments.push((offset(text), offset(source)));
        }
    }
}

/// Texts never reach 4 GiB: `Console::read` takes no longer capture apart.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_text_stays_in_front_of_what_follows() {
        let mut out = Out::for_source(b"");
        out.push(b"[    1.000000] ", 10);
        out.push(b"text", 14);
        out.newline(18);
        let (text, map) = out.finish(19);
        assert_eq!(text, b"[    1.000000] text\n");
        assert_eq!(map.source(0), 10);
        assert_eq!(map.source(14), 14);
        assert_eq!(map.source(15), 14);
        assert_eq!(map.source(18), 17);
        assert_eq!(map.source(text.len()), 19);
        assert_eq!(map.source(1000), 19);
    }
}
