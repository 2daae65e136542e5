//! The words of the dictionary: what the tables look for, and what captures have in front of a message.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ksplat::trace::format::{Format, Step};
use ksplat::trace::{Marks, Trigger};
use testkit::mutate::FORMS;

/// libFuzzer's limit is 64 bytes a word.
const LONGEST: usize = 64;

/// All words, sorted.
pub fn words() -> BTreeSet<Vec<u8>> {
    let mut words: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut add = |word: &[u8]| {
        if (2..=LONGEST).contains(&word.len()) {
            words.insert(word.to_vec());
        }
    };
    Trigger::all().for_each(|trigger| add(trigger.text().as_bytes()));
    Marks::texts().for_each(|text| add(text.as_bytes()));
    for row in Format::all().iter().map(|format| format.row) {
        let shapes = [row.shape].into_iter().chain(row.report);
        let steps = row.recipe.steps.iter().chain(row.recipe.otherwise);
        let lines = steps.filter_map(|step| if let Step::Line(shape) = step { Some(*shape) } else { None });
        shapes.chain(lines).flat_map(literals).for_each(|text| add(text.as_bytes()));
    }
    bisect::template_texts().for_each(|text| add(text.as_bytes()));
    heads().iter().for_each(|head| add(head));
    words
}

/// The dictionary as libFuzzer reads it: a quoted word a line.
pub fn text(words: &BTreeSet<Vec<u8>>) -> String {
    let mut text = String::new();
    for word in words {
        text.push('"');
        for &byte in word {
            match byte {
                b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
                b' '..0x7f => text.push(char::from(byte)),
                _ => {
                    let _ = write!(text, "\\x{byte:02X}");
                }
            }
        }
        text.push_str("\"\n");
    }
    text
}

/// The texts of a shape, which is what stands between its directives.
fn literals(shape: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut chars = shape.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => found.last_mut().expect("there is one").extend(chars.next()),
            '%' => {
                chars.next();
                found.push(String::new());
            }
            '{' | '}' | '(' | ')' | '|' | '^' | '…' | '⏎' | '¶' => found.push(String::new()),
            other => found.last_mut().expect("there is one").push(other),
        }
    }
    found.retain(|text| text.trim().len() > 1);
    found
}

/// What each form has in front of a message.
fn heads() -> Vec<Vec<u8>> {
    let log = b"[    1.000000][   T12] MARK\n[    2.500000][   C1] MARK\n[    3.500000][   T12] MARK\n";
    let mut heads = Vec::new();
    for form in FORMS {
        let capture = (form.write)(log);
        let mut rest = &capture[..];
        while let Some(at) = rest.windows(4).position(|w| w == b"MARK") {
            let head = &rest[..at];
            // The end of the record before, and the start of this one.
            heads.extend(head.split_inclusive(|&b| matches!(b, b'\n' | b',')).map(<[u8]>::to_vec));
            rest = &rest[at + 4..];
        }
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_words_are_in_it() {
        let words = words();
        let holds = |word: &str| words.contains(word.as_bytes());
        assert!(Trigger::all().all(|trigger| holds(trigger.text())));
        assert!(holds("Call Trace") && holds("__MONOTONIC_TIMESTAMP=2500017\n") && holds("Panic#2 Part1\n"));
        assert!(holds("is trying to acquire lock"), "shapes are taken apart");
        assert!(holds("# git bisect skip ") && holds(" is the first bad commit"), "wordings of bisections");
        assert!(words.len() > 300, "{}", words.len());
    }

    #[test]
    fn words_are_quoted() {
        let words = [&b"a\"\\\n\xff"[..]].map(<[u8]>::to_vec).into();
        assert_eq!(text(&words), "\"a\\\"\\\\\\x0A\\xFF\"\n");
    }
}
