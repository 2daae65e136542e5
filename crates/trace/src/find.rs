//! Finds a text in a line. Lines are short: to prepare a search, as general ones do, would cost more than the search.

use crate::run::digits;

/// Where a text first stands in a line.
#[inline]
pub(crate) fn find(line: &[u8], text: &[u8]) -> Option<usize> {
    let (before, byte) = rarest(text);
    let last = line.len().checked_sub(text.len())?;
    memchr::memchr_iter(byte, &line[before..=last + before]).find(|at| line[*at..].starts_with(text))
}

/// True where a text stands in a line.
#[inline]
pub(crate) fn holds(line: &[u8], text: &[u8]) -> bool {
    find(line, text).is_some()
}

/// The decimal number behind a name: where that first stands.
pub(crate) fn number_behind(line: &[u8], name: &[u8]) -> Option<u32> {
    let rest = &line[find(line, name)? + name.len()..];
    std::str::from_utf8(&rest[..digits(rest)]).ok()?.parse().ok()
}

/// Of the first bytes of a text, the one that lines hold least often, and where it stands; the text is not empty.
#[inline]
fn rarest(text: &[u8]) -> (usize, u8) {
    let mut rarest = 0;
    for at in 1..text.len().min(8) {
        if RARITY[usize::from(text[at])] > RARITY[usize::from(text[rarest])] {
            rarest = at;
        }
    }
    (rarest, text[rarest])
}

static RARITY: [u8; 256] = {
    let mut rarities = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        rarities[byte] = rarity(byte as u8);
        byte += 1;
    }
    rarities
};

/// How seldom console lines hold a byte: stamps, addresses and offsets are most of them, lower-case words most of the rest.
pub(crate) const fn rarity(byte: u8) -> u8 {
    match byte {
        b' ' | b'0'..=b'9' | b'a'..=b'f' => 1,
        b'g'..=b'z' | b'_' | b'[' | b']' | b'.' | b':' | b'/' | b'+' => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_where_a_general_search_finds_them() {
        let lines = ["", "a", "ab", "aab: x", "x at: f", "at: at: ", "){}){", "a: b: c:", "Aa at:", "at:"];
        for line in lines.map(str::as_bytes) {
            for text in ["a", "ab", "at: ", "){", "c:", "Aa at:", "b: c:", "at: at: "].map(str::as_bytes) {
                assert_eq!(find(line, text), memchr::memmem::find(line, text), "{line:?} {text:?}");
            }
        }
    }
}
