//! Runs: how many bytes of a kind a text starts with, told of eight bytes at a time.
//!
//! Most of what a console prints are stamps, names and numbers of some bytes each, so these few functions are where reading
//! it spends its time.

/// A one in each byte.
const ONES: u64 = u64::MAX / 255;
/// The high bit of each byte.
const HIGH: u64 = ONES * 0x80;

/// How many decimal digits a text starts with.
pub(crate) fn digits(text: &[u8]) -> usize {
    run(
        text,
        |byte| byte.is_ascii_digit(),
        |eight| {
            // A carry only reaches bytes behind one that is no digit.
            let value = eight ^ (ONES * u64::from(b'0'));
            (value | value.wrapping_add(ONES * (0x80 - 10))) & HIGH
        },
    )
}

/// How many spaces a text starts with.
pub(crate) fn spaces(text: &[u8]) -> usize {
    run(text, |byte| byte == b' ', |eight| eight ^ (ONES * u64::from(b' ')))
}

/// How many bytes of a name a text starts with: letters, digits, `_` and the `.` of a suffix.
pub(crate) fn names(text: &[u8]) -> usize {
    run(text, is_name, |eight| {
        let ascii = eight & !HIGH | HIGH;
        let letters = between(ascii | (ONES * 0x20), b'a', b'z');
        let no_slash = (ascii ^ (ONES * u64::from(b'/'))) - ONES;
        let no_line = (ascii ^ (ONES * u64::from(b'_'))) - ONES;
        !((letters | between(ascii, b'.', b'9') & no_slash | !no_line) & !eight) & HIGH
    })
}

/// True for the bytes of names.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

/// A hex number that fits 64 bits, and how long it is.
pub(crate) fn hex(text: &[u8]) -> Option<(u64, usize)> {
    hex_at(text, 0)
}

/// The hex number that starts there, if it fits 64 bits, and how long it is.
pub(crate) fn hex_at(text: &[u8], at: usize) -> Option<(u64, usize)> {
    let rest = &text[at..];
    let eight = match (rest.first_chunk(), text.last_chunk()) {
        (Some(eight), _) => u64::from_le_bytes(*eight),
        // The last eight bytes of the text without those before the number.
        (None, Some(eight)) if !rest.is_empty() => u64::from_le_bytes(*eight) >> (8 * (8 - rest.len())),
        _ => return slow_hex(rest, 0, 0),
    };
    let others = !hex_digits(eight) & HIGH;
    match others.trailing_zeros() as usize / 8 {
        0 => None,
        8 => slow_hex(rest, eight_digits(eight), 8),
        // Behind as many zeros as digits are missing.
        length => Some((eight_digits(eight << (8 * (8 - length))), length)),
    }
}

/// The hex number that goes on behind so many digits.
fn slow_hex(text: &[u8], mut value: u64, mut length: usize) -> Option<(u64, usize)> {
    for byte in &text[length..] {
        let Some(digit) = char::from(*byte).to_digit(16) else { break };
        if value >> 60 != 0 {
            return None;
        }
        value = value << 4 | u64::from(digit);
        length += 1;
    }
    (length > 0).then_some((value, length))
}

/// True for `.345678]`, the end of a stamp as the kernel prints it.
pub(crate) fn is_micros(eight: [u8; 8]) -> bool {
    let eight = u64::from_le_bytes(eight);
    let marks = u64::from_le_bytes([0xff, 0, 0, 0, 0, 0, 0, 0xff]);
    eight & marks == u64::from_le_bytes(*b".000000]") & marks && decimal(eight) | marks & HIGH == HIGH
}

/// How many bytes of a kind a text starts with; `others` has bits in the first of eight bytes that is of another kind, and in
/// none before it.
#[inline(always)]
fn run(text: &[u8], is: impl Fn(u8) -> bool, others: impl Fn(u64) -> u64) -> usize {
    let mut length = 0;
    while let Some(eight) = text[length..].first_chunk() {
        let others = others(u64::from_le_bytes(*eight));
        if others != 0 {
            return length + others.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + text[length..].iter().take_while(|byte| is(**byte)).count()
}

/// The high bit of each byte that lies between two bytes of ASCII, both included, where all bytes have their high bit in place
/// of what it was; the other bits mean nothing.
#[inline(always)]
fn between(ascii: u64, low: u8, high: u8) -> u64 {
    // No byte borrows from the next one.
    (ascii - ONES * u64::from(low)) & !(ascii - ONES * u64::from(high + 1))
}

/// The high bit of each of eight bytes that is a decimal digit.
#[inline(always)]
pub(crate) fn decimal(eight: u64) -> u64 {
    between(eight | HIGH, b'0', b'9') & !eight & HIGH
}

/// The high bit of each byte that is a hex digit.
#[inline(always)]
fn hex_digits(eight: u64) -> u64 {
    let letters = between(eight | (ONES * 0x20) | HIGH, b'a', b'f');
    (between(eight | HIGH, b'0', b'9') | letters) & !eight & HIGH
}

/// The value of eight hex digits, the first byte being the highest one; a zero byte counts as `0`.
fn eight_digits(eight: u64) -> u64 {
    // Letters of either case are 9 more than their low bits.
    let digits = (eight & (ONES * 0x0f)) + ((eight >> 6) & ONES) * 9;
    let pairs = (digits << 4 | digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs << 8 | pairs >> 16) & 0x0000_ffff_0000_ffff;
    (fours << 16 | fours >> 32) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
        text.iter().take_while(|b| is(**b)).count()
    }

    #[test]
    fn runs_end_where_another_byte_stands() {
        for length in 0..20 {
            for last in 0..=u8::MAX {
                for fill in *b"0 aZ_." {
                    let mut text = vec![fill; length];
                    text.push(last);
                    text.extend_from_slice(b"0 aZ");
                    assert_eq!(digits(&text), count(&text, |b| b.is_ascii_digit()), "{text:?}");
                    assert_eq!(spaces(&text), count(&text, |b| b == b' '), "{text:?}");
                    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
                    assert_eq!(names(&text), count(&text, is_name), "{text:?}");
                    assert_eq!(digits(&text[..length]), count(&text[..length], |b| b.is_ascii_digit()));
                }
            }
        }
    }

    #[test]
    fn hex_numbers() {
        for (text, want) in [
            ("", None),
            ("x", None),
            ("1a/0x40", Some((0x1a, 2))),
            ("ffffFFFF81234567", Some((0xffff_ffff_8123_4567, 16))),
            ("0123456789abcdef ", Some((0x0123_4567_89ab_cdef, 16))),
            ("89abcdefg", Some((0x89ab_cdef, 8))),
            ("89abcdef0", Some((0x8_9abc_def0, 9))),
            ("0000000000000000001", Some((1, 19))),
            ("11111111111111111", None),
        ] {
            assert_eq!(hex(text.as_bytes()), want, "{text}");
        }
        for end in 0..=16 {
            assert_eq!(
                hex_at(b"+0x1a/0x40 89abc", end).map(|(_, length)| length),
                match end {
                    1 | 6 => Some(1),
                    3 | 8 => Some(2),
                    4 | 9 => Some(1),
                    11..16 => Some(16 - end),
                    _ => None,
                },
                "{end}"
            );
        }
        for b in 0..=u8::MAX {
            let text = [b; 8];
            assert_eq!(hex(&text).is_some(), b.is_ascii_hexdigit(), "{b}");
        }
    }

    #[test]
    fn micros_are_six_digits() {
        for (text, want) in [(b".345678]", true), (b".000009]", true), (b".34567a]", false), (b"x345678]", false)] {
            assert_eq!(is_micros(*text), want);
        }
        for b in 0..=u8::MAX {
            assert_eq!(is_micros([b'.', b'1', b'2', b, b'4', b'5', b'6', b']']), b.is_ascii_digit());
        }
    }
}
