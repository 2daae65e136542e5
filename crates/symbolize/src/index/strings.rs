//! The strings of an index: sorted, and each without what it shares with the one before.

use std::borrow::Cow;

use super::file::{Bytes, Section};
use super::{Input, put_varint, u32_at};

/// Strings in a group; the first one of each is whole.
const GROUP: usize = 8;
/// Longer than any path or mangled name that is put down.
const LONGEST: usize = 1 << 16;

/// The string of a number; `None` is damage.
pub(super) fn get<'i>(bytes: &Bytes<'i>, number: usize) -> Option<Cow<'i, str>> {
    let mut input = Input(group(bytes, number / GROUP)?);
    let first = input.varint()? as usize;
    let first = input.take(first)?;
    if number.is_multiple_of(GROUP) {
        return Some(String::from_utf8_lossy(first));
    }
    let mut whole = first.to_vec();
    for _ in 0..number % GROUP {
        next(&mut input, &mut whole)?;
    }
    Some(Cow::Owned(match String::from_utf8(whole) {
        Ok(string) => string,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}

/// Puts sorted strings down: where their groups start, and their bytes.
pub(super) fn put(strings: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let (mut groups, mut out) = (Vec::new(), Vec::new());
    for group in strings.chunks(GROUP) {
        groups.extend((out.len() as u32).to_le_bytes());
        let mut before: &[u8] = b"";
        for (at, string) in group.iter().enumerate() {
            let string = string.as_bytes();
            let shared = string.iter().zip(before).take_while(|(a, b)| a == b).count();
            if at > 0 {
                put_varint(shared as u64, &mut out);
            }
            put_varint((string.len() - shared) as u64, &mut out);
            out.extend(&string[shared..]);
            before = string;
        }
    }
    (groups, out)
}

/// The bytes of a group, and no more than a group can have.
fn group<'i>(bytes: &Bytes<'i>, n: usize) -> Option<&'i [u8]> {
    let groups = bytes.len(Section::Groups) / 4;
    let start = |n: usize| u32_at(bytes.get(Section::Groups, n * 4, 4)?, 0).map(|at| at as usize);
    let end = if n + 1 < groups { start(n + 1)? } else { bytes.len(Section::Strings) };
    bytes.get(Section::Strings, start(n)?, end.checked_sub(start(n)?)?)
}

fn next(input: &mut Input<'_>, whole: &mut Vec<u8>) -> Option<()> {
    let shared = usize::try_from(input.varint()?).ok()?;
    let len = usize::try_from(input.varint()?).ok()?;
    if shared > whole.len() || shared + len > LONGEST {
        return None;
    }
    whole.truncate(shared);
    whole.extend(input.take(len)?);
    Some(())
}
