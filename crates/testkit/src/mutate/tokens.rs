//! Walks over the words of a log that noise changes.

/// Rewrites each line, its line break included.
pub(super) fn each_line(log: &[u8], mut write: impl FnMut(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(log.len() + log.len() / 8);
    log.split_inclusive(|b| *b == b'\n').for_each(|line| write(line, &mut out));
    out
}

/// Rewrites a line: `replace` looks at each place but the first, and says how many bytes become which others.
pub(super) fn replace_each(
    line: &[u8],
    out: &mut Vec<u8>,
    mut replace: impl FnMut(&[u8], usize) -> Option<(usize, Vec<u8>)>,
) {
    let (mut at, mut from) = (1, 0);
    while at < line.len() {
        match replace(line, at) {
            Some((length, other)) => {
                out.extend_from_slice(&line[from..at]);
                out.extend_from_slice(&other);
                at += length;
                from = at;
            }
            None => at += 1,
        }
    }
    out.extend_from_slice(&line[from..]);
}

pub(super) fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

pub(super) fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
